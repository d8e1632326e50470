"""What an async body writes to: an event by itself leaves at once, a burst of them together.

What this is: `aio -> [cork] -> replies.Reply's frames -> Runtime API`.

What the real service does: nothing here is Lambda's. A system call for each event is four fifths of what an event
costs, so a burst is best sent in one. It must not be paid with lag: an item that comes a while after the one before is
sent by `write` itself. One that follows within a millisecond waits for the end of this turn of the event loop, and
leaves with whatever else the turn brings, as one chunk.

What differs here, on purpose:
1. a body that blocks the loop right after it has written twice holds the second item back until it lets go, where a
   server that writes at the end of each turn would hold back both.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from socket import MSG_DONTWAIT
from typing import TYPE_CHECKING, cast

from lambda_runtime.client import BURST_SECONDS, MAX_HELD_BYTES, ReplyLostError
from lambda_runtime.http1 import chunk
from lambda_runtime.replies import deadline_fault, encode

if TYPE_CHECKING:
    import socket

    from lambda_runtime.body import Chunk
    from lambda_runtime.replies import Reply


class Cork:
    """Sends the items of *reply* from the running event loop."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._loop = asyncio.get_running_loop()
        self._turn = asyncio.Lock()  # held while a frame is stuck: another must not begin inside it
        self._held: list[bytes] = []  # items that wait for the end of the turn
        self._held_bytes = 0
        self._stuck = b""  # the end of a frame that the receiver did not take
        self._burst_until = 0.0
        self._ends_at = time.monotonic() + reply.seconds_left()  # one clock for both: a burst asks it for each item
        self._is_nonblocking = False
        self._closed = False
        self._flushing: asyncio.Task[None] | None = None

    async def write(self, item: Chunk) -> None:
        """Send *item* now or with its burst, and wait while the receiver is slow. Raises as `Reply.send` does.

        The deadline is looked at here alone: what was written before it is sent, held or not.
        """
        data = item if type(item) is bytes else encode(item)
        now = time.monotonic()
        if now >= self._ends_at:
            raise deadline_fault()
        if now < self._burst_until and not self._stuck:
            if not self._held:
                self._loop.call_soon(self._flush)
            self._held.append(data)
            self._held_bytes += len(data)
            if self._held_bytes < MAX_HELD_BYTES:
                return
            data = b""
        await self._send(data)

    async def end(self) -> None:
        """Return when all has been sent. Raises `ReplyLostError`."""
        if self._held or self._stuck:
            await self._send(b"")
        if self._loss:
            raise self._loss

    def give_up(self) -> None:
        """The time is up: send what can be sent now. Raises `ReplyLostError` when something is stuck."""
        if self._flushing:
            self._flushing.cancel()
        if self._held and not self._stuck:
            self._try(chunk(self._taken()))
        if self._stuck:
            raise self._lost(TimeoutError())

    def close(self) -> None:
        """Leave the connection as it was, for the end of the reply; a task that outlives the body writes no more."""
        self._closed, self._burst_until = True, 0.0
        if self._is_nonblocking:
            with suppress(OSError):  # it is closed already
                self._socket.setblocking(True)

    @property
    def _loss(self) -> ReplyLostError | None:
        if self._closed:
            return ReplyLostError("its body has returned already")
        return self._reply.stream.loss if self._reply.stream else None

    @property
    def _socket(self) -> socket.socket:
        assert self._reply.stream is not None
        return cast("socket.socket", self._reply.stream.connection.socket)  # the C class that it wraps

    def _taken(self) -> bytes:
        data, self._held, self._held_bytes = b"".join(self._held), [], 0
        return data

    async def _send(self, data: bytes) -> None:
        if self._loss:
            raise self._loss
        if not self._stuck:
            self._try(chunk(self._taken() + data) if self._reply.stream else self._reply.frame(data))
            data = b""
        if self._stuck:
            await self._push(data)

    def _try(self, frame: bytes) -> None:
        """Send *frame* as far as the receiver takes it at once."""
        self._burst_until = time.monotonic() + BURST_SECONDS
        try:
            self._stuck = frame[self._socket.send(frame, MSG_DONTWAIT) :]
        except BlockingIOError:
            self._stuck = frame
        except OSError as error:
            raise self._lost(error) from error

    async def _push(self, data: bytes) -> None:
        """Wait until what is stuck has been taken, and *data* behind it."""
        async with self._turn:
            frame = self._stuck + chunk(data)
            self._stuck = frame
            try:
                self._socket.setblocking(False)
                self._is_nonblocking = True
                await self._loop.sock_sendall(self._socket, frame)
            except (OSError, asyncio.CancelledError) as error:  # cancelled: the deadline came while a frame was stuck
                raise self._lost(error) from error
            self._stuck = b""

    def _flush(self) -> None:
        """The turn is over."""
        if self._held and not self._stuck:
            with suppress(ReplyLostError):  # whoever writes next is told
                self._try(chunk(self._taken()))
                if self._stuck:
                    self._flushing = self._loop.create_task(self._push_in_background())

    async def _push_in_background(self) -> None:
        with suppress(ReplyLostError):
            await self._push(b"")

    def _lost(self, error: BaseException) -> ReplyLostError:
        assert self._reply.stream is not None
        self._burst_until = 0.0  # nothing is held any more: the next one to write is told
        return self._loss or self._reply.stream.lost(error)
