"""AWS's own runtime client for Node behind the local Lambda: a client that nobody here wrote, and that streams.

The functions are in node/. They are run by aws-lambda-ric from npm, as an OS-only runtime runs any client, and asked
through a function URL and through InvokeWithResponseStream.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from local.emulator import Emulator
from tests.contract.log import Log
from tests.deploy import tools
from tests.local.fakes.local_lambda import Gate

TEMPLATE = Path(__file__).parent / "node/template.yaml"
DEADLINE_SECONDS = 20
PRELUDE = b'{"statusCode":201,"headers":{"content-type":"text/event-stream","x-place":"Z\xc3\xbcrich"},'
COOKIES = b'"cookies":["a=1; Path=/","b=2; HttpOnly"]}'

Stream = Callable[..., Any]


@pytest.fixture(scope="module")
def log() -> Log:
    return Log()


@pytest.fixture(scope="module")
def cloud(log: Log) -> Iterator[Emulator]:
    with Emulator(TEMPLATE, port=0, aws_port=0, overrides=tools.node_runtime(), write=log.write) as cloud:
        yield cloud


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path)
    yield gate
    gate.close()


@pytest.fixture(scope="module")
def stream(cloud: Emulator) -> Iterator[Stream]:
    """A request to a function's URL whose answer is read as it comes."""
    domains = {function.logical_id: function.url.domain for function in cloud.stack.functions if function.url}
    with httpx.Client(base_url=cloud.url, timeout=DEADLINE_SECONDS) as client:

        def stream(path: str, function: str = "Streamed", **headers: str) -> Any:
            return client.stream("GET", path, headers={"host": domains[function], **headers})

        yield stream


def whole(stream: Stream, path: str, function: str = "Streamed") -> httpx.Response:
    with stream(path, function) as response:
        response.read()
        assert isinstance(response, httpx.Response)
        return response


@pytest.fixture(scope="module")
def events(cloud: Emulator) -> Iterator[Callable[..., Iterator[tuple[str, Any]]]]:
    """The events of InvokeWithResponseStream, as boto3 hands them out."""
    client = boto3.client(
        "lambda",
        endpoint_url=cloud.aws_url,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )

    def events(kind: str, **event: str) -> Iterator[tuple[str, Any]]:
        payload = json.dumps({"kind": kind, **event})
        answer = client.invoke_with_response_stream(FunctionName="local-Streamed", Payload=payload)
        with closing(answer["EventStream"]) as stream:
            for part in stream:
                yield ("chunk", part["PayloadChunk"]["Payload"]) if "PayloadChunk" in part else ("end", part)

    yield events
    client.close()


Events = Callable[..., Iterator[tuple[str, Any]]]


# Through the function's URL


def test_a_prelude_becomes_status_headers_and_cookies(stream: Stream) -> None:
    response = whole(stream, "/prelude")

    assert (response.status_code, response.content) == (201, b"one")
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["x-place"] == "Zürich"
    assert response.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2; HttpOnly"]


def test_a_chunk_reaches_the_viewer_while_the_function_waits(stream: Stream, gate: Gate) -> None:
    with stream("/paced", **{"x-gate": gate.path}) as response:
        chunks = response.iter_raw()
        assert next(chunks) == b"before"
        gate.open()
        assert b"".join(chunks) == b"after"


def test_thousands_of_small_writes_come_in_their_order(stream: Stream) -> None:
    response = whole(stream, "/small")

    assert response.headers["content-type"] == "text/plain"
    assert response.text == "".join(f"{number}\n" for number in range(5000))


def test_a_large_stream_comes_whole(stream: Stream) -> None:
    """Node's pipeline waits where the emulator's buffer is full."""
    response = whole(stream, "/large")

    assert response.content == b"".join(bytes([number]) * 50_000 for number in range(100))


def test_an_error_in_the_middle_cuts_the_body(stream: Stream, log: Log) -> None:
    """It travels in trailers, and the environment is good for the next event."""
    with stream("/fails_in_the_middle") as response:
        assert response.status_code == 201
        with pytest.raises(httpx.RemoteProtocolError):
            response.read()

    assert log.wait_for("GET /fails_in_the_middle", "cut short").endswith("RangeError")
    assert whole(stream, "/prelude").content == b"one"


def test_an_error_before_the_first_write_cuts_an_empty_body(stream: Stream) -> None:
    """This client has begun its reply by then, so that the error comes in trailers too, behind the status of a 200."""
    with stream("/fails_at_once") as response:
        assert response.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            response.read()


@pytest.mark.parametrize("path", ["/empty_write", "/empty_pipeline"])
def test_an_empty_body_keeps_its_prelude_when_it_is_written(stream: Stream, path: str) -> None:
    response = whole(stream, path)

    assert (response.status_code, response.content) == (301 if path == "/empty_write" else 403, b"")


def test_a_stream_that_is_never_written_to_loses_its_prelude(stream: Stream, log: Log) -> None:
    """The client keeps it until the first write. Seen on AWS: an empty 200; it neither hangs nor is it a 502."""
    response = whole(stream, "/empty")

    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"] == "application/octet-stream"
    assert "location" not in response.headers
    assert "status and headers are lost" in log.wait_for("GET /empty 200")


def test_a_body_without_its_prelude_is_a_502(stream: Stream, log: Log) -> None:
    """For this client the data of `end` are no write."""
    assert whole(stream, "/only_end").status_code == 502
    log.wait_for("GET /only_end 502", "without a prelude delimiter")


def test_a_stream_that_nobody_ends_is_cut_at_the_timeout(stream: Stream, log: Log) -> None:
    """As AWS says for a handler that does not call `end`; what came before has been sent."""
    with stream("/never_ends", "Impatient") as response:
        chunks = response.iter_raw()
        assert next(chunks) == b"one"
        with pytest.raises(httpx.RemoteProtocolError):
            next(chunks)

    log.wait_for("Impatient", "Task timed out after 1.00 seconds")


def test_the_handler_gets_event_and_context(stream: Stream, log: Log) -> None:
    response = whole(stream, "/echo?a=1&a=2")
    told = response.json()

    assert told["event"]["queryStringParameters"] == {"a": "1,2"}
    assert told["request"] == response.headers["x-amzn-requestid"] == told["event"]["requestContext"]["requestId"]
    assert told["arn"].endswith(":function:local-Streamed")


def test_a_handler_that_does_not_stream_is_buffered(stream: Stream, log: Log) -> None:
    """With the client's native half, which sends whole documents."""
    response = whole(stream, "/anything", "Buffered")

    assert (response.status_code, response.content) == (203, b"\0\xff")
    assert response.headers["x-request"] == response.headers["x-amzn-requestid"]
    assert (response.headers["x-left"], response.headers["set-cookie"]) == ("true", "a=1")
    assert whole(stream, "/fails", "Buffered").status_code == 502
    log.wait_for("Invoke Error", "as asked")


# Through InvokeWithResponseStream


def test_a_chunk_reaches_boto3_while_the_function_waits(events: Events, gate: Gate) -> None:
    """Prelude, NULs and body as they are."""
    parts = events("paced", gate=gate.path)
    head = PRELUDE + COOKIES + b"\0" * 8 + b"before"
    seen = b""
    while len(seen) < len(head):
        kind, data = next(parts)
        assert kind == "chunk"
        seen += data
    assert seen == head

    gate.open()
    assert list(parts) == [("chunk", b"after"), ("end", {"InvokeComplete": {}})]


def test_invoke_complete_tells_of_an_error_in_the_middle(events: Events) -> None:
    *chunks, (_, end) = events("fails_in_the_middle")

    assert b"".join(data for _, data in chunks) == PRELUDE + COOKIES + b"\0" * 8 + b"one"
    complete = end["InvokeComplete"]
    assert complete["ErrorCode"] == "RangeError"
    details = json.loads(complete["ErrorDetails"])
    assert (details["errorType"], details["errorMessage"]) == ("RangeError", "in the\nmiddle")
    assert details["trace"][0] == "RangeError: in the"


def test_invoke_complete_tells_of_an_error_before_the_first_write(events: Events) -> None:
    ((_, end),) = events("fails_at_once")

    assert end["InvokeComplete"]["ErrorCode"] == "TypeError"


@pytest.mark.parametrize(
    ("kind", "payload"),
    [("empty", b""), ("empty_write", b'{"statusCode":301,"headers":{"location":"/"}}\0\0\0\0\0\0\0\0')],
)
def test_an_empty_stream_completes(events: Events, kind: str, payload: bytes) -> None:
    *chunks, end = events(kind)

    assert b"".join(data for _, data in chunks) == payload
    assert end == ("end", {"InvokeComplete": {}})
