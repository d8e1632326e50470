"""What becomes of a failure: a document at `/error` before the first byte, trailers after it, a log line either way."""

from __future__ import annotations

import base64
import itertools
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import pytest

from lambda_runtime.faults import MAX_DOCUMENT_BYTES, MAX_HEADER_BYTES, Fault
from lambda_runtime.http1 import Connection
from lambda_runtime.replies import LEADING_ITEMS
from lambda_runtime.response import Response
from tests.function.fake_runtime_api import REQUEST_ID, Event, FakeRuntimeApi, Request, run, serve

GO_TRAILER_BYTES = 4096  # net/http: "http: suspiciously long trailer after chunked body"
Wrap = Callable[[Iterator[Any]], Any]


def plain(items: Iterator[Any]) -> Iterator[Any]:
    return items


async def asynchronous(items: Iterator[Any]) -> AsyncIterator[Any]:
    try:
        for item in items:
            yield item
    finally:
        items.close()  # type: ignore[attr-defined]  # a generator


both = pytest.mark.parametrize("wrap", [plain, asynchronous])


def line_of(text: str) -> int:
    """The number of the line of this file that holds *text*, which must be the only one that ends so."""
    (number,) = [n for n, line in enumerate(Path(__file__).read_text().splitlines(), 1) if line.endswith(text)]
    return number


def fail() -> NoReturn:
    raise LookupError("no such page: ä")  # here


def trailers(reply: Request) -> tuple[str, dict[str, Any]]:
    """The error type and the decoded document of a reply that failed in the middle."""
    assert set(reply.trailers) == {"lambda-runtime-function-error-type", "lambda-runtime-function-error-body"}
    body = base64.b64decode(reply.trailers["lambda-runtime-function-error-body"], validate=True)
    return reply.trailers["lambda-runtime-function-error-type"], json.loads(body)


# Before the first byte


def test_a_failing_handler_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """Error type header, X-Ray cause, document with the trace of the function's own code, and one log event."""

    def handler(event: Any, context: Any) -> NoReturn:
        fail()  # called

    (reply,) = serve(handler)

    here = [
        f'  File "{__file__}", line {line_of("# called")}, in handler\n    fail()  # called\n',
        f'  File "{__file__}", line {line_of("# here")}, in fail\n    raise LookupError("no such page: ä")  # here\n',
    ]
    assert reply.target == f"/2018-06-01/runtime/invocation/{REQUEST_ID}/error"
    assert reply.header("content-type") == "application/json"
    assert reply.header("lambda-runtime-function-error-type") == "LookupError"
    assert reply.header("transfer-encoding") is None
    assert json.loads(reply.body) == {
        "errorMessage": "no such page: ä",
        "errorType": "LookupError",
        "requestId": REQUEST_ID,
        "stackTrace": here,
    }
    assert json.loads(reply.header("lambda-runtime-function-xray-error-cause") or "") == {
        "working_directory": os.getcwd(),
        "exceptions": [
            {
                "type": "LookupError",
                "message": "no such page: ä",
                "stack": [
                    {"path": __file__, "line": line_of("# called"), "label": "handler"},
                    {"path": __file__, "line": line_of("# here"), "label": "fail"},
                ],
            }
        ],
        "paths": [__file__],
    }
    rows = ["[ERROR] LookupError: no such page: ä", "Traceback (most recent call last):"]
    for row in "".join(here).splitlines():
        text = row.lstrip(" ")
        rows.append("\u00a0" * (len(row) - len(text)) + text)
    assert capsys.readouterr().out == "\r".join(rows) + "\n"


@both
def test_a_body_that_fails_before_its_first_chunk_is_an_error_like_any_other(wrap: Wrap) -> None:
    def body() -> Iterator[str]:
        fail()
        yield "never"

    (reply,) = serve(lambda event, context: Response(wrap(body())))

    assert (reply.endpoint, reply.header("lambda-runtime-function-error-type")) == ("error", "LookupError")
    assert json.loads(reply.body)["errorMessage"] == "no such page: ä"


async def failing_coroutine(event: Any, context: Any) -> None:
    fail()


def test_the_trace_of_an_async_handler_begins_with_the_handler() -> None:
    """Not with the event loop and the runtime that lie between."""
    (reply,) = serve(failing_coroutine)

    labels = [entry.split(", in ")[1].split("\n")[0] for entry in json.loads(reply.body)["stackTrace"]]
    assert labels == ["failing_coroutine", "fail"]


@both
@pytest.mark.parametrize(("chunk", "name"), [(7, "int"), (None, "NoneType"), ({}, "dict")])
def test_a_first_chunk_of_the_wrong_type(wrap: Wrap, chunk: Any, name: str) -> None:
    (reply,) = serve(lambda event, context: Response(wrap(item for item in [chunk])))

    assert (reply.endpoint, reply.header("lambda-runtime-function-error-type")) == ("error", "TypeError")
    assert json.loads(reply.body)["errorMessage"] == f"a body yields bytes or str, not {name}"


@pytest.mark.parametrize(("body", "name"), [({"a": 1}, "dict"), (7, "int"), (None, "NoneType")])
def test_what_is_no_body(body: Any, name: str) -> None:
    (reply,) = serve(lambda event, context: Response(body))

    assert reply.endpoint == "error"
    assert json.loads(reply.body)["errorMessage"] == (
        f"a Response body is bytes, str or an iterable of them, not {name}; for JSON pass json.dumps(...)"
    )


def generator() -> Iterator[str]:
    yield "never"


async def asynchronous_generator() -> AsyncIterator[str]:
    yield "never"


@pytest.mark.parametrize("body", [generator, asynchronous_generator])
def test_a_generator_that_was_not_called_is_no_body(body: Any) -> None:
    (reply,) = serve(lambda event, context: Response(body))

    assert json.loads(reply.body)["errorMessage"] == (
        "a Response body is bytes, str or an iterable of them, not function; call it and pass what it returns"
    )


@pytest.mark.parametrize("message", ["x" * MAX_DOCUMENT_BYTES, "🐌" * (MAX_DOCUMENT_BYTES // 12)])
def test_an_error_that_is_too_large_for_a_document_is_cut(message: str) -> None:
    """It would be refused with a 413, and the caller would hear of nothing but a runtime that goes on."""

    def handler(event: Any, context: Any) -> NoReturn:
        raise ValueError(message)

    with FakeRuntimeApi(Event()) as api:
        run(api, handler)

    (reply,) = api.replies
    document = json.loads(reply.body)
    assert len(reply.body) <= MAX_DOCUMENT_BYTES
    assert document["errorType"] == "ValueError"
    assert document["errorMessage"] == message[: len(message) // 2]


def test_a_trace_that_is_too_large_for_a_document_is_cut_before_the_message() -> None:
    fault = Fault("E", "why", ["x" * MAX_DOCUMENT_BYTES, "the last call"])

    assert json.loads(fault.document())["stackTrace"] == ["the last call"]
    assert json.loads(fault.document())["errorMessage"] == "why"


@pytest.mark.parametrize("late", [False, True])
def test_a_type_of_error_that_no_header_can_carry_is_reported_all_the_same(late: bool) -> None:
    """A refused report would leave the event unanswered, and bring it again until the timeout."""
    error = type("Not\r\nfound: é" + "x" * 10_000, (Exception,), {})

    def body() -> Iterator[str]:
        if late:
            yield "Once"
        raise error

    (reply,) = serve(lambda event, context: Response(body()))

    name = "lambda-runtime-function-error-type"
    assert (reply.trailers[name] if late else reply.header(name)) == "Notfound: é" + "x" * 498


def test_an_error_whose_text_cannot_be_encoded_is_reported_all_the_same() -> None:
    def handler(event: Any, context: Any) -> NoReturn:
        raise ValueError("\ud800")

    with FakeRuntimeApi(Event()) as api:
        run(api, handler)

    assert json.loads(api.replies[0].body)["errorMessage"] == "\ud800"


def test_the_x_ray_cause_is_left_out_when_it_is_too_long_for_a_header() -> None:
    assert Fault("E", "x" * MAX_HEADER_BYTES).xray_cause() == b""
    assert len(Fault("E", "x" * (MAX_HEADER_BYTES - 1000)).xray_cause()) > MAX_HEADER_BYTES - 1000


def test_an_error_without_a_message_is_logged_by_its_type(capsys: pytest.CaptureFixture[str]) -> None:
    Fault.of(ValueError()).log("r-1")

    assert capsys.readouterr().out == "[ERROR] ValueError\rTraceback (most recent call last):\n"


def test_an_error_is_logged_as_json_where_the_function_logs_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", "JSON")
    Fault("Runtime.Test", "ä\nb", ["  File x\n"]).log("r-1")
    record = json.loads(capsys.readouterr().out)

    assert list(record) == ["timestamp", "level", "errorMessage", "errorType", "requestId", "stackTrace"]
    assert {**record, "timestamp": ""} == {
        "timestamp": "",
        "level": "ERROR",
        "errorMessage": "ä\nb",
        "errorType": "Runtime.Test",
        "requestId": "r-1",
        "stackTrace": ["  File x\n"],
    }


# After the first byte


@both
def test_a_late_error_travels_in_trailers_after_the_last_chunk(wrap: Wrap, capsys: pytest.CaptureFixture[str]) -> None:
    """On the wire: chunks, the last chunk, the two trailers, the end. No `/error`, which would be illegal by then."""

    def body() -> Iterator[str]:
        yield "Once"
        fail()

    (reply,) = serve(lambda event, context: Response(wrap(body())))

    error_type, document = trailers(reply)
    encoded = reply.trailers["lambda-runtime-function-error-body"].encode()
    assert reply.raw.endswith(
        b"\r\n4\r\nOnce\r\n0\r\n"
        b"Lambda-Runtime-Function-Error-Type: LookupError\r\n"
        b"Lambda-Runtime-Function-Error-Body: %b\r\n\r\n" % encoded
    )
    assert error_type == "LookupError"
    assert (document["errorMessage"], document["requestId"]) == ("no such page: ä", REQUEST_ID)
    assert [entry.split(", in ")[1].split("\n")[0] for entry in document["stackTrace"]][-2:] == ["body", "fail"]
    assert capsys.readouterr().out.startswith("[ERROR] LookupError: no such page: ä\r")


@both
def test_a_later_chunk_of_the_wrong_type_ends_the_stream_with_an_error(wrap: Wrap) -> None:
    closed: list[bool] = []

    def body() -> Iterator[Any]:
        try:
            yield "Once"
            yield 7
            yield "never"
        finally:
            closed.append(True)

    (reply,) = serve(lambda event, context: Response(wrap(body())))

    assert (reply.chunks[1:], closed) == ([b"Once"], [True])
    assert trailers(reply)[1]["errorMessage"] == "a body yields bytes or str, not int"


def test_an_error_in_a_raw_generator_travels_in_trailers_too() -> None:
    def handler(event: Any, context: Any) -> Iterator[bytes]:
        yield b"Once"
        fail()

    (reply,) = serve(handler)

    assert (reply.chunks, trailers(reply)[0]) == ([b"Once"], "LookupError")


def deep(levels: int) -> NoReturn:
    if levels == 0:
        fail()
    deeper(levels - 1)


def deeper(levels: int) -> NoReturn:
    deep(levels)


@pytest.mark.parametrize(
    "failure",
    [
        lambda: deep(100),
        lambda: deep(10_000),
        lambda: Fault.of(ValueError("x" * 100_000)),
        lambda: Fault("E", "🐌" * 999),
    ],
    ids=["deep", "endless recursion", "long message", "characters of twelve bytes in JSON"],
)
def test_trailers_stay_below_what_a_go_server_takes(failure: Callable[[], Fault]) -> None:
    """Its limit is 4 KiB; beyond, it drops the connection, and the whole invocation is an error that says nothing."""

    def body() -> Iterator[str]:
        yield "Once"
        raise failure()

    (reply,) = serve(lambda event, context: Response(body()))

    _, _, ending = reply.raw.partition(b"\r\n0\r\n")
    assert 1000 < len(ending) < GO_TRAILER_BYTES
    assert trailers(reply)[1]["errorMessage"]


def test_a_long_trace_keeps_its_last_calls_and_its_message() -> None:
    try:
        deep(100)
    except LookupError as error:
        fault = Fault.of(error)
    document = json.loads(base64.b64decode(fault.trailer("r-1")))

    assert document["errorMessage"] == "no such page: ä"
    assert 3 < len(document["stackTrace"]) < len(fault.trace)
    assert document["stackTrace"] == fault.trace[-len(document["stackTrace"]) :]


def test_a_generator_that_fails_while_it_is_closed_is_an_error() -> None:
    def body() -> Iterator[Any]:
        try:
            yield "Once"
            yield 7
        finally:
            fail()

    (reply,) = serve(lambda event, context: Response(body()))

    assert trailers(reply)[0] == "LookupError"


# A reply that does not get through


@both
def test_a_lost_connection_closes_the_generator_and_the_loop_goes_on(
    wrap: Wrap, capsys: pytest.CaptureFixture[str]
) -> None:
    closed: list[int] = []

    def words() -> Iterator[str]:
        for count in itertools.count():
            try:
                yield "word " * 100
            except GeneratorExit:
                closed.append(count)
                raise

    results = iter([Response(wrap(words())), Response("the next one")])
    lost, following = serve(lambda event, context: next(results), Event(cut_after=1000), Event())

    assert len(closed) == 1
    assert (lost.ended, lost.trailers) == (False, {})
    assert following.chunks[1:] == [b"the next one"]
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"[WARN] the reply to {REQUEST_ID} was cut off: [Errno ")


@both
def test_an_early_refusal_of_a_stream_is_named_in_the_log(wrap: Wrap, capsys: pytest.CaptureFixture[str]) -> None:
    """The Runtime API answers a stale reply before it has read it, then hangs up."""

    def words() -> Iterator[str]:
        while True:
            yield "word " * 100

    with FakeRuntimeApi(Event(early=True, status=410, answer=b'{"errorType":"InvokeTimeout"}\n')) as api:
        run(api, lambda event, context: Response(wrap(words())))

    assert capsys.readouterr().out == (
        f'[WARN] the reply to {REQUEST_ID} was cut off: 410 {{"errorType":"InvokeTimeout"}}\n'
    )


def test_an_error_of_the_generator_while_a_lost_stream_is_closed_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    def words() -> Iterator[str]:
        try:
            while True:
                yield "word " * 100
        finally:
            fail()

    results = iter([Response(words()), Response("the next one")])
    lost, following = serve(lambda event, context: next(results), Event(cut_after=1000), Event())

    assert (lost.ended, following.chunks[1:]) == (False, [b"the next one"])
    error, warning, _ = capsys.readouterr().out.split("\n")
    assert error.startswith("[ERROR] LookupError: no such page: ä\r")
    assert warning.startswith(f"[WARN] the reply to {REQUEST_ID} was cut off: ")


class TimeUpError(Exception):
    """What a signal handler of the function raises."""


@pytest.mark.parametrize(
    "body",
    [
        itertools.repeat(b"x" * 1_000_000),
        itertools.chain([b"x"] * LEADING_ITEMS, itertools.repeat(b"x" * 1_000_000)),
        b"x" * 20_000_000,
    ],
    ids=["at the start", "in a burst", "at the end"],
)
def test_nothing_follows_half_a_chunk(body: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A signal handler's exception interrupts a send: trailers now would be taken for the other half of the chunk."""
    with FakeRuntimeApi(Event(holds=True)) as api:

        def ring(signum: int, frame: FrameType | None) -> None:
            if frame and frame.f_code is Connection.send.__code__ and api.replies and not api.reading:
                api.resume()
                raise TimeUpError("out of time")

        previous = signal.signal(signal.SIGALRM, ring)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
            run(api, lambda event, context: Response(body))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)

    (reply,) = api.replies
    assert (reply.ended, reply.trailers) == (False, {})
    assert set(b"".join(reply.chunks[1:])) == {ord("x")}
    assert capsys.readouterr().out == f"[WARN] the reply to {REQUEST_ID} was cut off: out of time\n"


# The deadline


@both
def test_a_stream_that_begins_after_the_deadline_is_an_error(wrap: Wrap) -> None:
    closed: list[bool] = []

    def body() -> Iterator[str]:
        try:
            yield "late"
        finally:
            closed.append(True)

    (reply,) = serve(lambda event, context: Response(wrap(body())), Event(time_left_ms=-1))

    assert (reply.endpoint, closed) == ("error", [True])
    assert reply.header("lambda-runtime-function-error-type") == "Runtime.DeadlineExceeded"
    assert json.loads(reply.body)["errorMessage"] == "the function's timeout was up before its reply was complete"


@both
def test_a_stream_is_ended_a_moment_before_the_deadline(wrap: Wrap) -> None:
    """The chunk that comes too late is not sent, the generator is closed, and the viewer's end is told why."""
    closed: list[bool] = []

    def handler(event: Any, context: Any) -> Response:
        def body() -> Iterator[str]:
            try:
                yield "in time"
                while context.get_remaining_time_in_millis() > 20:
                    pass
                yield "late"
            finally:
                closed.append(True)

        return Response(wrap(body()))

    (reply,) = serve(handler, Event(time_left_ms=500))

    assert (reply.chunks[1:], closed, reply.ended) == ([b"in time"], [True], True)
    assert trailers(reply)[0] == "Runtime.DeadlineExceeded"


def test_a_stream_that_ends_by_itself_is_not_late() -> None:
    """Its last chunk was in time; that its generator then took until the deadline harms nobody."""

    def handler(event: Any, context: Any) -> Response:
        def body() -> Iterator[str]:
            yield "in time"
            while context.get_remaining_time_in_millis() > 20:
                pass

        return Response(body())

    (reply,) = serve(handler, Event(time_left_ms=500))

    assert (reply.chunks[1:], reply.trailers, reply.ended) == ([b"in time"], {}, True)
