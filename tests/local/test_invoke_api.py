"""Invoke and InvokeWithResponseStream, the test being the function or a real worker process."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import example, given
from hypothesis import strategies as st

from local.asgi import ASGIApp
from local.aws_endpoint import AwsEndpoint
from local.aws_services import AwsServices
from local.config import Function, Stack
from local.dispatcher import Dispatcher
from local.invocation import HIGH_WATER_BYTES, Failure, Invocation
from local.invoke_api.api import InvokeApi
from local.invoke_api.call import MAX_CLIENT_CONTEXT_BYTES, MAX_EVENT_BYTES, MAX_QUEUED_EVENT_BYTES
from local.reports import Reports
from local.wire import prelude
from local.wire.headers import Header
from tests.local.asgi_viewer import Answer, ask
from tests.local.fakes.dispatcher import FakeDispatcher, reply
from tests.local.fakes.environment import a_function
from tests.local.fakes.local_lambda import Gate, local_lambda
from tests.local.fakes.raw_worker import until
from tests.local.fakes.viewer import LiveViewer, ScriptedDispatcher, live_viewer

pytestmark = pytest.mark.anyio

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:test-worker"
INVOKE = "/2015-03-31/functions/test-worker/invocations"
STREAM = "/2021-11-15/functions/test-worker/response-streaming-invocations"
FAILURE = Failure.of("Runtime.Broken", "it broke")


@pytest.fixture
def function() -> FakeDispatcher:
    """What stands behind the API: its `begun` has the invocations."""
    return FakeDispatcher()


@pytest.fixture
def api(function: FakeDispatcher) -> ASGIApp:
    return api_of(function)


def api_of(dispatcher: FakeDispatcher | ScriptedDispatcher | Dispatcher, *functions: Function) -> ASGIApp:
    """The AWS endpoint with the API of *functions*, by default of one that has an alias."""
    stack = Stack("local", "eu-west-1", "123456789012", functions=functions or (a_function(qualifiers=("1", "live")),))
    reports = Reports(lambda line: None)
    invoke_api = InvokeApi(stack, dispatcher, reports, url_of=lambda function: "")  # type: ignore[arg-type]
    return AwsEndpoint(AwsServices(), _nobody, invoke_api.routes)


async def _nobody(*_: object) -> None:
    raise AssertionError("nothing else is asked")


@asynccontextmanager
async def calling(
    api: ASGIApp, target: str, *, headers: Iterable[Header] = (), body: bytes = b""
) -> AsyncIterator[LiveViewer]:
    """A caller who has sent its request; afterwards the API is through with it."""
    sent = [(b"host", b"localhost:8081"), *headers]
    async with live_viewer(api, "POST", target, uploads=True, headers=sent) as caller:
        caller.upload(body)
        yield caller
        await caller.done


def context(value: object) -> Header:
    return b"x-amz-client-context", base64.b64encode(json.dumps(value).encode())


def events(answer: Answer) -> list[tuple[str, bytes]]:
    """Type and payload of each event, as botocore reads them."""
    buffer = EventStreamBuffer()
    buffer.add_data(answer.body)
    return [(message.headers[":event-type"], message.payload) for message in buffer]


def error(answer: Answer) -> tuple[int, str | None, dict[str, str]]:
    assert answer.header("content-type") == "application/json"
    assert re.fullmatch("[0-9a-f-]{36}", answer.header("x-amzn-requestid") or "")
    return answer.status, answer.header("x-amzn-errortype"), json.loads(answer.body)


# Invoke


async def test_invoke_answers_with_the_reply(api: ASGIApp, function: FakeDispatcher) -> None:
    """As a whole, though it came in pieces; who answered is in the headers."""
    async with calling(api, INVOKE, body=b'{"a": 1}') as caller:
        invocation = await function.begun.get()
        reply(invocation, b"[1,", b"2]", content_type="application/json")

    assert (caller.answer.status, caller.answer.body) == (200, b"[1,2]")
    assert dict(caller.answer.headers) == {
        b"content-type": b"application/json",
        b"content-length": b"5",
        b"x-amzn-requestid": invocation.request_id.encode(),
        b"x-amzn-trace-id": invocation.trace_id.encode(),
        b"x-amz-executed-version": b"$LATEST",
    }


async def test_invocation_has_what_the_caller_sent(api: ASGIApp, function: FakeDispatcher) -> None:
    """The event byte by byte; the client context as JSON that fits into a header; the caller's trace."""
    headers = [context({"custom": {"who": "é\n"}}), (b"x-amzn-trace-id", b"Root=1-2-3;Sampled=1")]
    async with calling(api, INVOKE + "?Qualifier=live", headers=headers, body='{ "a":"é" }'.encode()):
        invocation = await function.begun.get()
        reply(invocation)

    assert invocation.event == '{ "a":"é" }'.encode()
    assert invocation.client_context == r'{"custom":{"who":"\u00e9\n"}}'
    assert invocation.trace_id == "Root=1-2-3;Sampled=1"
    assert (invocation.invoked_arn, invocation.streamed, invocation.log_tail) == (f"{ARN}:live", False, None)


@pytest.mark.parametrize("sent", [None, b"Root=\xff", b""])
async def test_a_trace_is_begun_where_none_came(api: ASGIApp, function: FakeDispatcher, sent: bytes | None) -> None:
    headers = [] if sent is None else [(b"x-amzn-trace-id", sent)]
    async with calling(api, INVOKE, headers=headers):
        invocation = await function.begun.get()
        reply(invocation)

    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Sampled=0", invocation.trace_id)


async def test_no_event_is_an_empty_object(api: ASGIApp, function: FakeDispatcher) -> None:
    async with calling(api, INVOKE):
        invocation = await function.begun.get()
        reply(invocation)

    assert invocation.event == b"{}"


@pytest.mark.parametrize("begun", [(), (b"half",)], ids=["before the reply", "within it"])
async def test_function_that_fails(api: ASGIApp, function: FakeDispatcher, begun: tuple[bytes, ...]) -> None:
    """Is no failure of the request: 200, a header that tells, and the error document alone."""
    async with calling(api, INVOKE) as caller:
        reply(await function.begun.get(), *begun, content_type="text/plain", failure=FAILURE)

    assert (caller.answer.status, caller.answer.body) == (200, FAILURE.document)
    assert caller.answer.header("x-amz-function-error") == "Unhandled"
    assert caller.answer.header("content-type") == "application/json"


async def test_caller_who_leaves_is_not_waited_for(api: ASGIApp, function: FakeDispatcher) -> None:
    """The invocation is abandoned, the function runs on."""
    async with calling(api, INVOKE) as caller:
        invocation = await function.begun.get()
        caller.leave()
    reply(invocation, b"late")

    assert caller.answer == Answer()
    assert invocation.timings.caller_left is not None
    assert invocation.reply.total_bytes == 4


async def test_caller_who_leaves_within_the_event(api: ASGIApp, function: FakeDispatcher) -> None:
    """Invokes nothing."""
    async with live_viewer(api, "POST", INVOKE, uploads=True) as caller:
        caller.upload(b"{", more=True)
        caller.leave()
        await caller.done

    assert (caller.answer, function.begun.qsize()) == (Answer(), 0)


async def test_largest_event(api: ASGIApp, function: FakeDispatcher) -> None:
    """6 MB are taken, whole."""
    event = b'"' + b"x" * (MAX_EVENT_BYTES - 2) + b'"'
    async with calling(api, INVOKE, body=event):
        invocation = await function.begun.get()
        reply(invocation)

    assert invocation.event == event


async def test_event_returns_at_once(api: ASGIApp, function: FakeDispatcher) -> None:
    """202 and the request id that the invocation has; log and client context are for callers who wait."""
    headers = [(b"x-amz-invocation-type", b"Event"), (b"x-amz-log-type", b"Tail"), context({"custom": {}})]
    answer = await ask(api, "POST", INVOKE + "?Qualifier=live", headers=headers, body=b"[7]")
    invocation = await function.begun.get()
    reply(invocation)

    assert (answer.status, answer.body) == (202, b"")
    assert answer.header("x-amzn-requestid") == invocation.request_id
    assert (invocation.event, invocation.invoked_arn) == (b"[7]", f"{ARN}:live")
    assert (invocation.client_context, invocation.log_tail) == ("", None)


# Both ways


@pytest.mark.parametrize("target", [INVOKE, STREAM])
async def test_dry_run_only_looks(api: ASGIApp, function: FakeDispatcher, target: str) -> None:
    answer = await ask(api, "POST", target, headers=[(b"x-amz-invocation-type", b"DryRun")])

    assert (answer.status, answer.body, answer.header("content-length"), answer.whole) == (204, b"", None, True)
    assert function.begun.qsize() == 0


@pytest.mark.parametrize("target", [INVOKE, STREAM])
async def test_throttled(target: str) -> None:
    """429 with the reason and when to try again."""
    answer = await ask(api_of(FakeDispatcher(throttled=1)), "POST", target)

    reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
    document = {"Reason": reason, "Type": "User", "message": "Rate Exceeded."}
    assert error(answer) == (429, "TooManyRequestsException", document)
    assert answer.header("retry-after") == "1"


@pytest.mark.parametrize("target", [INVOKE, STREAM])
@pytest.mark.parametrize(
    "event", [b"{", b"\xff", b"NaN", b"[-Infinity]", b" ", b"[" * 200_000, b"\xef\xbb\xbf{}", '"ü"'.encode("utf-16")]
)
async def test_event_that_is_no_json(api: ASGIApp, target: str, event: bytes) -> None:
    status, name, document = error(await ask(api, "POST", target, body=event))

    assert (status, name, document["Type"]) == (400, "InvalidRequestContentException", "User")
    assert document["message"].startswith("Could not parse request body into json: ")


@pytest.mark.parametrize(
    ("encoded", "message"),
    [
        (b"not base64!", "Client context must be a valid Base64-encoded JSON object."),
        (base64.b64encode(b"{"), "Client context must be a valid Base64-encoded JSON object."),
        (base64.b64encode(b'"text"'), "Client context must be a valid Base64-encoded JSON object."),
        (base64.b64encode(b"\xff"), "Client context must be a valid Base64-encoded JSON object."),
        (b"e" * (MAX_CLIENT_CONTEXT_BYTES + 1), "Client context must have at most 3583 bytes of base64."),
    ],
)
async def test_client_context_that_is_none(api: ASGIApp, encoded: bytes, message: str) -> None:
    answer = await ask(api, "POST", INVOKE, headers=[(b"x-amz-client-context", encoded)])

    assert error(answer) == (400, "InvalidRequestContentException", {"Type": "User", "message": message})


@pytest.mark.parametrize(
    ("target", "invocation_type", "limit"),
    [
        (INVOKE, b"RequestResponse", MAX_EVENT_BYTES),
        (INVOKE, b"Event", MAX_QUEUED_EVENT_BYTES),
        (STREAM, b"RequestResponse", MAX_EVENT_BYTES),
    ],
)
async def test_event_that_is_too_large(api: ASGIApp, target: str, invocation_type: bytes, limit: int) -> None:
    headers = [(b"x-amz-invocation-type", invocation_type)]
    answer = await ask(api, "POST", target, headers=headers, body=b" " * (limit + 1))

    message = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
    assert error(answer) == (413, "RequestTooLargeException", {"Type": "User", "message": message})


@pytest.mark.parametrize(
    ("target", "header", "value", "member", "allowed"),
    [
        (INVOKE, b"x-amz-invocation-type", b"Later", "invocationType", "[RequestResponse, Event, DryRun]"),
        (STREAM, b"x-amz-invocation-type", b"Event", "invocationType", "[RequestResponse, DryRun]"),
        (STREAM, b"x-amz-log-type", b"All", "logType", "[None, Tail]"),
    ],
)
async def test_value_that_is_not_allowed(
    api: ASGIApp, target: str, header: bytes, value: bytes, member: str, allowed: str
) -> None:
    answer = await ask(api, "POST", target, headers=[(header, value)])

    message = (
        f"1 validation error detected: Value '{value.decode()}' at '{member}' failed to satisfy constraint: "
        f"Member must satisfy enum value set: {allowed}"
    )
    assert error(answer) == (400, "ValidationException", {"message": message})


@example(target=INVOKE, name="/", qualifier="", headers=[], body=b"{}")
@given(
    target=st.sampled_from([INVOKE, STREAM]),
    name=st.one_of(st.sampled_from(["test-worker", "Worker"]), st.text(min_size=1, max_size=20)),
    qualifier=st.one_of(st.just(""), st.text(max_size=10)),
    headers=st.lists(
        st.tuples(
            st.sampled_from([b"x-amz-invocation-type", b"x-amz-log-type", b"x-amz-client-context", b"x-amzn-trace-id"]),
            st.one_of(st.sampled_from([b"Event", b"DryRun", b"Tail", b"e30="]), st.binary(max_size=20)),
        )
    ),
    body=st.one_of(st.just(b"{}"), st.binary(max_size=20)),
)
async def test_any_request_is_served_or_refused(
    target: str, name: str, qualifier: str, headers: list[Header], body: bytes
) -> None:
    """Never an exception, and what is served is fit for a runtime: JSON, and headers in printable ASCII."""
    function = ScriptedDispatcher(replies)
    path = target.replace("test-worker", quote(name, safe="")) + "?Qualifier=" + quote(qualifier, safe="")
    answer = await ask(api_of(function), "POST", path, headers=headers, body=body)

    assert answer.whole
    if answer.status in (200, 202):
        await until(lambda: function.invocations)
        [invocation] = function.invocations
        json.loads(invocation.event)
        assert re.fullmatch("[ -~]+", invocation.invoked_arn + invocation.client_context + invocation.trace_id)
    else:
        assert answer.status in (204, 400, 404)


async def replies(invocation: Invocation) -> None:
    reply(invocation, b"{}")


# InvokeWithResponseStream


async def test_pieces_arrive_while_the_function_works(api: ASGIApp, function: FakeDispatcher) -> None:
    """Each is an event as soon as it is there; one more says that the stream is complete."""
    async with calling(api, STREAM, body=b"[]") as caller:
        invocation = await function.begun.get()
        invocation.begin_reply("text/plain")
        invocation.reply.write(b"one")
        await caller.chunks(1)
        assert events(caller.answer) == [("PayloadChunk", b"one")]
        invocation.reply.write(b"two")
        await caller.chunks(2)
        assert events(caller.answer)[1:] == [("PayloadChunk", b"two")]
        invocation.end_reply()

    assert events(caller.answer)[2:] == [("InvokeComplete", b"{}")]
    assert (caller.answer.status, caller.answer.whole, invocation.streamed) == (200, True, True)
    assert dict(caller.answer.headers) == {
        b"content-type": b"text/plain",
        b"x-amzn-requestid": invocation.request_id.encode(),
        b"x-amzn-trace-id": invocation.trace_id.encode(),
        b"x-amz-executed-version": b"$LATEST",
    }


async def test_http_integration_response_is_passed_on_as_it_is(api: ASGIApp, function: FakeDispatcher) -> None:
    """Prelude, NULs and body are payload like any other; the content type tells the caller."""
    sent = b'{"statusCode":201}' + prelude.DELIMITER + b"body"
    async with calling(api, STREAM) as caller:
        reply(await function.begun.get(), sent, content_type=prelude.CONTENT_TYPE)

    assert events(caller.answer) == [("PayloadChunk", sent), ("InvokeComplete", b"{}")]
    assert caller.answer.header("content-type") == prelude.CONTENT_TYPE


async def test_stream_that_breaks_off(api: ASGIApp, function: FakeDispatcher) -> None:
    """What was sent stays sent, and the last event tells what happened."""
    async with calling(api, STREAM) as caller:
        reply(await function.begun.get(), b"half", failure=FAILURE)

    [(first, payload), (last, complete)] = events(caller.answer)
    assert (first, payload, last) == ("PayloadChunk", b"half", "InvokeComplete")
    assert json.loads(complete) == {"ErrorCode": "Runtime.Broken", "ErrorDetails": FAILURE.document.decode()}
    assert (caller.answer.status, caller.answer.whole) == (200, True)
    assert caller.answer.header("content-type") == "application/octet-stream"


async def test_stream_that_never_begins(api: ASGIApp, function: FakeDispatcher) -> None:
    """Difference 1 of response_stream: a 200 with the last event alone."""
    async with calling(api, STREAM) as caller:
        reply(await function.begun.get(), failure=FAILURE)

    [(only, complete)] = events(caller.answer)
    assert (caller.answer.status, only) == (200, "InvokeComplete")
    assert json.loads(complete) == {"ErrorCode": "Runtime.Broken", "ErrorDetails": FAILURE.document.decode()}


async def test_empty_stream(api: ASGIApp, function: FakeDispatcher) -> None:
    async with calling(api, STREAM) as caller:
        reply(await function.begun.get())

    assert events(caller.answer) == [("InvokeComplete", b"{}")]


async def test_caller_who_leaves_a_stream(api: ASGIApp, function: FakeDispatcher) -> None:
    """The function runs on, and what it still sends is held for nobody."""
    async with calling(api, STREAM) as caller:
        invocation = await function.begun.get()
        invocation.begin_reply("")
        invocation.reply.write(b"one")
        await caller.chunks(1)
        caller.leave()
    reply(invocation, bytes(2 * HIGH_WATER_BYTES))

    assert events(caller.answer) == [("PayloadChunk", b"one")]
    assert (caller.answer.whole, invocation.reply.full) == (False, False)
    assert invocation.timings.caller_left is not None


async def test_slow_caller_slows_the_function_down(api: ASGIApp, function: FakeDispatcher) -> None:
    """One piece waits in the caller's hand; what comes after it stays in the one buffer, until that is full."""
    drained = asyncio.Event()
    async with calling(api, STREAM) as caller:
        invocation = await function.begun.get()
        invocation.begin_reply("")
        invocation.reply.write(b"first")
        await caller.chunks(1)
        caller.reads.clear()
        invocation.reply.write(bytes(HIGH_WATER_BYTES))
        await until(lambda: not invocation.reply.full)
        invocation.reply.on_drained = drained.set
        invocation.reply.write(bytes(HIGH_WATER_BYTES))
        for _ in range(10):
            await asyncio.sleep(0)
        assert (invocation.reply.full, drained.is_set(), len(caller.answer.chunks)) == (True, False, 1)
        caller.reads.set()
        await drained.wait()
        invocation.end_reply()

    assert [len(payload) for _, payload in events(caller.answer)] == [5, HIGH_WATER_BYTES, HIGH_WATER_BYTES, 2]


# With a real worker


def tail_of(answer: Answer) -> list[str]:
    """The lines of the log that came with the answer to Invoke."""
    return base64.b64decode(answer.header("x-amz-log-result") or "").decode().splitlines()


LOGGED = [(b"x-amz-log-type", b"Tail")]


@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_log_of_the_invocation(tmp_path: Path, log_format: str) -> None:
    """From START to REPORT, without the name that the console puts before it; not what another invocation printed."""
    async with local_lambda(a_function(), folder=tmp_path, log_format=log_format) as cloud:
        api = api_of(cloud.dispatcher, cloud.function)
        await cloud.answer(["print", "of another"], ["send", "x"])
        answer = await ask(
            api, "POST", INVOKE, headers=LOGGED, body=json.dumps([["print", "a\rb"], ["send", "x"]]).encode()
        )

    start, *printed, end, report = tail_of(answer)
    request_id = answer.header("x-amzn-requestid")
    assert (start, end) == (f"START RequestId: {request_id} Version: $LATEST", f"END RequestId: {request_id}")
    assert printed == ["a", "b"]
    assert re.fullmatch(rf"REPORT RequestId: {request_id}\tDuration: [\d.]+ ms\t.*Max Memory Used: \d+ MB\t", report)


async def test_log_in_json(tmp_path: Path) -> None:
    """A function that logs JSON has JSON in its log."""
    async with local_lambda(a_function(log_format="JSON"), folder=tmp_path) as cloud:
        api = api_of(cloud.dispatcher, cloud.function)
        answer = await ask(api, "POST", INVOKE, headers=LOGGED, body=b'[["send", "x"]]')

    start, report = (json.loads(line) for line in tail_of(answer))
    assert (start["type"], report["type"]) == ("platform.start", "platform.report")
    assert report["record"]["requestId"] == answer.header("x-amzn-requestid")


async def test_log_is_complete_each_time(tmp_path: Path) -> None:
    """What was printed last, just before the reply, is in it, though it travels by another way than the reply."""
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        api = api_of(cloud.dispatcher, cloud.function)
        for number in range(30):
            body = json.dumps([["send", "x"], ["print", f"last words {number}"]]).encode()
            answer = await ask(api, "POST", INVOKE, headers=LOGGED, body=body)
            assert tail_of(answer)[1] == f"last words {number}"


async def test_long_log_is_cut_at_its_beginning(tmp_path: Path) -> None:
    """4 KB remain, and no half character."""
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        api = api_of(cloud.dispatcher, cloud.function)
        body = json.dumps([["print", "€" * 3000], ["send", "x"]]).encode()
        answer = await ask(api, "POST", INVOKE, headers=LOGGED, body=body)

    log = base64.b64decode(answer.header("x-amz-log-result") or "")
    assert 4096 - 2 <= len(log) <= 4096
    assert tail_of(answer)[0].strip("€") == ""
    assert tail_of(answer)[-1].startswith("REPORT")


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ([["exit", 1]], "RequestId: {} Error: Runtime exited with error: exit status 1"),
        ([["fail", "Function.Bad"]], "END RequestId: {}"),
    ],
)
async def test_log_of_a_function_that_fails(tmp_path: Path, steps: list[list[object]], says: str) -> None:
    """It is what one wants to read then."""
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        api = api_of(cloud.dispatcher, cloud.function)
        answer = await ask(api, "POST", INVOKE, headers=LOGGED, body=json.dumps(steps).encode())

    assert answer.header("x-amz-function-error") == "Unhandled"
    assert says.format(answer.header("x-amzn-requestid")) in tail_of(answer)


async def test_log_of_a_timeout(tmp_path: Path) -> None:
    async with local_lambda(a_function(timeout_seconds=1), folder=tmp_path) as cloud:
        api = api_of(cloud.dispatcher, cloud.function)
        answer = await ask(api, "POST", INVOKE, headers=LOGGED, body=b'[["hang"]]')

    document = json.loads(answer.body)
    assert (answer.status, document["errorType"]) == (200, "Sandbox.Timedout")
    assert document["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert tail_of(answer)[1].endswith(f"{answer.header('x-amzn-requestid')} Task timed out after 1.00 seconds")


async def test_log_comes_with_the_end_of_a_stream(tmp_path: Path) -> None:
    """The first event does not wait for it."""
    gate = Gate(tmp_path)
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        api = api_of(cloud.dispatcher, cloud.function)
        body = json.dumps([["send", "one"], ["wait", gate.path], ["print", "hello"], ["send", "two"]]).encode()
        async with calling(api, STREAM, headers=LOGGED, body=body) as caller:
            await caller.chunks(1)
            assert events(caller.answer) == [("PayloadChunk", b"one")]
            gate.open()
    gate.close()

    *_, (last, complete) = events(caller.answer)
    lines = base64.b64decode(json.loads(complete)["LogResult"]).decode().splitlines()
    assert last == "InvokeComplete"
    assert (lines[1], lines[-1].split()[0]) == ("hello", "REPORT")


async def test_client_context_reaches_the_runtime(tmp_path: Path) -> None:
    """AWS's own client gives it to the handler; and the ARN as it was called."""
    (tmp_path / "told.py").write_text(
        "def handler(event, context):\n"
        "    return {'custom': context.client_context.custom, 'arn': context.invoked_function_arn}\n"
    )
    function = a_function(code=tmp_path, runtime="python3.13", handler="told.handler", qualifiers=("live",))
    async with local_lambda(function, folder=tmp_path) as cloud:
        api = api_of(cloud.dispatcher, cloud.function)
        answer = await ask(
            api, "POST", INVOKE + "?Qualifier=live", headers=[context({"custom": {"who": "é"}})], body=b"{}"
        )

    assert json.loads(answer.body) == {"custom": {"who": "é"}, "arn": f"{ARN}:live"}


async def test_reply_that_is_too_large(tmp_path: Path) -> None:
    """6 MB for Invoke; a stream may go on."""
    size = 6 * 1024 * 1024 + 101
    body = json.dumps([["send_bytes", size]]).encode()
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        api = api_of(cloud.dispatcher, cloud.function)
        answer = await ask(api, "POST", INVOKE, body=body)
        streamed = await ask(api, "POST", STREAM, body=body)

    assert answer.header("x-amz-function-error") == "Unhandled"
    assert json.loads(answer.body)["errorType"] == "Function.ResponseSizeTooLarge"
    assert sum(len(payload) for kind, payload in events(streamed) if kind == "PayloadChunk") == size
