"""What an environment has to do when a time is up: one timer for each thing that has a limit.

What hop this is: beside `execution`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Timers:
    """Timers by name; setting one again replaces it."""

    def __init__(self) -> None:
        self._set: dict[str, asyncio.TimerHandle] = {}

    def set(self, name: str, seconds: float, then: Callable[[], None]) -> None:
        """Call *then* in so many *seconds*."""
        if before := self._set.get(name):
            before.cancel()
        self._set[name] = asyncio.get_running_loop().call_later(seconds, then)

    def stop(self) -> None:
        """Call nothing any more."""
        for timer in self._set.values():
            timer.cancel()
        self._set.clear()
