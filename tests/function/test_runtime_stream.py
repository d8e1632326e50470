"""A streamed reply on the wire: one request, its head, its chunks, its end."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import pytest

from lambda_runtime.client import BURST_SECONDS, Client, Invocation
from lambda_runtime.http1 import Connection
from lambda_runtime.replies import Reply
from lambda_runtime.response import Response
from tests.function.fake_runtime_api import REQUEST_ID, Event, FakeRuntimeApi, Request, run, serve

VND = "application/vnd.awslambda.http-integration-response"
TRAILERS = "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"
PRELUDE = b'{"statusCode":200,"headers":{"content-type":"application/octet-stream"},"cookies":[]}' + b"\0" * 8


async def asynchronous(items: Iterable[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


def streamed(body: Any, **options: Any) -> Request:
    """The one request that a handler returning this Response leads to."""
    (reply,) = serve(lambda event, context: Response(body, **options))
    return reply


def test_every_header_of_the_contract_is_sent_and_no_other() -> None:
    with FakeRuntimeApi(Event()) as api:
        run(api, lambda event, context: Response("x"))
    (reply,) = api.replies

    assert (reply.method, reply.target) == ("POST", f"/2018-06-01/runtime/invocation/{REQUEST_ID}/response")
    assert reply.headers == [
        ("host", api.address),
        ("user-agent", f"lambda_runtime/0.1 python/{sys.version_info.major}.{sys.version_info.minor}"),
        ("content-type", VND),
        ("lambda-runtime-function-response-mode", "streaming"),
        ("transfer-encoding", "chunked"),
        ("trailer", TRAILERS),
    ]


def test_an_invocation_id_that_was_given_is_sent_back() -> None:
    given = {"Lambda-Runtime-Invocation-Id": "b7e1-41"}
    kinds = {"stream": Response("x"), "document": {}, "error": object()}

    for result in kinds.values():
        (reply,) = serve(lambda event, context, result=result: result, Event(headers=given))
        assert reply.header("lambda-runtime-invocation-id") == "b7e1-41"


def test_the_whole_request_byte_for_byte() -> None:
    """Prelude and eight NULs are one chunk, each item is another, the last chunk ends the body; no trailers."""
    reply = streamed(iter(["Once", b"upon", "ä"]))
    _, _, body = reply.raw.partition(b"\r\n\r\n")

    assert body == b"5d\r\n%b\r\n4\r\nOnce\r\n4\r\nupon\r\n2\r\n\xc3\xa4\r\n0\r\n\r\n" % PRELUDE
    assert (reply.ended, reply.trailers) == (True, {})


def test_head_prelude_and_first_chunk_are_one_write() -> None:
    first: list[bytes] = []

    with FakeRuntimeApi(Event()) as api:

        def body() -> Iterator[str]:
            assert api.requests[-1].endpoint == "next", "something was sent before the first chunk"
            yield "Once"
            api.wait_for(lambda: api.received.endswith(b"\r\nOnce\r\n"))
            first.extend(api.requests[-1].pieces)
            yield "upon"

        run(api, lambda event, context: Response(body()))

    assert len(first) == 1
    assert api.replies[0].trailers == {}


@pytest.mark.parametrize("body", [b"", "", [], b"bytes", bytearray(b"array"), "text"])
def test_a_body_that_is_there_as_a_whole_is_one_write(body: Any) -> None:
    """Head, prelude, body and end."""
    reply = streamed(body)

    assert reply.pieces == [reply.raw]
    assert reply.ended


def test_a_reply_frames_its_first_chunk_with_the_opening() -> None:
    """What `send` gets in one piece, byte for byte."""
    invocation = Invocation({"lambda-runtime-aws-request-id": "r-1", "lambda-runtime-deadline-ms": str(2**52)}, b"")
    with FakeRuntimeApi() as api:
        reply = Reply(Client(api.address), invocation, [], content_type="text/x", opening=b"{}" + b"\0" * 8)
        opening, second = reply.frame("Once"), reply.frame(b"upon")
        assert reply.stream is not None
        reply.stream.connection.close()

    head, _, body = opening.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /2018-06-01/runtime/invocation/r-1/response HTTP/1.1\r\nHost: ")
    assert body == b"a\r\n{}\0\0\0\0\0\0\0\0\r\n4\r\nOnce\r\n"
    assert second == b"4\r\nupon\r\n"


@pytest.mark.parametrize("wrap", [iter, asynchronous])
def test_each_chunk_is_with_the_runtime_api_before_the_next_is_asked_for(wrap: Callable[[Any], Any]) -> None:
    """Between two yields exactly what has been yielded is on the wire, as a chunk of its own.

    An async body has a pace here: what it yields in a burst may leave together, see test_runtime_cork.
    """
    told: list[str] = []

    with FakeRuntimeApi(Event()) as api:

        def words() -> Iterator[str]:
            sent = [b"5d\r\n%b\r\n" % PRELUDE]
            for word in ["Once", "upon", "", "a", "time"]:
                yield word
                if word:
                    sent.append(b"%x\r\n%b\r\n" % (len(word), word.encode()))
                api.wait_for(lambda: api.received.endswith(b"".join([b"\r\n\r\n", *sent])))
                told.append(word)
                if wrap is asynchronous:
                    time.sleep(2 * BURST_SECONDS)

        run(api, lambda event, context: Response(wrap(words())))

    assert told == ["Once", "upon", "", "a", "time"]
    assert api.replies[0].chunks == [PRELUDE, b"Once", b"upon", b"a", b"time"]
    assert api.replies[0].trailers == {}


class Pages:
    """Iterable more than once, and no generator."""

    def __iter__(self) -> Iterator[str]:
        return iter(["one", "two"])


class AsyncPages:
    def __aiter__(self) -> AsyncIterator[str]:
        return asynchronous(["one", "two"])


@pytest.mark.parametrize(
    ("body", "chunks"),
    [
        (b"bytes", [b"bytes"]),
        (bytearray(b"array"), [b"array"]),
        (memoryview(b"view"), [b"view"]),
        ("naïve 🐌", ["naïve 🐌".encode()]),
        (["one", b"two"], [b"one", b"two"]),
        ((bytearray(b"one"), "two"), [b"one", b"two"]),
        ([memoryview(b"one"), "two"], [b"one", b"two"]),
        (asynchronous([memoryview(b"one"), bytearray(b"two")]), [b"one", b"two"]),
        (Pages(), [b"one", b"two"]),
        ((word for word in ["one", "two"]), [b"one", b"two"]),
        (asynchronous(["one", b"two"]), [b"one", b"two"]),
        (AsyncPages(), [b"one", b"two"]),
        (b"", []),
        ("", []),
        ([], []),
        (asynchronous([]), []),
        (["", b"", ""], []),
        (["", "one", "", "two", ""], [b"one", b"two"]),
        (asynchronous(["", "one", "", "two", ""]), [b"one", b"two"]),
    ],
)
def test_bodies_of_every_kind(body: Any, chunks: list[bytes]) -> None:
    """A chunk of length zero would end an HTTP body, so none is sent; an empty body still has its prelude and end."""
    reply = streamed(body)

    assert (reply.chunks[0], b"".join(reply.chunks[1:])) == (PRELUDE, b"".join(chunks))
    assert b"" not in reply.chunks
    assert hasattr(body, "__aiter__") or reply.chunks[1:] == chunks
    assert (reply.ended, reply.trailers) == (True, {})


def test_the_kernel_does_not_hold_a_chunk_back() -> None:
    """Without TCP_NODELAY it would, until the receiver has acknowledged the chunk before."""
    with FakeRuntimeApi() as api:
        connection = Connection(api.address)
        assert connection.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
        connection.close()


def test_an_empty_first_chunk_sends_status_and_headers_at_once() -> None:
    with FakeRuntimeApi(Event()) as api:

        def body() -> Iterator[str]:
            yield ""
            api.wait_for(lambda: api.received.endswith(b"\r\n\r\n5d\r\n%b\r\n" % PRELUDE))
            yield "late"

        run(api, lambda event, context: Response(body()))

    assert api.replies[0].chunks == [PRELUDE, b"late"]


def test_a_chunk_of_several_megabytes_arrives_whole() -> None:
    large = bytes(range(256)) * 20_000

    assert streamed([large, "end"]).chunks == [PRELUDE, large, b"end"]


def test_status_headers_and_cookies_are_in_the_prelude() -> None:
    reply = streamed(
        "x", status_code=201, headers={"Content-Type": "text/plain", "x-a": "1, 2"}, cookies=["a=b", "c=d"]
    )
    document, nuls, rest = reply.chunks[0].partition(b"\0" * 8)

    assert (nuls, rest) == (b"\0" * 8, b"")
    assert json.loads(document) == {
        "statusCode": 201,
        "headers": {"Content-Type": "text/plain", "x-a": "1, 2"},
        "cookies": ["a=b", "c=d"],
    }


@pytest.mark.parametrize("status_code", [204, 304])
def test_a_reply_that_has_no_body_has_no_type_of_it(status_code: int) -> None:
    """A cache would take that of a 304 for the type of what it keeps."""
    document = json.loads(streamed(b"", status_code=status_code).chunks[0].rstrip(b"\0"))

    assert document == {"statusCode": status_code, "headers": {}, "cookies": []}


def test_no_text_can_forge_the_delimiter() -> None:
    """JSON escapes NUL and line breaks, so eight NULs in a header value stay inside the document."""
    prelude = Response(headers={"x": "\0" * 8 + "\r\n"}).prelude()

    assert prelude.count(b"\0") == 8
    assert json.loads(prelude[:-8])["headers"]["x"] == "\0" * 8 + "\r\n"


@pytest.mark.parametrize("status", [200, 204, 404, 599])
def test_status_codes_that_are_allowed(status: int) -> None:
    assert json.loads(Response(status_code=status).prelude()[:-8])["statusCode"] == status


@pytest.mark.parametrize("status", [100, 199, 600, 0, -200, True, "200", 200.0, None])
def test_status_codes_that_are_not(status: Any) -> None:
    with pytest.raises(ValueError, match=r"^status_code must be an int from 200 to 599, not "):
        Response(status_code=status)


@pytest.mark.parametrize(
    "options", [{"headers": {"x": 1}}, {"headers": {1: "x"}}, {"headers": {"x": None}}, {"cookies": [b"a=b"]}]
)
def test_headers_and_cookies_are_text(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"^header names, header values and cookies must be str, not "):
        Response(**options)


def test_one_cookie_that_is_no_list_is_refused() -> None:
    """A str is a sequence of str too: each letter would become a cookie."""
    with pytest.raises(TypeError, match=r"^cookies must be a list of Set-Cookie values, not one str$"):
        Response(cookies="a=b")


def test_a_response_keeps_its_own_copy_of_headers_and_cookies() -> None:
    headers, cookies = {"x": "1"}, ["a=b"]
    response = Response(headers=headers, cookies=cookies)
    headers["x"], cookies[0] = "2", "c=d"

    assert (response.headers, response.cookies) == ({"x": "1"}, ["a=b"])


def raw() -> Iterator[Any]:
    yield "one"
    yield b"two"


async def raw_async() -> AsyncIterator[Any]:
    yield "one"
    yield b"two"


async def returning_a_generator(event: Any, context: Any) -> Iterator[Any]:
    return raw()


async def yielding(event: Any, context: Any) -> AsyncIterator[Any]:
    yield "one"
    yield b"two"


def yielding_sync(event: Any, context: Any) -> Iterator[Any]:
    yield "one"
    yield b"two"


@pytest.mark.parametrize(
    "handler",
    [lambda event, context: raw(), lambda event, context: raw_async(), returning_a_generator, yielding, yielding_sync],
    ids=["sync", "async", "from a coroutine", "async handler that yields", "handler that yields"],
)
def test_generators_are_streamed_raw(handler: Callable[[Any, Any], Any]) -> None:
    """No prelude: the caller of the function gets just these bytes."""
    (reply,) = serve(handler)

    assert reply.header("content-type") == "application/octet-stream"
    assert reply.header("lambda-runtime-function-response-mode") == "streaming"
    assert reply.header("trailer") == TRAILERS
    assert reply.raw.endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


def test_a_generator_that_yields_nothing_is_an_empty_stream() -> None:
    (reply,) = serve(lambda event, context: iter([]))

    assert reply.raw.endswith(b"\r\n\r\n0\r\n\r\n")
    assert (reply.ended, reply.chunks) == (True, [])


async def async_response(event: Any, context: Any) -> Response:
    return Response(asynchronous(["one"]))


async def async_response_with_a_plain_body(event: Any, context: Any) -> Response:
    return Response(["one"])


@pytest.mark.parametrize("handler", [async_response, async_response_with_a_plain_body])
def test_an_async_handler_returns_a_response(handler: Callable[[Any, Any], Any]) -> None:
    (reply,) = serve(handler)

    assert reply.chunks == [PRELUDE, b"one"]


def test_a_streamed_reply_closes_its_connection_and_any_other_keeps_it() -> None:
    """AWS: "Close the underlying connection after it has successfully written the response."""
    results: dict[str, Any] = {"stream": Response("x"), "document": {}, "generator": raw, "error": object()}

    def handler(event: Any, context: Any) -> Any:
        result = results[event]
        return result() if callable(result) else result

    names = ["document", "error", "document", "stream", "document", "generator", "stream"]
    with FakeRuntimeApi(*(Event(body=json.dumps(name).encode()) for name in names)) as api:
        run(api, handler)

    assert [(request.endpoint, request.connection) for request in api.requests] == [
        ("next", 0),
        ("response", 0),
        ("next", 0),
        ("error", 0),
        ("next", 0),
        ("response", 0),
        ("next", 0),
        ("response", 0),
        ("next", 1),
        ("response", 1),
        ("next", 1),
        ("response", 1),
        ("next", 2),
        ("response", 2),
        ("next", 3),
    ]
