"""A Runtime API on a real socket: it gives scripted events and keeps every byte that a runtime sends back.

h11 parses the requests, so what it accepts has been checked by somebody else's rules. One connection at a time, as one
execution environment uses it. Where the script ends the Runtime API is gone: the next `next` finds a closed connection.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import h11
import pytest

from lambda_runtime.client import Client, RuntimeApiError
from lambda_runtime.handler import is_async
from lambda_runtime.logging_hook import LoggingHook
from lambda_runtime.loop import Loop

Handler = Callable[[Any, Any], Any]
DEADLINE_SECONDS = 10
REQUEST_ID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:story"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What `next` answers, and what then happens to the reply.

    *headers* are added to the usual ones, and a value of "" takes one away. *chunked* frames the event as Go's server
    does for a large one. *holds* reads no more than the head of the reply until `resume`. *cut_after* closes the
    connection once so many bytes of the body have come. *early* answers when the head is there and reads nothing else.
    """

    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    time_left_ms: int = 30_000
    chunked: bool = False
    status: int = 202
    answer: bytes = b'{"status":"OK"}\n'
    holds: bool = False
    cut_after: int | None = None
    early: bool = False

    def fields(self) -> dict[str, str]:
        usual = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": REQUEST_ID,
            "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + self.time_left_ms),
            "Lambda-Runtime-Invoked-Function-Arn": FUNCTION_ARN,
        }
        return {name: value for name, value in {**usual, **self.headers}.items() if value}


@dataclass(slots=True)
class Request:
    """One request of the runtime.

    *pieces* are its bytes as they were received, which shows what came in one write; *chunks* are the HTTP chunks of
    its body; *ended* says that none of it is missing.
    """

    connection: int
    pieces: list[bytes] = field(default_factory=list)
    method: str = ""
    target: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    chunks: list[bytes] = field(default_factory=list)
    trailers: dict[str, str] = field(default_factory=dict)
    ended: bool = False

    @property
    def raw(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    @property
    def endpoint(self) -> str:
        """`next`, `response` or `error`."""
        return self.target.rpartition("/")[2]

    def header(self, name: str) -> str | None:
        """The value of a header that may be there once."""
        values = [value for key, value in self.headers if key == name.lower()]
        assert len(values) < 2
        return values[0] if values else None


class FakeRuntimeApi:
    """Listens from `with` on; *requests* are what has come so far, the last of them perhaps not yet whole."""

    def __init__(self, *events: Event) -> None:
        self.requests: list[Request] = []
        self._events = deque(events)
        self._current = Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._changed = threading.Condition()
        self._reading = threading.Event()
        self._closed = False
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._connection: socket.socket | None = None

    def __enter__(self) -> FakeRuntimeApi:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._reading.set()
        for open_socket in filter(None, (self._listener, self._connection)):
            with suppress(OSError):  # the other side was first
                open_socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits on it
            open_socket.close()
        self._thread.join(DEADLINE_SECONDS)
        if self._failure:
            raise self._failure

    @property
    def replies(self) -> list[Request]:
        """What the runtime sent, without its calls of `next`."""
        return [request for request in self.requests if request.method == "POST"]

    @property
    def received(self) -> bytes:
        """All bytes of the newest request so far."""
        return self.requests[-1].raw if self.requests else b""

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Return as soon as *condition* holds; it is looked at again whenever bytes have come."""
        with self._changed:
            assert self._changed.wait_for(condition, DEADLINE_SECONDS), f"not in time: {self.received!r}"

    def resume(self) -> None:
        """Read on after an event that `holds`."""
        self._reading.set()

    @property
    def reading(self) -> bool:
        """Whether `resume` has been called."""
        return self._reading.is_set()

    def _run(self) -> None:
        try:
            for number in range(100):
                self._connection, _ = self._listener.accept()
                self._connection.settimeout(DEADLINE_SECONDS)
                with self._connection:
                    self._serve(number)
        except ConnectionError:
            pass  # the runtime hung up in the middle of an answer
        except BaseException as error:  # noqa: BLE001 - shown by __exit__, in the test's own thread
            if not self._closed:
                self._failure = error
        finally:
            self._listener.close()  # whoever still waits for an answer learns that none will come

    def _serve(self, number: int) -> None:
        http = h11.Connection(h11.SERVER, max_incomplete_event_size=2 * 1024 * 1024)
        while (request := self._read(http, number)) and self._answer(http, request):
            http.start_next_cycle()

    def _read(self, http: h11.Connection, number: int) -> Request | None:
        """The next request; None when the connection has ended, or is to."""
        request = Request(number)
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                if request.method == "POST" and self._current.holds:
                    assert self._reading.wait(DEADLINE_SECONDS), "nobody resumed"
                data = self._receive()
                if not data:
                    return None
                self._note(request, data)
                http.receive_data(data)
            elif isinstance(event, h11.ConnectionClosed):
                return None
            elif isinstance(event, h11.EndOfMessage):
                request.trailers = {name.decode(): value.decode() for name, value in event.headers}
                request.ended = True
                return request
            else:
                self._take(request, event)
                if self._is_cut(request):
                    return request if self._current.early else None

    def _receive(self) -> bytes:
        assert self._connection is not None
        try:
            return self._connection.recv(64 * 1024)
        except ConnectionResetError:
            return b""

    def _note(self, request: Request, data: bytes) -> None:
        with self._changed:
            if not request.pieces:
                self.requests.append(request)
            request.pieces.append(data)
            self._changed.notify_all()

    def _take(self, request: Request, event: object) -> None:
        with self._changed:
            if isinstance(event, h11.Request):
                request.method, request.target = event.method.decode(), event.target.decode()
                request.headers = [(name.decode(), value.decode()) for name, value in event.headers]
            elif isinstance(event, h11.Data):
                if event.chunk_start or not request.chunks:
                    request.chunks.append(b"")
                request.chunks[-1] += bytes(event.data)
            self._changed.notify_all()

    def _is_cut(self, request: Request) -> bool:
        if request.method != "POST":
            return False
        limit = self._current.cut_after
        return self._current.early or (limit is not None and len(request.body) >= limit)

    def _answer(self, http: h11.Connection, request: Request) -> bool:
        """Answer *request*; False when that ends the connection."""
        if request.method == "POST":
            status, body, fields = self._current.status, self._current.answer, {"Content-Type": "application/json"}
        elif self._events:
            self._current = self._events.popleft()
            status, body, fields = 200, self._current.body, self._current.fields()
        else:
            return False
        self._send(http, status, fields, body)
        return http.our_state is h11.DONE and http.their_state is h11.DONE

    def _send(self, http: h11.Connection, status: int, fields: dict[str, str], body: bytes) -> None:
        assert self._connection is not None
        if self._current.chunked:
            framing, pieces = {"Transfer-Encoding": "chunked"}, [body[i : i + 7] for i in range(0, len(body), 7)]
        else:
            framing, pieces = {"Content-Length": str(len(body))}, [body]
        headers = [(name.encode(), value.encode()) for name, value in {**fields, **framing}.items()]
        head = h11.Response(status_code=status, headers=headers)
        events = [head, *(h11.Data(data=piece) for piece in pieces), h11.EndOfMessage()]
        self._connection.sendall(b"".join(http.send(event) or b"" for event in events))
        if http.their_state is h11.SEND_BODY:
            self._connection.shutdown(socket.SHUT_WR)  # first, so that the answer is not lost with the unread request


def run(api: FakeRuntimeApi, handler: Handler, *, buffers: bool = False) -> None:
    """Serve all events of *api* with the runtime's loop, in this thread."""
    loop = Loop(Client(api.address), handler, LoggingHook(), starts_async=is_async(handler), buffers=buffers)
    try:
        with pytest.raises(RuntimeApiError, match="closed the connection"):
            loop.run()
    finally:
        if loop._async:
            loop._async._runner.close()


def serve(handler: Handler, *events: Event, buffers: bool = False) -> list[Request]:
    """What the runtime sent for each of *events*, by default a plain one."""
    with FakeRuntimeApi(*(events or [Event()])) as api:
        run(api, handler, buffers=buffers)
    return api.replies
