"""A server on raw sockets that knows one kind of request: what Python can do at most with one write an event.

`python raw_server.py PORT`
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

from events import asked, told_async

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class Stream(asyncio.Protocol):
    """One connection: a request, its events, the next request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._writable = asyncio.Event()
        self._writable.set()
        self._received = b""
        self._task: asyncio.Task[None] | None = None

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._received.endswith(b"\r\n\r\n"):
            query_string = self._received.split(b" ", 2)[1].partition(b"?")[2].decode()
            self._received = b""
            self._task = asyncio.get_running_loop().create_task(self._tell(query_string))

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, error: Exception | None) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _tell(self, query_string: str) -> None:
        self._transport.write(HEAD)
        async for event in told_async(asked(query_string)):
            await self._writable.wait()
            self._transport.write(b"%x\r\n%b\r\n" % (len(event), event.encode()))
        self._transport.write(b"0\r\n\r\n")


async def main() -> None:
    """Serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Stream, "127.0.0.1", int(sys.argv[1]), backlog=2048)
    await server.serve_forever()


uvloop.run(main())
