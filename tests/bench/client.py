"""The load client: HTTP/1.1 on raw sockets, under uvloop, with httptools for the framing and nothing else in the way.

Times are nanoseconds of the monotonic clock, read once for each piece that the socket gives.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import TracebackType

import httptools

Sink = Callable[[int, bytes], object]
DEADLINE_SECONDS = 120


class ReplyError(Exception):
    """A server did not answer as it should have."""


class Connection(asyncio.Protocol):
    """One connection that asks one request after the other; it is opened again where the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._reply: asyncio.Future[int] | None = None

    async def __aenter__(self) -> Connection:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def connect(self) -> None:
        """Open it, unless it is; so that a request need not wait for that."""
        if self._transport is None:
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: self, "127.0.0.1", self._port)

    async def ask(self, request: bytes, sink: Sink) -> int:
        """Send *request*, give the time and each piece of the body to *sink*, and return when it was sent.

        Raises `ReplyError` for another status than 200, for a reply that is cut short, and for one that takes too long.
        """
        await self.connect()
        assert self._transport is not None
        self._reply = asyncio.get_running_loop().create_future()
        self._sink = sink
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append  # called by the parser, from C to C
        self._parser = httptools.HttpResponseParser(self)
        sent_ns = time.monotonic_ns()
        self._transport.write(request)
        try:
            status = await asyncio.wait_for(self._reply, DEADLINE_SECONDS)
        except TimeoutError:
            self.close()
            raise ReplyError(f"no end of the reply within {DEADLINE_SECONDS} s") from None
        if status != 200:
            raise ReplyError(f"status {status}")
        return sent_ns

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        now_ns = time.monotonic_ns()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"the reply is no HTTP: {error}")
        if self._pieces:
            self._sink(now_ns, b"".join(self._pieces))
            self._pieces.clear()

    def on_message_complete(self) -> None:
        if self._reply is not None and not self._reply.done():
            self._reply.set_result(self._parser.get_status_code())

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._fail("the connection was closed in the middle of a reply")

    def _fail(self, sentence: str) -> None:
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(ReplyError(sentence))
