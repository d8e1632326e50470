"""A thread with an event loop of its own, so that an emulator can run beside synchronous code.

What hop this is: `with Emulator(...) -> [loop_thread] -> emulator`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import uvloop


class LoopThread(threading.Thread):
    """Awaits *begin* as it starts, whose error `start` raises, and *end* as it is stopped."""

    def __init__(self, begin: Callable[[], Awaitable[None]], end: Callable[[], Awaitable[None]]) -> None:
        super().__init__(name="emulator", daemon=True)
        self._begin = begin
        self._end = end
        self._begun = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._error: BaseException | None = None

    def start(self) -> None:
        super().start()
        self._begun.wait()
        if self._error:
            raise self._error

    def stop(self) -> None:
        """Returns when *end* has been awaited."""
        assert self._loop is not None
        assert self._stopping is not None
        self._loop.call_soon_threadsafe(self._stopping.set)
        self.join()

    def run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._live())

    async def _live(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        try:
            await self._begin()
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._begun.set()
        await self._stopping.wait()
        await self._end()
