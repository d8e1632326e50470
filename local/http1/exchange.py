"""One request and its response, as an ASGI application sees them.

What hop this is: `http1.connection -> [exchange] -> front, aws_endpoint`.

What is followed: https://asgi.readthedocs.io/en/stable/specs/www.html. `send` waits while the other side is slow, and
after a disconnect it takes what comes and drops it. `receive` gives what of the body has come, and then waits for the
end of the response or of the connection, whichever is first.

What differs here, on purpose:
1. an application that returns in the middle of its response means it: that is how a reply which was cut short is shown
   to the viewer, as a connection that ends before the body does.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from local.asgi import WHOLE_BODY, ASGIApp, Message, Scope
from local.http1.request_reader import RequestHead
from local.http1.response_head import Framing, ResponseHead

HIGH_WATER_BYTES = 64 * 1024
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_FAILED = b"Internal Server Error"
_logger = logging.getLogger(__name__)


class Wire(Protocol):
    """The connection below."""

    slow: bool  # it holds as much as it should for the other side, until it is `drained`

    def write(self, data: bytes) -> None: ...
    async def drained(self) -> None: ...
    def take_more(self) -> None: ...
    def response_ended(self, *, keep_alive: bool) -> None: ...
    def cut(self, *, abruptly: bool) -> None: ...


class Exchange:
    """The request that *head* begins; `run` answers it with an application."""

    def __init__(self, wire: Wire, head: RequestHead, scope: Scope) -> None:
        self.started = False
        self.complete = False  # the response
        self.request_whole = False
        self._wire = wire
        self._scope = scope
        self._is_head = head.method == "HEAD"
        self._http_version = head.http_version
        self._keep_alive = head.keep_alive
        self._awaits_continue = head.expects_continue
        self._body: list[bytes] = []
        self._held_bytes = 0
        self._request_told = False  # the application knows that it is
        self._disconnected = False
        self._news = asyncio.Event()
        self._head = b""  # of the response, until what comes next leaves with it
        self._framing = Framing.NO_BODY
        self._missing_bytes = 0  # of a body with a length

    # The connection's side

    @property
    def full(self) -> bool:
        """Whether as much of the body is held here as should be."""
        return self._held_bytes >= HIGH_WATER_BYTES

    def body_came(self, data: bytes) -> None:
        if not self.complete:
            self._body.append(data)
            self._held_bytes += len(data)
            self._news.set()

    def request_ended(self) -> None:
        self.request_whole = True
        self._news.set()

    def disconnect(self) -> None:
        self._disconnected = True
        self._news.set()

    def close_after(self) -> None:
        """Serve no other request on this connection."""
        self._keep_alive = False

    async def run(self, app: ASGIApp) -> None:
        """Call *app*; what it raises is logged, and answered with a 500 as long as nothing else was."""
        if self.request_whole and not self._disconnected:
            self._scope["extensions"] = {WHOLE_BODY: {"body": b"".join(self._body)}}
            self._awaits_continue = False
        try:
            await app(self._scope, self.receive, self.send)
        except Exception:
            _logger.exception("%s %s failed", self._scope["method"], self._scope["path"])
            await self._fail()
        else:
            if not (self.started or self._disconnected):
                _logger.error("%s %s was not answered", self._scope["method"], self._scope["path"])
                await self._fail()
        finally:
            if not self.complete:
                self._write(b"")
                self._wire.cut(abruptly=self._framing is Framing.UNTIL_CLOSE)

    # The application's side

    async def receive(self) -> Message:
        if self._awaits_continue:
            self._awaits_continue = False
            if not self.started:
                self._wire.write(_CONTINUE)
        while not (self._disconnected or self.complete):
            if self._body or (self.request_whole and not self._request_told):
                return self._request_message()
            self._news.clear()
            await self._news.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take the next part of the response. Raises `RuntimeError` and `ValueError` for a wrong one."""
        if self._wire.slow:
            await self._wire.drained()
        if self._disconnected:
            return
        kind, expected = message["type"], "http.response.body" if self.started else "http.response.start"
        if kind != expected or self.complete:
            raise RuntimeError(f"{kind} comes after the end of the response, or before {expected}")
        if kind == "http.response.start":
            self._start(message)
        else:
            self._send_body(message.get("body", b""), more_body=message.get("more_body", False))

    # Inside

    def _request_message(self) -> Message:
        data, self._body = b"".join(self._body), []
        was_full, self._held_bytes = self.full, 0
        if was_full:
            self._wire.take_more()
        self._request_told = self.request_whole
        return {"type": "http.request", "body": data, "more_body": not self.request_whole}

    def _start(self, message: Message) -> None:
        # A client that still waits for leave to send its body may or may not send it now: nobody could tell.
        keep_alive = self._keep_alive and not self._awaits_continue
        head = ResponseHead(
            message["status"],
            message.get("headers", ()),
            is_head=self._is_head,
            http_version=self._http_version,
            keep_alive=keep_alive,
        )
        self.started, self._keep_alive = True, head.keep_alive
        self._framing, self._missing_bytes = head.framing, head.length
        self._head = head.bytes
        asyncio.get_running_loop().call_soon(self._write, b"")  # at the latest; a body that is there already is sooner

    def _send_body(self, data: bytes, *, more_body: bool) -> None:
        if self._framing is Framing.CHUNKED:
            framed = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
            self._write(framed if more_body else framed + b"0\r\n\r\n")
        elif self._framing is Framing.UNTIL_CLOSE:
            self._write(data)
        elif self._framing is Framing.LENGTH:
            self._missing_bytes -= len(data)
            if self._missing_bytes < 0 or (self._missing_bytes and not more_body):
                raise RuntimeError("the body is not as long as its content-length says")
            self._write(data)
        if not more_body:
            self._write(b"")
            self.complete = True
            self._body, self._held_bytes = [], 0  # nobody will ask for it
            self._news.set()
            self._wire.response_ended(keep_alive=self._keep_alive)

    def _write(self, data: bytes) -> None:
        if self._head:
            data, self._head = self._head + data, b""
        if data:
            self._wire.write(data)

    async def _fail(self) -> None:
        if not self.started:
            headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(_FAILED))]
            await self.send({"type": "http.response.start", "status": 500, "headers": headers})
            await self.send({"type": "http.response.body", "body": _FAILED, "more_body": False})
