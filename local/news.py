"""Something that a task waits for, and hears of in the very turn of the loop in which it is told.

What hop this is: none; it joins `runtime_server`, which is called by the loop, to the task that answers a viewer.

What the real service does: nothing of the kind. A future of asyncio wakes its task in the next turn, behind whatever
else is ready by then; for a piece of a reply that has just come off a socket this is the only thing that it waits for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextvars import Context
from typing import Any


class News:
    """One task at a time awaits it, and goes on within `tell`. News that nobody waits for is not kept.

    Told by another task, in the midst of which none can run, it is heard in the next turn after all. Towards asyncio it
    is a future (https://docs.python.org/3/library/asyncio-future.html#asyncio.isfuture) that can be awaited again.
    """

    __slots__ = ("_asyncio_future_blocking", "_cancelled", "_loop", "_waiter")

    def __init__(self) -> None:
        self._asyncio_future_blocking = False
        self._cancelled = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiter: tuple[Callable[[Any], object], Context] | None = None

    def tell(self) -> None:
        """Let the task that waits go on, until it waits for something else."""
        if self._waiter is None:
            return
        if asyncio.current_task(self._loop):
            self.tell_later()
            return
        (wake, context), self._waiter = self._waiter, None
        context.run(wake, self)

    def tell_later(self) -> None:
        """Let the task that waits go on in the next turn, behind what the caller still has to do."""
        if self._waiter:
            (wake, context), self._waiter = self._waiter, None
            self.get_loop().call_soon(wake, self, context=context)

    def __await__(self) -> Generator[Any, None, None]:
        if self._waiter:
            raise RuntimeError("another task waits for these news")
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        self._asyncio_future_blocking = True
        yield self

    # Called by the task that waits

    def get_loop(self) -> asyncio.AbstractEventLoop:
        assert self._loop is not None
        return self._loop

    def add_done_callback(self, wake: Callable[[Any], object], *, context: Context) -> None:
        self._waiter = wake, context

    def cancel(self, msg: object = None) -> bool:
        """The task is cancelled; whether it is still this that has to wake it."""
        if self._waiter is None:
            return False
        self._cancelled = True
        self.tell_later()
        return True

    def result(self) -> None:
        if self._cancelled:
            self._cancelled = False
            raise asyncio.CancelledError
