"""Async handlers and bodies: an event loop that lives as long as the execution environment.

What this is: `loop -> [aio] -> handler's coroutine, async body -> replies.Reply -> Runtime API`.

What the real service does: nothing here is Lambda's; its Python runtime knows no async handlers. While the runtime
waits for the next event the loop stands still, as everything in a frozen environment does; tasks that were left running
go on with the next event.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

from lambda_runtime import replies
from lambda_runtime.client import ReplyLostError

if TYPE_CHECKING:
    import socket

    from lambda_runtime.client import Invocation
    from lambda_runtime.response import Chunk


class AsyncSide:
    """Runs the asynchronous half of an invocation on one event loop; every method blocks until it is done."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def result_of(self, awaitable: Awaitable[object], invocation: Invocation) -> object:
        """What *awaitable* gives. Raises `Fault` at the deadline, after cancelling it."""
        return self._runner.run(_before_deadline(awaitable, replies.seconds_left(invocation)))

    def stream(self, reply: replies.Reply) -> None:
        """Send an async body item by item, and end the reply."""
        failure: BaseException | None = None
        try:
            self._runner.run(_send_all(reply))
        except Exception as error:  # noqa: BLE001 - a failing body becomes error trailers
            failure = error
        if reply.stream:
            reply.stream.connection.socket.setblocking(True)
        reply.end(failure)

    def collect(self, body: AsyncIterable[Chunk], invocation: Invocation) -> list[bytes]:
        """All chunks of *body*, for a caller that cannot stream. Raises `Fault` at the deadline."""
        chunks = cast("Awaitable[list[bytes]]", _collect(body))
        return cast("list[bytes]", self.result_of(chunks, invocation))


async def _send_all(reply: replies.Reply) -> None:
    loop = asyncio.get_running_loop()
    body = cast("AsyncIterable[Chunk]", reply.body)
    async with _closing(body), _deadline(reply.seconds_left()):
        async for item in body:
            opened = reply.stream is not None
            frame = reply.frame(item)
            assert reply.stream is not None
            connection = cast("socket.socket", reply.stream.connection.socket)  # the C class that it wraps
            if not opened:
                connection.setblocking(False)
            try:
                # Tried at once, and only when the receiver is slow awaited: the handler's other tasks go on meanwhile.
                await loop.sock_sendall(connection, frame)
            except OSError as error:
                raise ReplyLostError(str(error)) from error


async def _collect(body: AsyncIterable[Chunk]) -> list[bytes]:
    async with _closing(body):
        return [replies.encode(item) async for item in body]


async def _before_deadline(awaitable: Awaitable[object], seconds: float) -> object:
    async with _deadline(seconds):
        return await awaitable


@asynccontextmanager
async def _deadline(seconds: float) -> AsyncIterator[None]:
    """Cancel what is inside after *seconds*, and say why in a `Fault`; a TimeoutError of the handler's own passes."""
    try:
        async with asyncio.timeout(seconds) as limit:
            yield
    except TimeoutError:
        if limit.expired():
            raise replies.deadline_fault() from None
        raise


@asynccontextmanager
async def _closing(body: AsyncIterable[Chunk]) -> AsyncIterator[None]:
    """Close an async generator whatever happens, so that its `finally` runs now and not some time later."""
    try:
        yield
    finally:
        if close := getattr(body, "aclose", None):
            await close()
