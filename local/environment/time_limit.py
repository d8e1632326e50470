"""What an environment has to do when a time is up.

What hop this is: beside `execution` and `freezer`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class TimeLimit:
    """The time that is running, if one is."""

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None

    def set(self, seconds: float, then: Callable[[], None]) -> None:
        """Call *then* in so many *seconds*, and nothing that was to be called before."""
        self.stop()
        self._timer = asyncio.get_running_loop().call_later(seconds, then)

    def stop(self) -> None:
        """Call nothing any more."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
