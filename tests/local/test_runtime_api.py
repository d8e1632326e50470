"""Which request a runtime may make when, and what it is told when it may not: statuses and bodies are AWS's."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable

import pytest

from local.invocation import Failure, FunctionError, Invocation, ReplyCutError
from local.runtime_api import MAX_BUFFERED_BYTES, MAX_STREAMED_BYTES, RefusedError, ReplyRequest, RuntimeApi, State
from tests.local.fakes.environment import FakeEnvironment, a_function

pytestmark = pytest.mark.anyio

DEADLINE_SECONDS = 5


class Runtime:
    """A runtime that may ask for anything at any time."""

    def __init__(self, *, streamed: bool = True, restored: bool = False) -> None:
        self.environment = FakeEnvironment(restored=restored)
        self.api = RuntimeApi(self.environment)  # type: ignore[arg-type]
        self.invocation = Invocation(a_function(), b"{}", streamed=streamed)

    def reply(self, **fields: str) -> ReplyRequest:
        return ReplyRequest(**{"request_id": self.invocation.request_id, **fields})

    def running(self) -> Runtime:
        self.environment.offer(self.invocation)
        assert self.next() == [self.invocation]
        return self

    def next(self) -> list[Invocation]:
        """Ask for an event; the list gets it when there is one."""
        given: list[Invocation] = []
        self.api.next(given.append)
        return given


async def in_state(state: State) -> Runtime:
    """A runtime that got into *state* the way runtimes do."""
    runtime = Runtime()
    if state is State.STARTED:
        return runtime
    if state is State.INIT_ERROR:
        runtime.api.init_error("Runtime.Some", b"{}")
        return runtime
    if state in (State.RESTORING, State.RESTORE_ERROR):
        runtime.api.restore_next()
        if state is State.RESTORE_ERROR:
            runtime.api.restore_error("Runtime.Some", b"{}")
        return runtime
    runtime.running()
    if state is State.INVOCATION_RESPONSE:
        runtime.api.begin_response(runtime.reply())
    elif state is State.RESPONSE_SENT:
        runtime.api.begin_response(runtime.reply()).end("", "")
    elif state is State.READY:
        runtime.api.begin_response(runtime.reply()).end("", "")
        assert not runtime.next()
    assert runtime.api.state is state
    return runtime


def fail(runtime: Runtime, reply: ReplyRequest, document: bytes) -> None:
    """Tell of an error of the handler."""
    error = runtime.api.begin_error(reply)
    error.write(document)
    error.end("", "")


def refusal(error: pytest.ExceptionInfo[RefusedError]) -> tuple[int, bytes]:
    return error.value.status, error.value.body


def forbidden(state: str, wanted: str) -> tuple[int, bytes]:
    text = f"State transition from {state} to {wanted} failed for runtime. Error: State transition is not allowed"
    return 403, b'{"errorMessage":"%b","errorType":"InvalidStateTransition"}' % text.encode()


UNKNOWN_ID = (400, b'{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}')
LATE = (410, b'{"errorMessage":"Invoke timeout","errorType":"InvokeTimeout"}')


@pytest.mark.parametrize("state", [State.INVOCATION_RESPONSE, State.INIT_ERROR, State.RESTORE_ERROR])
async def test_next_is_forbidden_while_a_reply_is_sent_and_after_an_error_of_the_start(state: State) -> None:
    runtime = await in_state(state)

    with pytest.raises(RefusedError) as error:
        runtime.next()

    assert refusal(error) == forbidden(state.value, "Ready")
    assert runtime.api.state is state


@pytest.mark.parametrize(
    "state",
    [
        State.INIT_ERROR,
        State.RESTORING,
        State.RESTORE_ERROR,
        State.READY,
        State.RUNNING,
        State.INVOCATION_RESPONSE,
        State.RESPONSE_SENT,
    ],
)
async def test_an_init_error_is_forbidden_after_the_init_phase(state: State) -> None:
    runtime = await in_state(state)
    told = list(runtime.environment.init_failures)

    with pytest.raises(RefusedError) as error:
        runtime.api.init_error("Runtime.Late", b"{}")

    assert refusal(error) == forbidden(state.value, "InitError")
    assert (runtime.api.state, runtime.environment.init_failures) == (state, told)


@pytest.mark.parametrize("state", [State.RESTORING, State.READY, State.RUNNING, State.INIT_ERROR])
async def test_a_restore_is_asked_for_once_and_in_the_init_phase_only(state: State) -> None:
    runtime = await in_state(state)
    waits = runtime.environment.restoring_count

    with pytest.raises(RefusedError) as error:
        runtime.api.restore_next()

    assert refusal(error) == forbidden(state.value, "Restoring")
    assert runtime.environment.restoring_count == waits


@pytest.mark.parametrize("state", [State.STARTED, State.READY, State.RUNNING, State.RESTORE_ERROR])
async def test_a_restore_error_is_forbidden_but_after_a_restore(state: State) -> None:
    runtime = await in_state(state)

    with pytest.raises(RefusedError) as error:
        runtime.api.restore_error("Runtime.Late", b"{}")

    assert refusal(error) == forbidden(state.value, "RuntimeRestoreErrorState")


async def test_after_a_restore_an_error_may_be_told_or_the_next_event_asked_for() -> None:
    """A runtime that was restored from a snapshot is there from the start."""
    failed, ready = await in_state(State.RESTORE_ERROR), Runtime(restored=True)
    assert [failure.error_type for failure in failed.environment.init_failures] == ["Runtime.Some"]

    assert ready.api.state is State.RESTORING
    ready.running()
    assert ready.api.state is State.RUNNING


@pytest.mark.parametrize("state", [State.INVOCATION_RESPONSE, State.RESPONSE_SENT])
@pytest.mark.parametrize(
    ("wanted", "ask"),
    [
        ("InvocationResponse", lambda runtime: runtime.api.begin_response(runtime.reply())),
        ("InvocationResponse", lambda runtime: runtime.api.begin_response(runtime.reply(response_mode="odd"))),
        ("InvocationErrorResponse", lambda runtime: fail(runtime, runtime.reply(), b"{}")),
    ],
)
async def test_a_second_reply_is_forbidden_and_changes_nothing(
    state: State, wanted: str, ask: Callable[[Runtime], object]
) -> None:
    """Neither a reply nor an error may follow a reply; the first one stays what it is."""
    runtime = await in_state(state)

    with pytest.raises(RefusedError) as error:
        ask(runtime)

    assert refusal(error) == forbidden(state.value, wanted)
    assert runtime.api.state is state
    assert runtime.invocation.failure is None


async def test_a_reply_after_an_error_is_forbidden() -> None:
    runtime = Runtime().running()
    fail(runtime, runtime.reply(), b"{}")

    with pytest.raises(RefusedError) as error:
        runtime.api.begin_response(runtime.reply())

    assert refusal(error) == forbidden("RuntimeResponseSentState", "InvocationResponse")


@pytest.mark.parametrize("state", [state for state in State if state is not State.INVOCATION_ERROR_RESPONSE])
async def test_the_request_id_is_checked_before_the_state(state: State) -> None:
    """Whatever the state: a reply to no invocation, or to another one, is not found."""
    runtime = await in_state(state)
    unknown = ReplyRequest(request_id="8476a536-e9f4-11e8-9739-2dfe598c3fcd", response_mode="odd")

    for ask in (runtime.api.begin_response, lambda reply: fail(runtime, reply, b"{}")):
        with pytest.raises(RefusedError) as error:
            ask(unknown)
        assert refusal(error) == UNKNOWN_ID
    assert runtime.api.state is state


async def test_a_reply_is_unknown_once_the_next_event_was_asked_for() -> None:
    runtime = await in_state(State.READY)

    with pytest.raises(RefusedError) as error:
        runtime.api.begin_response(runtime.reply())

    assert refusal(error) == UNKNOWN_ID


@pytest.mark.parametrize("state", [State.RUNNING, State.READY, State.RESPONSE_SENT])
async def test_a_reply_to_an_earlier_invocation_with_the_same_request_id_is_late(state: State) -> None:
    """A retry has the request id of its first try; the invocation id tells the two apart."""
    runtime = await in_state(state)
    late = runtime.reply(invocation_id="00000000-0000-0000-0000-000000000000")

    for ask in (runtime.api.begin_response, lambda reply: fail(runtime, reply, b"{}")):
        with pytest.raises(RefusedError) as error:
            ask(late)
        assert refusal(error) == LATE
    assert runtime.api.state is state


async def test_the_right_invocation_id_and_none_at_all_are_both_accepted() -> None:
    for invocation_id in ("", "its own"):
        runtime = Runtime().running()
        echoed = runtime.invocation.invocation_id if invocation_id else ""

        runtime.api.begin_response(runtime.reply(invocation_id=echoed))

        assert runtime.api.state is State.INVOCATION_RESPONSE


async def test_an_unknown_response_mode_is_refused_and_fails_the_invocation() -> None:
    """The environment goes on all the same."""
    for mode in ("Streaming", "buffered", "streaming "):
        runtime = Runtime().running()

        with pytest.raises(RefusedError) as error:
            runtime.api.begin_response(runtime.reply(response_mode=mode))

        assert refusal(error) == (
            400,
            b'{"errorMessage":"Invalid function response mode","errorType":"InvalidFunctionResponseMode"}',
        )
        assert runtime.invocation.failure is not None
        assert runtime.invocation.failure.error_type == "Runtime.InvalidResponseModeHeader"
        second = runtime.environment.offer(Invocation(a_function(), b"{}"))
        assert runtime.next() == [second]


async def test_next_while_running_gives_the_same_event_again() -> None:
    runtime = Runtime().running()
    deadline_ms = runtime.invocation.deadline_ms

    assert runtime.next() == [runtime.invocation]

    assert (runtime.environment.ready_count, runtime.invocation.deadline_ms) == (1, deadline_ms)


async def test_next_after_a_reply_completes_the_invocation_and_gives_the_next_event() -> None:
    runtime = await in_state(State.RESPONSE_SENT)
    second = runtime.environment.offer(Invocation(a_function(), b"{}"))

    assert runtime.next() == [second]

    assert runtime.environment.ready_count == 2


async def test_of_two_that_wait_for_an_event_one_gets_it_and_the_other_waits_on() -> None:
    runtime = Runtime()
    first, second = runtime.next(), runtime.next()

    runtime.environment.offer(runtime.invocation)

    assert (first, second, runtime.environment.ready_count) == ([runtime.invocation], [], 1)


async def test_who_has_withdrawn_its_question_for_an_event_is_passed_over() -> None:
    runtime = Runtime()
    gone: list[Invocation] = []
    runtime.api.next(gone.append)()
    asking = runtime.next()

    runtime.environment.offer(runtime.invocation)

    assert (gone, asking) == ([], [runtime.invocation])


async def test_a_reply_is_streamed_to_the_caller_piece_by_piece() -> None:
    runtime = Runtime().running()
    reply = runtime.api.begin_response(runtime.reply(response_mode="streaming", content_type="text/plain"))
    async with asyncio.timeout(DEADLINE_SECONDS):
        reply.write(b"one")
        assert await runtime.invocation.started() == "text/plain"
        assert await runtime.invocation.reply.read() == b"one"
        reply.write(b"two")
        reply.end("", "")
        assert await runtime.invocation.reply.read() == b"two"
        assert await runtime.invocation.reply.read() is None


async def test_an_empty_reply_starts_and_ends() -> None:
    runtime = Runtime().running()
    runtime.api.begin_response(runtime.reply(content_type="text/plain")).end("", "")

    async with asyncio.timeout(DEADLINE_SECONDS):
        assert await runtime.invocation.started() == "text/plain"
        assert await runtime.invocation.reply.read() is None


@pytest.mark.parametrize(
    ("trailer", "document"),
    [
        (base64.b64encode(b'{"errorMessage":"x"}').decode(), b'{"errorMessage":"x"}'),
        ("not base64!", b"not base64!"),
        ("caf\xe9", "caf\xe9".encode()),
        ("", b""),
    ],
)
async def test_error_trailers_cut_the_reply_with_what_they_say(trailer: str, document: bytes) -> None:
    runtime = Runtime().running()
    reply = runtime.api.begin_response(runtime.reply())
    reply.write(b"some")
    reply.end("Function.Midstream", trailer)

    assert await runtime.invocation.reply.read() == b"some"
    with pytest.raises(ReplyCutError) as error:
        await runtime.invocation.reply.read()
    assert error.value.failure == Failure("Function.Midstream", document)
    assert runtime.api.state is State.RESPONSE_SENT


async def test_a_truncated_reply_is_cut_and_the_runtime_may_go_on() -> None:
    runtime = Runtime().running()
    reply = runtime.api.begin_response(runtime.reply())
    reply.write(b"some")
    reply.truncated()

    assert await runtime.invocation.reply.read() == b"some"
    with pytest.raises(ReplyCutError, match=r"^Runtime\.TruncatedResponse: "):
        await runtime.invocation.reply.read()
    assert runtime.api.state is State.RESPONSE_SENT


async def test_a_reply_truncated_before_its_first_byte_is_an_error_to_the_caller() -> None:
    runtime = Runtime().running()
    runtime.api.begin_response(runtime.reply()).truncated()

    async with asyncio.timeout(DEADLINE_SECONDS):
        with pytest.raises(FunctionError, match=r"^Runtime\.TruncatedResponse: "):
            await runtime.invocation.started()


@pytest.mark.parametrize(
    ("streamed", "mode", "limit"),
    [
        (False, "", MAX_BUFFERED_BYTES),
        (False, "streaming", MAX_BUFFERED_BYTES),
        (True, "streaming", MAX_STREAMED_BYTES),
        (True, "", MAX_STREAMED_BYTES),
    ],
)
async def test_a_reply_may_be_as_long_as_its_caller_can_take(streamed: bool, mode: str, limit: int) -> None:
    """6 MiB and a little for a buffered caller, 200 MiB for a streaming one; the runtime's mode decides nothing."""
    runtime = Runtime(streamed=streamed).running()
    reply = runtime.api.begin_response(runtime.reply(response_mode=mode))
    runtime.invocation.reply.abandon()
    piece = bytes(limit // 4)
    for _ in range(4):
        reply.write(piece)

    with pytest.raises(RefusedError) as error:
        reply.write(b"12345")

    total = limit + 5 - limit % 4
    assert refusal(error) == (
        413,
        b'{"errorMessage":"Exceeded maximum allowed payload size (%d bytes).","errorType":"RequestEntityTooLarge"}'
        % limit,
    )
    assert runtime.invocation.failure == Failure.of(
        "Function.ResponseSizeTooLarge",
        f"Response payload size ({total} bytes) exceeded maximum allowed payload size ({limit} bytes).",
    )
    assert runtime.api.state is State.RESPONSE_SENT


async def test_an_oversized_reply_reaches_its_caller_up_to_the_limit_and_is_cut_there() -> None:
    runtime = Runtime(streamed=False).running()
    reply = runtime.api.begin_response(runtime.reply())
    reply.write(bytes(MAX_BUFFERED_BYTES))
    with pytest.raises(RefusedError):
        reply.write(b"1")

    assert len(await runtime.invocation.reply.read() or b"") == MAX_BUFFERED_BYTES
    with pytest.raises(ReplyCutError, match=r"^Function\.ResponseSizeTooLarge: "):
        await runtime.invocation.reply.read()


async def test_an_invocation_error_is_the_callers_error() -> None:
    for error_type, told in (("Function.Bad", "Function.Bad"), ("", "Runtime.Unknown")):
        runtime = Runtime().running()

        fail(runtime, runtime.reply(error_type=error_type), b'{"errorMessage":"bad"}')

        assert runtime.invocation.failure == Failure(told, b'{"errorMessage":"bad"}')
        assert runtime.api.state is State.RESPONSE_SENT


async def test_an_init_error_goes_to_the_environment() -> None:
    runtime = Runtime()

    runtime.api.init_error("", b'{"errorMessage":"bad"}')

    assert runtime.environment.init_failures == [Failure("Runtime.Unknown", b'{"errorMessage":"bad"}')]
    assert runtime.api.state is State.INIT_ERROR


async def test_a_reply_whose_invocation_has_timed_out_changes_nothing_for_the_caller() -> None:
    runtime = Runtime().running()
    reply = runtime.api.begin_response(runtime.reply())
    reply.write(b"some")
    runtime.invocation.end_reply(Failure.of("Sandbox.Timedout", "too late"))

    reply.write(b"more")
    reply.end("", "")

    assert await runtime.invocation.reply.read() == b"some"
    with pytest.raises(ReplyCutError, match=r"^Sandbox\.Timedout: "):
        await runtime.invocation.reply.read()
