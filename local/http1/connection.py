"""One connection of a viewer or an SDK: requests in, one after the other, and an ASGI application's responses out.

What hop this is: `viewer -> [http1.connection] -> exchange -> front`, and the same before `aws_endpoint`.

What the real service does: CloudFront and function URLs answer HTTP/1.1 with keep-alive, and give up a client that
does not finish its request (how long they wait is documented for neither).

What differs here, on purpose:
1. what is no HTTP is answered with a status and a sentence, and the connection ends; so is a head that is not whole
   20 s after its first byte (408). How long a body may take, the application says;
2. an answer that ends the connection is not lost in what the other side still sends: that is read for a moment more.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass
from socket import SO_LINGER, SOL_SOCKET
from typing import cast
from urllib.parse import unquote

from local.asgi import ASGIApp, Scope
from local.http1.exchange import Exchange
from local.http1.request_reader import BadRequestError, RequestHead, RequestReader
from local.http1.response_head import ResponseHead

_NO_LINGERING = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds the other side may take."""

    head: float = 20.0  # from its first byte to its last
    next_request: float = 75.0  # to its first byte, and for what is left of a body that nobody wants
    last_bytes: float = 1.0  # that come after an answer which ends the connection


class Connection(asyncio.Protocol):
    """Serves *app*; *connections* has all of them that are open."""

    def __init__(self, app: ASGIApp, connections: set[Connection], patience: Patience) -> None:
        self._app = app
        self._connections = connections
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._reader = RequestReader(self)
        self._exchange: Exchange | None = None  # the request that is being read or answered
        self._task: asyncio.Task[None] | None = None
        self.slow = False
        self._drained = asyncio.Event()  # where the other side is slow
        self._ended = asyncio.Event()
        self._closing = False
        self._closes_when_idle = False

    # Called by the server

    def finish(self) -> None:
        """End with the response that is being made, at once where there is none."""
        self._closes_when_idle = True
        if self._exchange:
            self._exchange.close_after()
        else:
            self._transport.close()

    def abort(self) -> None:
        """End now."""
        self._transport.abort()
        if self._task:
            self._task.cancel()

    async def ended(self) -> None:
        """Return when the connection is lost and its last application has returned."""
        await self._ended.wait()

    # Protocol interface

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class has the methods, not the base
        self._connections.add(self)
        peer, here = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        self._scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "scheme": "http",
            "root_path": "",
            "client": peer[:2] if peer else None,
            "server": here[:2],
        }
        self._waits_since = self._loop.time()
        self._timer = self._loop.call_later(self._patience.head, self._look)

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        was_in_head = self._reader.in_head
        self._reader.feed(data)
        if self._reader.in_head and not was_in_head:
            self._waits_since = self._loop.time()
        if self._reader.backlog or (self._exchange and self._exchange.full):
            self._transport.pause_reading()

    def eof_received(self) -> None:
        if not self._closing:
            self._reader.end()
        # And the transport closes: a viewer that has said its last word has left.

    def connection_lost(self, error: Exception | None) -> None:
        self._timer.cancel()
        self.resume_writing()
        if self._exchange:
            self._exchange.disconnect()
        if self._task and not self._task.done():
            self._task.add_done_callback(self._end)
        else:
            self._end()

    def pause_writing(self) -> None:
        self.slow = True
        self._drained.clear()

    def resume_writing(self) -> None:
        self.slow = False
        self._drained.set()

    # Called by the reader

    def request_begun(self, head: RequestHead) -> None:
        path, query = _path_and_query(head)
        scope = {
            **self._scope,
            "http_version": head.http_version,
            "method": head.method,
            "path": unquote(path.decode("latin-1")) if b"%" in path else path.decode("latin-1"),
            "raw_path": path,
            "query_string": query,
            "headers": head.headers,
        }
        self._exchange = Exchange(self, head, scope)
        if self._closes_when_idle:
            self._exchange.close_after()
        self._task = self._loop.create_task(self._exchange.run(self._app))

    def body_came(self, data: bytes) -> None:
        if self._exchange:
            self._exchange.body_came(data)

    def request_ended(self, trailers: object) -> None:
        if self._exchange:
            self._exchange.request_ended()
            if self._exchange.complete:
                self._next_request()

    def request_broken(self, error: BadRequestError) -> None:
        if self._exchange:
            self._exchange.disconnect()
        if self._exchange and self._exchange.started:
            self._transport.close()
        else:
            self._refuse(error.status, f"{error}.\n")

    # Called by the exchange

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    async def drained(self) -> None:
        await self._drained.wait()

    def take_more(self) -> None:
        self._transport.resume_reading()

    def response_ended(self, *, keep_alive: bool) -> None:
        assert self._exchange is not None
        if not keep_alive:
            self._close_after_answer(whole=self._exchange.request_whole)
        elif self._exchange.request_whole:
            self._next_request()
        else:
            self.take_more()  # the rest of a body that nobody wants, for the next request is behind it

    def cut(self, *, abruptly: bool) -> None:
        """The response does not go on: the other side must not take it for whole."""
        if self._closing:
            return
        if abruptly:  # where the end of the connection is the end of the body, only a reset tells
            self._transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, _NO_LINGERING)
        self._transport.close()

    # Inside

    def _end(self, _: object = None) -> None:
        self._connections.discard(self)
        self._ended.set()

    def _next_request(self) -> None:
        self._exchange = None
        self._waits_since = self._loop.time()
        if self._closes_when_idle:
            self._transport.close()
            return
        self._reader.go_on()
        if not self._reader.backlog:
            self._transport.resume_reading()

    def _refuse(self, status: int, sentence: str) -> None:
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(sentence))]
        head = ResponseHead(status, headers, is_head=False, http_version="1.1", keep_alive=False)
        self.write(head.bytes + sentence.encode())
        self._close_after_answer(whole=False)

    def _close_after_answer(self, *, whole: bool) -> None:
        """Close; where not the *whole* request was read, bytes of it that come after a close would reset the connection
        and the answer with it, so they are waited for a moment."""
        self._closing = True
        if self._transport.is_closing() or (whole and not self._reader.backlog):
            self._transport.close()
        else:
            self._transport.write_eof()
            self._transport.resume_reading()
            self._loop.call_later(self._patience.last_bytes, self._transport.close)

    def _look(self) -> None:
        """Whether the other side has taken too long. One timer at a time is set, whatever comes and goes."""
        now, (seconds, expire) = self._loop.time(), self._limit()
        due = self._waits_since + seconds
        if expire and due <= now:
            expire()
        else:
            soon = now + self._patience.head  # no limit that begins after now is over before
            self._timer = self._loop.call_at(min(due, soon) if expire else soon, self._look)

    def _limit(self) -> tuple[float, Callable[[], None] | None]:
        """How long the other side may take now, and what then; nothing while it is not its turn."""
        if self._closing:
            return 0.0, None
        if self._exchange is None:
            if self._reader.in_request:
                return self._patience.head, self._too_slow
            return self._patience.next_request, self._transport.close
        if self._exchange.complete:
            return self._patience.next_request, self._transport.close
        return 0.0, None

    def _too_slow(self) -> None:
        self.request_broken(BadRequestError(408, "the rest of the request did not come in time"))


def _path_and_query(head: RequestHead) -> tuple[bytes, bytes]:
    """Both as they were sent, of a target in origin form or, as for a proxy, with a host; a fragment is no part of it.

    A host in the target takes the place of the header's: https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
    """
    target = head.target.partition(b"#")[0]
    if not target.startswith(b"/") and target[:7].lower() == b"http://":
        authority, _, rest = target[7:].partition(b"/")
        host = (b"host", authority.rpartition(b"@")[2])
        head.headers[:] = [host, *(header for header in head.headers if header[0] != b"host")]
        target = b"/" + rest
    path, _, query = target.partition(b"?")
    return path, query
