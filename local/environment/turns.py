"""How many environments may begin at the same time.

What hop this is: `start -> [turns]`, for environments that are restored from one snapshot.

What the real service does: nothing of the kind; there each environment has processors of its own. Here a thousand that
begin together would take these from each other, and from the emulator and the snapshot, for which all of them wait.
"""

from __future__ import annotations

import asyncio
import os

PER_PROCESSOR = 16
MOST_SECONDS = 0.1  # who takes longer waits for something else than a processor


class Turn:
    """Begun; it ends by itself when it has lasted too long."""

    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free = free
        self._timer: asyncio.TimerHandle | None = asyncio.get_running_loop().call_later(MOST_SECONDS, self.end)

    def end(self) -> None:
        """Let another begin. Only the first end counts."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
            self._free.release()


class Turns:
    """So many at once as the processors can do with."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(PER_PROCESSOR * (os.cpu_count() or 1))

    async def take(self) -> Turn:
        """Wait for a turn."""
        await self._free.acquire()
        return Turn(self._free)
