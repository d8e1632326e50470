"""Async handlers and bodies, and what holds for a sync one as well: a slow receiver slows the generator down."""

from __future__ import annotations

import asyncio
import base64
import json
import selectors
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from types import FrameType
from typing import Any

import pytest

from lambda_runtime.client import Client, RuntimeApiError
from lambda_runtime.handler import is_async
from lambda_runtime.logging_hook import LoggingHook
from lambda_runtime.loop import Loop
from lambda_runtime.response import Response
from tests.function.fake_runtime_api import REQUEST_ID, Event, FakeRuntimeApi, Request, run, serve

CHUNK = b"x" * 65_536
MORE_THAN_THE_KERNEL_BUFFERS = 1024  # chunks: 64 MiB


def error_type_in_trailers(reply: Request) -> str:
    document = json.loads(base64.b64decode(reply.trailers["lambda-runtime-function-error-body"]))
    assert document["errorType"] == reply.trailers["lambda-runtime-function-error-type"]
    return str(document["errorType"])


# Backpressure


def test_a_slow_receiver_stops_a_sync_generator() -> None:
    """Nothing is kept in memory for it: the generator is not asked for more than the kernel's buffers hold."""
    overrun = threading.Event()

    with FakeRuntimeApi(Event(holds=True)) as api:

        def body() -> Iterator[bytes]:
            for count in range(2 * MORE_THAN_THE_KERNEL_BUFFERS):
                if api.reading:
                    return
                if count > MORE_THAN_THE_KERNEL_BUFFERS:
                    overrun.set()
                yield CHUNK

        worker = threading.Thread(target=run, args=(api, lambda event, context: Response(body())))
        worker.start()
        api.wait_for(lambda: bool(api.replies))
        overran = overrun.wait(0.2)
        api.resume()
        worker.join()

    (reply,) = api.replies
    assert not overran
    assert (reply.ended, reply.trailers) == (True, {})
    assert set(reply.chunks[1:]) == {CHUNK}


def test_while_a_chunk_is_stuck_the_other_tasks_of_the_handler_go_on() -> None:
    """A thousand turns of a background task, in which the generator is not advanced; then the receiver reads."""
    yielded, turns = 0, 0

    with FakeRuntimeApi(Event(holds=True)) as api:

        async def tick() -> None:
            nonlocal turns
            seen = yielded
            while turns < 1000:
                await asyncio.sleep(0)
                turns, seen = (turns + 1, seen) if seen == yielded else (0, yielded)
            api.resume()

        async def body() -> AsyncIterator[bytes]:
            nonlocal yielded
            while not api.reading:
                yielded += 1
                yield CHUNK

        async def handler(event: Any, context: Any) -> Response:
            tasks.append(asyncio.create_task(tick()))
            return Response(body())

        tasks: list[asyncio.Task[None]] = []
        run(api, handler)

    (reply,) = api.replies
    assert turns == 1000
    assert 1 < yielded < MORE_THAN_THE_KERNEL_BUFFERS
    assert reply.chunks[1:] == [CHUNK] * yielded
    assert (reply.ended, reply.trailers) == (True, {})


def test_a_chunk_that_is_stuck_at_the_deadline_cuts_the_reply(capsys: pytest.CaptureFixture[str]) -> None:
    """Trailers now would be taken for the other half of the chunk, so the connection is closed instead."""
    closed: list[str] = []

    with FakeRuntimeApi(Event(holds=True, time_left_ms=500), Event()) as api:

        async def body() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield CHUNK
            except GeneratorExit:
                closed.append("GeneratorExit")
                raise
            finally:
                api.resume()

        async def handler(event: Any, context: Any) -> Any:
            return Response(body()) if not closed else "the next one"

        run(api, handler)

    stuck, following = api.replies
    assert (stuck.ended, stuck.trailers, closed) == (False, {}, ["GeneratorExit"])
    assert set(b"".join(stuck.chunks[1:])) == {ord("x")}
    assert json.loads(following.body) == "the next one"
    assert capsys.readouterr().out == f"[WARN] the reply to {REQUEST_ID} was cut off: it was not taken in time\n"


# The deadline


def test_an_async_body_is_cancelled_where_it_waits() -> None:
    ended: list[str] = []

    async def body() -> AsyncIterator[str]:
        try:
            yield "Once"
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    (reply,) = serve(lambda event, context: Response(body()), Event(time_left_ms=500))

    assert (reply.chunks[1:], ended, reply.ended) == ([b"Once"], ["cancelled"], True)
    assert error_type_in_trailers(reply) == "Runtime.DeadlineExceeded"


def test_an_async_handler_is_cancelled_where_it_waits() -> None:
    ended: list[str] = []

    async def handler(event: Any, context: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("finally")

    (reply,) = serve(handler, Event(time_left_ms=500))

    assert (reply.endpoint, ended) == ("error", ["finally"])
    assert reply.header("lambda-runtime-function-error-type") == "Runtime.DeadlineExceeded"


@pytest.mark.parametrize(
    "error", [TimeoutError("mine"), asyncio.CancelledError("mine")], ids=lambda e: type(e).__name__
)
def test_a_timeout_or_cancellation_of_the_handlers_own_is_its_own_error(error: BaseException) -> None:
    """It is reported under its name, before the first byte and after it, and the loop goes on."""

    async def body() -> AsyncIterator[str]:
        yield "Once"
        raise error

    async def handler(event: Any, context: Any) -> Response:
        if event == "stream":
            return Response(body())
        raise error

    early, late = serve(handler, Event(body=b'"document"'), Event(body=b'"stream"'))

    assert (early.endpoint, early.header("lambda-runtime-function-error-type")) == ("error", type(error).__name__)
    assert json.loads(early.body)["errorMessage"] == "mine"
    assert (late.chunks[1:], error_type_in_trailers(late)) == ([b"Once"], type(error).__name__)


# The event loop's life


async def current_loop(event: Any, context: Any) -> int:
    return id(asyncio.get_running_loop())


def test_one_event_loop_serves_all_invocations() -> None:
    """So that a client made in one invocation can be used in the next."""
    first, second = serve(current_loop, Event(), Event())

    assert json.loads(first.body) == json.loads(second.body)


def test_a_task_left_running_goes_on_with_the_next_event() -> None:
    tasks: list[asyncio.Task[str]] = []

    async def work() -> str:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return "done"

    async def handler(event: Any, context: Any) -> str:
        if not tasks:
            tasks.append(asyncio.create_task(work()))
            return "started"
        return await tasks[0]

    replies = serve(handler, Event(), Event())

    assert [json.loads(reply.body) for reply in replies] == ["started", "done"]


def test_what_a_handler_sets_in_its_context_its_body_finds() -> None:
    """They run one after the other on the loop; a logger that keeps the request's id in a context variable needs it."""
    variable: ContextVar[str] = ContextVar("variable")

    async def body() -> AsyncIterator[str]:
        yield variable.get()

    async def handler(event: Any, context: Any) -> Response:
        variable.set("set by the handler")
        return Response(body())

    (reply,) = serve(handler)

    assert reply.chunks[1:] == [b"set by the handler"]


def request(request_id: str) -> Event:
    return Event(headers={"Lambda-Runtime-Aws-Request-Id": request_id})


def test_what_a_handler_sets_in_its_context_the_next_one_does_not_find() -> None:
    """Else a logger would tell of one viewer's request under the id of another's."""
    variable: ContextVar[str] = ContextVar("variable", default="nobody")
    found: list[str] = []

    async def background() -> None:
        found.append(variable.get())

    async def body() -> AsyncIterator[str]:
        yield variable.get()

    async def handler(event: Any, context: Any) -> Response:
        found.append(variable.get())
        variable.set(context.aws_request_id)
        return Response(body(), background=background)

    replies = serve(handler, request("r-1"), request("r-2"))

    assert [reply.chunks[1] for reply in replies] == [b"r-1", b"r-2"]
    assert found == ["nobody", "r-1", "nobody", "r-2"]


def test_an_async_body_finds_what_its_own_handler_has_set_that_is_not_async() -> None:
    """With every event, and not what the first one set."""
    variable: ContextVar[str] = ContextVar("variable")

    async def body() -> AsyncIterator[str]:
        yield variable.get()

    def handler(event: Any, context: Any) -> Response:
        variable.set(context.aws_request_id)
        return Response(body())

    replies = serve(handler, request("r-1"), request("r-2"))

    assert [reply.chunks[1] for reply in replies] == [b"r-1", b"r-2"]


def test_what_a_startup_sets_in_its_context_all_handlers_find() -> None:
    variable: ContextVar[str] = ContextVar("variable")

    class Handler:
        async def startup(self) -> None:
            variable.set("set at the start")

        async def __call__(self, event: Any, context: Any) -> str:
            return variable.get()

    with FakeRuntimeApi(request("r-1"), request("r-2")) as api:
        loop = Loop(Client(api.address), Handler(), LoggingHook(), starts_async=True, buffers=False)
        loop.start_up()
        with pytest.raises(RuntimeApiError):
            loop.run()
        assert loop._async
        loop._async._runner.close()

    assert [json.loads(reply.body) for reply in api.replies] == ["set at the start"] * 2


class AlarmError(Exception):
    """What a signal handler of the function raises."""


@pytest.mark.parametrize("streams", [False, True])
def test_a_signal_handlers_exception_ends_what_waits(streams: bool) -> None:
    """It comes out of the event loop, which nobody in there could catch; what waits is cancelled and closed."""
    closed: list[str] = []

    def ring(number: int, frame: FrameType | None) -> None:
        if frame and frame.f_code is selectors.DefaultSelector.select.__code__:  # the loop waits
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise AlarmError("it is late")

    async def wait() -> None:
        try:
            asyncio.get_running_loop().call_soon(lambda: signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001))
            await asyncio.Event().wait()
        finally:
            closed.append("closed")

    async def body() -> AsyncIterator[str]:
        yield "Once"
        await wait()

    async def handler(event: Any, context: Any) -> Any:
        if closed:
            return "the next one"
        if not streams:
            await wait()
        return Response(body())

    previous = signal.signal(signal.SIGALRM, ring)
    try:
        interrupted, following = serve(handler, request("r-1"), request("r-2"))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)

    if streams:
        assert interrupted.trailers["lambda-runtime-function-error-type"] == "AlarmError"
    else:
        assert json.loads(interrupted.body)["errorType"] == "AlarmError"
    assert closed == ["closed"]
    assert json.loads(following.body) == "the next one"


def test_a_handler_that_is_not_async_may_return_something_to_await() -> None:
    async def answer() -> str:
        return "awaited"

    (reply,) = serve(lambda event, context: answer())

    assert json.loads(reply.body) == "awaited"


class ClosingPages:
    """Iterable, with an async generator for an iterator: what must be closed is that, not this object."""

    def __init__(self) -> None:
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[Any]:
        try:
            yield "one"
            yield 2
        finally:
            self.closed = True


def test_an_iterator_made_by_the_body_is_closed_too() -> None:
    pages = ClosingPages()
    seen: list[bool] = []

    def handler(event: Any, context: Any) -> Any:
        seen.append(pages.closed)
        return Response(pages) if len(seen) == 1 else None

    first, _ = serve(handler, Event(), Event())

    assert error_type_in_trailers(first) == "TypeError"
    assert seen == [False, True]


# Which handlers are async


async def coroutine(event: Any, context: Any) -> None: ...


async def generator(event: Any, context: Any) -> AsyncIterator[int]:
    yield 1


def function(event: Any, context: Any) -> None: ...


def plain_generator(event: Any, context: Any) -> Iterator[int]:
    yield 1


class Application:
    async def __call__(self, event: Any, context: Any) -> None: ...

    async def handle(self, event: Any, context: Any) -> None: ...


class PlainApplication:
    def __call__(self, event: Any, context: Any) -> None: ...


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (coroutine, True),
        (generator, True),
        (Application(), True),
        (Application().handle, True),
        (function, False),
        (plain_generator, False),
        (PlainApplication(), False),
        (PlainApplication, False),
        (print, False),
    ],
)
def test_a_handler_is_known_to_be_async_before_it_is_called(handler: Callable[[Any, Any], Any], expected: bool) -> None:
    assert is_async(handler) is expected
