"""What the runtime makes of the Runtime API's answers: of events in every framing, of refusals, of silence."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lambda_runtime.client import Client, RuntimeApiError
from lambda_runtime.http1 import Connection, ConnectionLostError
from lambda_runtime.logging_hook import LoggingHook
from lambda_runtime.loop import Loop
from lambda_runtime.response import Response
from tests.function.fake_runtime_api import Event, FakeRuntimeApi, serve


def echo(event: Any, context: Any) -> Any:
    return event


def fail(event: Any, context: Any) -> None:
    raise ValueError("no")


def stream(event: Any, context: Any) -> Response:
    return Response(["one"])


@pytest.fixture
def once() -> Iterator[Callable[[bytes], str]]:
    """Gives the address of a server that sends these bytes to whoever connects, and hangs up."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(answer: bytes) -> str:
        listener = socket.create_server(("127.0.0.1", 0))

        def send() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(answer)
                connection.shutdown(socket.SHUT_WR)
                connection.recv(1000)

        listeners.append(listener)
        threads.append(threading.Thread(target=send))
        threads[-1].start()
        return f"127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for thread, listener in zip(threads, listeners, strict=True):
        thread.join(5)
        listener.close()


# Events


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("event", [{}, {"text": "ä🐌"}, ["x" * 300_000], None, 1.5])
def test_events_in_both_framings(chunked: bool, event: Any) -> None:
    """With a Content-Length, and in chunks as Go's server sends a large one."""
    body = json.dumps(event).encode()
    first, second = serve(echo, Event(body=body, chunked=chunked), Event(body=b"2", chunked=chunked))

    assert [json.loads(first.body), json.loads(second.body)] == [event, 2]


@pytest.mark.parametrize(
    "pieces",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nhe\r\n3;ext=1\r\nllo\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTRANSFER-ENCODING: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Trailer: 1\r\nY: 2\r\n\r\n",
    ],
)
def test_answers_are_read_however_they_are_cut(pieces: bytes) -> None:
    """One byte at a time."""
    ours, theirs = socket.socketpair()
    with ours, theirs, FakeRuntimeApi() as api:
        connection = Connection(api.address)
        connection.close()
        connection.socket = ours

        def send() -> None:
            for byte in pieces + b"HTTP/1.1 202 Accepted\r\n\r\n":
                theirs.sendall(bytes([byte]))

        sender = threading.Thread(target=send)
        sender.start()
        status, _, body = connection.read_answer()
        assert (status, body) == (200, b"hello")
        assert connection.read_answer() == (202, {}, b"")
        sender.join()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "the Runtime API closed the connection"),
        (b"HTTP/1.1 200 OK\r\ncontent-le", "the Runtime API closed the connection"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell", "the Runtime API closed the connection"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n", "the Runtime API closed the connection"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "not an HTTP answer: 'SSH-2.0-OpenSSH'"),
        (b"HTTP/1.1 okay\r\n\r\n", "not an HTTP answer: 'HTTP/1.1 okay'"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: five\r\n\r\n", "not an HTTP answer: 'HTTP/1.1 200 OK'"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n", "not an HTTP answer: 'HTTP/1.1 200 OK'"),
    ],
)
def test_what_is_no_whole_answer_is_a_lost_connection(answer: bytes, reason: str, once: Callable[[bytes], str]) -> None:
    address = once(answer)

    with pytest.raises(RuntimeApiError) as caught:
        Client(address).next()
    assert str(caught.value) == f"the Runtime API at {address} is gone: {reason}"
    assert isinstance(caught.value.__cause__, ConnectionLostError)


def test_an_answer_to_next_that_is_no_event_ends_the_runtime(once: Callable[[bytes], str]) -> None:
    client = Client(once(b"HTTP/1.1 403 Forbidden\r\nconnection: Close\r\ncontent-length: 2\r\n\r\n{}"))

    with pytest.raises(RuntimeApiError, match=r"^the Runtime API refused to give an event: 403 b'{}'$"):
        client.next()


@pytest.mark.parametrize("address", ["", "localhost", "localhost:", "localhost:http"])
def test_an_address_without_a_port(address: str) -> None:
    with pytest.raises(RuntimeApiError) as caught:
        Client(address).next()

    assert str(caught.value) == f"the Runtime API at {address} is gone: {address!r} is not host:port"


# Answers to replies


@pytest.mark.parametrize("handler", [echo, stream, fail])
@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (400, b'{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}\n'),
        (403, b'{"errorType":"InvalidStateTransition"}'),
        (410, b'{"errorMessage":"Invoke timeout","errorType":"InvokeTimeout"}\n'),
        (413, b"\xff"),
    ],
)
def test_a_refused_reply_is_logged_and_the_loop_goes_on(
    handler: Any, status: int, answer: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    refused, following = serve(handler, Event(status=status, answer=answer), Event())

    assert refused.endpoint == following.endpoint
    assert following.ended
    lines = [line for line in capsys.readouterr().out.split("\n") if line.startswith("[WARN]")]
    assert lines == [f"[WARN] the Runtime API refused the reply: {status} {answer.decode(errors='replace').strip()}"]


def test_an_accepted_reply_leaves_nothing_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    serve(stream, Event(), Event())
    serve(echo, Event(), Event())

    assert capsys.readouterr().out == ""


def test_a_reply_refused_before_it_was_read_is_no_lost_runtime_api(capsys: pytest.CaptureFixture[str]) -> None:
    """A 413 may come while megabytes are still to be sent; the next event comes over a new connection."""
    results = iter(["x" * 8_000_000, "the next one"])
    _, following = serve(
        lambda event, context: next(results), Event(early=True, status=413, answer=b"too large"), Event()
    )

    assert (json.loads(following.body), following.connection) == ("the next one", 1)
    assert capsys.readouterr().out == "[WARN] the Runtime API refused the reply: 413 too large\n"


@pytest.mark.parametrize("handler", [echo, stream, fail])
def test_a_non_recoverable_state_ends_the_runtime(handler: Any) -> None:
    """AWS: 500 is a "non-recoverable state. Runtime should exit promptly"."""
    with FakeRuntimeApi(Event(status=500, answer=b"{}"), Event()) as api:
        client = Client(api.address)
        loop = Loop(client, handler, LoggingHook(), starts_async=False, buffers=False)
        with pytest.raises(RuntimeApiError, match=r"^the Runtime API calls its state non-recoverable: 500 b'{}'$"):
            loop.run()
        if client._connection:
            client._connection.close()

    assert [request.endpoint for request in api.requests].count("next") == 1


# The environment of one invocation


def test_the_trace_id_is_that_of_the_invocation_or_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=old")

    replies = serve(
        lambda event, context: os.environ.get("_X_AMZN_TRACE_ID"),
        Event(headers={"Lambda-Runtime-Trace-Id": "Root=1;Sampled=1"}),
        Event(),
        Event(headers={"Lambda-Runtime-Trace-Id": "Root=2"}),
    )

    assert [json.loads(reply.body) for reply in replies] == ["Root=1;Sampled=1", None, "Root=2"]
