"""An application's messages on the wire, through the real loop of the runtime to a Runtime API on a socket."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from functools import partial
from typing import Any

import pytest

from lambda_asgi.asgi import App, Message, Receive, Scope, Send
from lambda_asgi.streaming import Streaming
from tests.function.asgi_calls import Reply, end, given, part, rest_event, sends, start, url_event
from tests.function.fake_runtime_api import REQUEST_ID, Event, FakeRuntimeApi, Request, run, serve

CHUNK = b"x" * 65_536
MORE_THAN_THE_KERNEL_BUFFERS = 1024  # chunks: 64 MiB
PRELUDE = b'{"statusCode":200,"headers":{"content-type":"application/octet-stream"},"cookies":[]}' + b"\0" * 8
WIRE_PRELUDE = b"5d\r\n%b\r\n" % PRELUDE


def ask(app: App, *events: Event) -> list[Request]:
    """What the runtime sends for each of *events*, by default one GET."""
    return serve(Streaming(app, "off"), *(events or [given()]))


def error_of(request: Request) -> tuple[str, str]:
    """Type and message of the error that *request* tells, in its body or in its trailers."""
    told = request.body
    if request.endpoint == "response":
        told = base64.b64decode(request.trailers["lambda-runtime-function-error-body"])
    document = json.loads(told)
    return document["errorType"], document["errorMessage"]


# What leaves when


def test_messages_become_prelude_and_chunks() -> None:
    (request,) = ask(sends(start(201, (b"content-type", b"text/plain")), part(b"Once"), part(b"upon"), end(b"a time")))

    assert Reply.of(request) == Reply(
        {"statusCode": 201, "headers": {"content-type": "text/plain"}, "cookies": []}, b"Onceupona time"
    )
    assert request.chunks[1] == b"Once"
    assert b"" not in request.chunks


def test_prelude_and_a_body_that_is_there_at_once_are_one_write() -> None:
    pieces: list[bytes] = []

    with FakeRuntimeApi(given()) as api:

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await send(start())
            await send(part(b"{}"))
            api.wait_for(lambda: api.received.endswith(b"\r\n\r\n" + WIRE_PRELUDE + b"2\r\n{}\r\n"))
            pieces.extend(api.requests[-1].pieces)
            await send(end())

        run(api, Streaming(app, "off"))

    assert len(pieces) == 1


def test_the_prelude_leaves_alone_when_the_application_waits_for_its_body() -> None:
    """An EventSource opens at once, though its first event comes late."""
    with FakeRuntimeApi(given()) as api:

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await send(start())
            await asyncio.to_thread(api.wait_for, lambda: api.received.endswith(b"\r\n\r\n" + WIRE_PRELUDE))
            await send(end(b"late"))

        run(api, Streaming(app, "off"))

    assert api.replies[0].chunks == [PRELUDE, b"late"]


def test_an_empty_part_flushes_the_prelude() -> None:
    """And `send` returns when it is out, as for any other part."""
    with FakeRuntimeApi(given()) as api:

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await send(start())
            await send(part(b""))
            api.wait_for(lambda: api.received.endswith(b"\r\n\r\n" + WIRE_PRELUDE))
            await send(end())

        run(api, Streaming(app, "off"))

    assert api.replies[0].chunks == [PRELUDE]


def test_each_part_is_with_the_runtime_api_when_the_application_waits() -> None:
    """At the latest: the first one was when `send` returned."""
    told: list[bytes] = []

    with FakeRuntimeApi(given()) as api:

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await send(start())
            for word in [b"Once", b"upon", b"a", b"time"]:
                await send(part(word))
                told.append(b"%x\r\n%b\r\n" % (len(word), word))
                here = b"\r\n\r\n" + WIRE_PRELUDE + b"".join(told)
                wait_for = partial(api.wait_for, lambda expected=here: api.received.endswith(expected))
                if word == b"Once":
                    wait_for()
                await asyncio.to_thread(wait_for)
            await send(end())

        run(api, Streaming(app, "off"))

    assert api.replies[0].chunks == [PRELUDE, b"Once", b"upon", b"a", b"time"]


def test_a_slow_receiver_makes_send_wait_while_other_tasks_go_on() -> None:
    sent, turns = 0, 0

    with FakeRuntimeApi(given(holds=True)) as api:

        async def tick() -> None:
            nonlocal turns
            seen = sent
            while turns < 1000:
                await asyncio.sleep(0)
                turns, seen = (turns + 1, seen) if seen == sent else (0, sent)
            api.resume()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            nonlocal sent
            await send(start())
            async with asyncio.TaskGroup() as group:
                group.create_task(tick())
                while not api.reading:
                    sent += 1
                    await send(part(CHUNK))
            await send(end())

        run(api, Streaming(app, "off"))

    assert turns == 1000
    assert sent < MORE_THAN_THE_KERNEL_BUFFERS
    assert Reply.of(api.replies[0]).body == CHUNK * sent


def test_parts_of_several_tasks_are_never_inside_each_other() -> None:
    """Even when the receiver is slow, and each of them waits in the middle of its own."""
    names = b"abcdefgh"
    begun = set()

    with FakeRuntimeApi(given(holds=True)) as api:

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            async def repeat(name: int) -> None:
                for _ in range(4):
                    begun.add(name)
                    if len(begun) == len(names):
                        api.resume()
                    await send(part(bytes([name]) * 2_000_000))

            await send(start())
            async with asyncio.TaskGroup() as group:
                for name in names:
                    group.create_task(repeat(name))
            await send(end())

        run(api, Streaming(app, "off"))

    chunks = api.replies[0].chunks[1:]
    assert sorted(chunk[:1] * len(chunk) for chunk in chunks) == sorted(bytes([n]) * 2_000_000 for n in names * 4)
    assert [len(set(chunk)) for chunk in chunks] == [1] * 32


def test_any_kind_of_bytes_is_a_body_and_text_is_none() -> None:
    (memory, text) = (
        ask(sends(start(), part(memoryview(b"abc")), part(bytearray(b"def")), end()))[0],
        ask(sends(start(), end("abc")))[0],
    )

    assert memory.chunks[1:] == [b"abc", b"def"]
    assert error_of(text) == ("TypeError", "memoryview: a bytes-like object is required, not 'str'")


@pytest.mark.parametrize(
    ("method", "status", "body"),
    [("HEAD", 200, b""), ("HEAD", 404, b""), ("GET", 204, b""), ("GET", 304, b""), ("GET", 404, b"Oncenone")],
)
@pytest.mark.parametrize("event", [url_event, rest_event])
def test_replies_without_a_body(event: Any, method: str, status: int, body: bytes) -> None:
    """To HEAD, and with a status that has none; what the application sends is dropped, and it goes on to its end."""
    ended = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await sends(start(status), part(b"Once"), end(b"none"))(scope, receive, send)
        ended.append(True)

    (request,) = ask(app, given(event(method)))

    assert (Reply.of(request).prelude["statusCode"], Reply.of(request).body, ended) == (status, body, [True])


def test_a_rest_api_gets_lists_of_headers() -> None:
    """The format of the reply is the event's."""
    app = sends(start(200, (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"content-type", b"text/plain")), end())

    (request,) = ask(app, given(rest_event()))

    assert Reply.of(request).prelude == {
        "statusCode": 200,
        "multiValueHeaders": {"set-cookie": ["a=1", "b=2"], "content-type": ["text/plain"]},
    }


@pytest.mark.parametrize("event", [url_event(), rest_event()], ids=["function URL", "REST API"])
def test_where_the_caller_cannot_stream(event: dict[str, Any]) -> None:
    """`sam local` gets the one document that the same messages stand for."""
    app = sends(start(200, (b"content-type", b"text/plain"), (b"set-cookie", b"a=1")), part(b"Once"), end(b" upon"))

    (request,) = serve(Streaming(app, "off"), given(event), buffers=True)

    document = json.loads(request.body)
    assert (document["statusCode"], document["body"], document["isBase64Encoded"]) == (200, "Once upon", False)
    assert document.get("cookies") or document["multiValueHeaders"]["set-cookie"] == ["a=1"]


# What the application receives


def test_the_request_comes_whole_and_once() -> None:
    messages: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        messages.append(await receive())
        await sends(start(), end())(scope, receive, send)
        messages.append(await receive())
        messages.append(await receive())

    ask(app, given(url_event("POST", body=b"\x00\x01")))

    assert messages == [
        {"type": "http.request", "body": b"\x00\x01", "more_body": False},
        {"type": "http.disconnect"},
        {"type": "http.disconnect"},
    ]


def test_a_request_that_nobody_read_before_the_end_is_a_disconnect() -> None:
    messages: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await sends(start(), end())(scope, receive, send)
        messages.append(await receive())

    ask(app)

    assert messages == [{"type": "http.disconnect"}]


def test_a_listener_for_the_disconnect_does_not_interrupt_the_last_send() -> None:
    """Frameworks cancel the sending task when they are told; the reply is over by then, and so is that task."""
    order: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def stream() -> None:
            await sends(start(), part(b"Once"), end(b"."))(scope, receive, send)
            order.append("sent")

        await receive()
        sending = asyncio.create_task(stream())
        assert await receive() == {"type": "http.disconnect"}
        order.append("told")
        sending.cancel()
        await asyncio.wait({sending})

    (request,) = ask(app)

    assert (Reply.of(request).body, order) == (b"Once.", ["sent", "told"])


def test_state_event_and_context_are_in_the_scope() -> None:
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await sends(start(), end())(scope, receive, send)

    event = url_event(target="/a?b=c")
    ask(app, given(event))

    assert (scopes[0]["path"], scopes[0]["query_string"], scopes[0]["state"]) == ("/a", b"b=c", {})
    assert (scopes[0]["aws.event"], scopes[0]["aws.context"].aws_request_id) == (event, REQUEST_ID)


# Failures of the application


START, BODY = "Expected ASGI message 'http.response.start', ", "Expected ASGI message 'http.response.body', "


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        ([], "The ASGI application returned without sending 'http.response.start'."),
        ([start()], "The ASGI application returned without completing its response."),
        ([start(), part(b"Once")], "The ASGI application returned without completing its response."),
        ([end()], START + "but got 'http.response.body'."),
        ([{"type": "http.response.push"}], START + "but got 'http.response.push'."),
        ([start(), start()], BODY + "but got 'http.response.start'."),
        ([start(), part(b"Once"), start()], BODY + "but got 'http.response.start'."),
    ],
)
def test_messages_in_a_wrong_order(messages: list[dict[str, Any]], error: str) -> None:
    """The error says what was expected and what came; it cuts a reply whose prelude has left."""
    (request,) = ask(sends(*messages))

    assert request.endpoint == ("response" if part(b"Once") in messages else "error")
    assert error_of(request) == ("RuntimeError", error)


@pytest.mark.parametrize("extra", [start(), part(b"more"), end()])
def test_a_message_after_the_end(extra: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """The viewer has the whole reply; the log has the error."""
    (request,) = ask(sends(start(), end(b"whole"), extra))

    assert Reply.of(request).body == b"whole"
    message = f"[ERROR] RuntimeError: Unexpected ASGI message '{extra['type']}': the response is complete."
    assert capsys.readouterr().out.count(message) == 1


async def failing(scope: Scope, receive: Receive, send: Send) -> None:
    """Sends what the path says, one word a message, then fails."""
    for word in scope["path"].split("/")[1:]:
        match word:
            case "start":
                await send(start())
            case "wait":
                await asyncio.sleep(0.01)
            case "part" | "end":
                await send(part(b"Once", more=word == "part"))
    raise LookupError("no story")


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        ("/", "error"),
        ("/wait", "error"),
        ("/start", "error"),
        ("/start/wait", b""),
        ("/start/part", b"Once"),
        ("/start/part/part", b"OnceOnce"),
    ],
)
def test_an_exception(path: str, outcome: bytes | str, capsys: pytest.CaptureFixture[str]) -> None:
    """A function error, as long as nothing has left; then trailers. In the log once, from the application's line on."""
    (request,) = ask(failing, given(url_event(target=path)))

    assert error_of(request) == ("LookupError", "no story")
    assert request.endpoint == ("error" if outcome == "error" else "response")
    if outcome != "error":
        assert request.body.partition(b"\0" * 8)[2] == outcome
    log = capsys.readouterr().out
    assert log.count("[ERROR] LookupError: no story") == 1
    assert "Traceback (most recent call last):\r\u00a0\u00a0File" in log
    assert log.split("\r")[2].endswith("in failing")


def test_who_still_listens_when_the_application_fails_is_told() -> None:
    """Frameworks leave such a task to the server; nothing would ever wake it up, and it would be there for good."""
    heard: list[Message] = []
    listeners: list[asyncio.Task[None]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def listen() -> None:
            heard.append(await receive())

        if listeners:
            await listeners[0]
            await sends(start(), end())(scope, receive, send)
            return
        await receive()
        listeners.append(asyncio.create_task(listen()))
        await sends(start(), part(b"Once"))(scope, receive, send)
        await asyncio.sleep(0.01)
        raise LookupError("no story")

    failed, served = ask(app, given(), given())

    assert error_of(failed) == ("LookupError", "no story")
    assert Reply.of(served).prelude["statusCode"] == 200
    assert heard == [{"type": "http.disconnect"}]


def test_an_exception_after_the_end_is_logged_and_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    """As frameworks do that answer with a page of their own first; the next event is served as ever."""
    first, second = ask(failing, given(url_event(target="/start/end")), given(url_event(target="/start/end")))

    assert Reply.of(first).body == Reply.of(second).body == b"Once"
    assert capsys.readouterr().out.count("[ERROR] LookupError: no story") == 2


def test_an_event_of_another_shape_is_a_function_error() -> None:
    (request,) = ask(sends(start(), end()), given({"key": "value"}))

    assert error_of(request)[0] == "UnsupportedEventError"


# The deadline, and replies that are lost


@pytest.mark.parametrize(
    ("before", "sent"), [([], None), ([start()], b""), ([start(), part(b"Once")], b"Once")], ids=["", "start", "part"]
)
def test_at_the_deadline_the_application_is_cancelled_and_waited_for(
    before: list[dict[str, Any]], sent: bytes | None
) -> None:
    """Wherever it waits, in its own task or in another."""
    order: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def work() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                order.append("cleaned up")

        for message in before:
            await send(message)
        async with asyncio.TaskGroup() as group:
            group.create_task(work())

    first, second = ask(app, given(time_left_ms=500), given(time_left_ms=500))

    assert order == ["cleaned up", "cleaned up"]
    for request in (first, second):
        assert request.endpoint == ("error" if sent is None else "response")
        assert error_of(request)[0] == "Runtime.DeadlineExceeded"
        assert sent is None or request.body == PRELUDE + sent


def test_a_part_that_is_stuck_at_the_deadline(capsys: pytest.CaptureFixture[str]) -> None:
    """The application is cancelled in its `send`; the reply is cut, as nothing may follow half a chunk."""
    ended: list[BaseException] = []

    with FakeRuntimeApi(given(holds=True, time_left_ms=500), given(rest_event())) as api:

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await send(start())
            try:
                while not ended:
                    await send(part(CHUNK))
            except BaseException as error:
                ended.append(error)
                raise
            finally:
                api.resume()
            await send(end())

        run(api, Streaming(app, "off"))

    stuck, following = api.replies
    assert [type(error) for error in ended] == [asyncio.CancelledError]
    assert (stuck.ended, stuck.trailers) == (False, {})
    assert Reply.of(following).body == b""
    assert capsys.readouterr().out == f"[WARN] the reply to {REQUEST_ID} was cut off: it was not taken in time\n"


class FrameworkDisconnectError(Exception):
    """What a framework makes of an OSError of `send`."""


@pytest.mark.parametrize("reaction", ["raise", "translate", "return"])
def test_when_the_runtime_api_hangs_up_send_raises_an_os_error(
    reaction: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """That is the promise of spec_version 2.4. However the application takes it, it is no error of the function."""
    told: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        if told:
            await sends(start(), end(b"next"))(scope, receive, send)
            return
        await send(start())
        try:
            while True:
                await send(part(CHUNK))
        except OSError as error:
            told.append(await receive())
            if reaction == "translate":
                raise FrameworkDisconnectError from error
            if reaction == "raise":
                raise

    cut, following = ask(app, given(cut_after=len(PRELUDE) + 1), given())

    assert (cut.ended, told) == (False, [{"type": "http.disconnect"}])
    assert Reply.of(following).body == b"next"
    log = capfd.readouterr()
    assert re.match(rf"\[WARN\] the reply to {REQUEST_ID} was cut off: .*(reset by peer|Broken pipe)", log.out)
    assert (log.out.count("\n"), log.err, caplog.records) == (1, "", [])


# After the end of the reply


def test_background_work_comes_after_the_end_and_before_the_next_event() -> None:
    """The viewer has everything while the application still works."""
    order: list[str] = []

    with FakeRuntimeApi(given(), given()) as api:

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await sends(start(), end(b"whole"))(scope, receive, send)
            # The end has come, though this coroutine has not given way since its last `send` returned.
            assert api.requests[-1].endpoint == "response"
            assert api.requests[-1].ended
            for _ in range(100):
                await asyncio.sleep(0)
            order.append(f"{len(api.requests)} requests")

        run(api, Streaming(app, "off"))

    assert order == ["2 requests", "4 requests"]  # next, response; and again
    assert [Reply.of(request).body for request in api.replies] == [b"whole", b"whole"]


def test_background_work_is_cancelled_at_the_deadline(capsys: pytest.CaptureFixture[str]) -> None:
    order: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await sends(start(), end(b"whole"))(scope, receive, send)
        try:
            await asyncio.Event().wait()
        finally:
            order.append("cleaned up")

    first, second = ask(app, given(time_left_ms=500), given(time_left_ms=500))

    assert (Reply.of(first).body, Reply.of(second).body, order) == (b"whole", b"whole", ["cleaned up"] * 2)
    assert capsys.readouterr().out.count("[ERROR] Runtime.DeadlineExceeded") == 2


def test_background_work_is_done_where_the_caller_cannot_stream() -> None:
    order: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await sends(start(), end(b"whole"))(scope, receive, send)
        order.append("background")

    (request,) = serve(Streaming(app, "off"), given(), buffers=True)

    assert (json.loads(request.body)["body"], order) == ("whole", ["background"])
