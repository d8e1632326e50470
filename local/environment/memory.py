"""How much memory workers have, and a watch over those that are at work.

What hop this is: beside `execution` and `domain`.

What the real service does: ends a function that needs more memory than it is given
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).

What differs here, on purpose:
1. the memory of a worker is looked at twice a second, that of its children not at all; where more than 200 are at work
   it is looked at less often, so that a thousand cost no more than these.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

CHECK_SECONDS = 0.5
MAX_CHECKS_PER_SECOND = 400
_STATUS_BYTES = 4096  # more than there is


class MemoryWatch:
    """Calls each of the functions it was given again and again, one at a time, evenly over the time."""

    def __init__(self) -> None:
        self._checks: deque[Callable[[], None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, check: Callable[[], None]) -> None:
        """Call *check* from now on."""
        self._checks.append(check)
        if self._timer is None:
            self._set_timer()

    def end(self, check: Callable[[], None]) -> None:
        """Do not call it any more; nothing happens when it was not called."""
        if check in self._checks:
            self._checks.remove(check)

    def _set_timer(self) -> None:
        seconds = max(CHECK_SECONDS / len(self._checks), 1 / MAX_CHECKS_PER_SECOND)
        self._timer = asyncio.get_running_loop().call_later(seconds, self._next)

    def _next(self) -> None:
        self._timer = None
        if self._checks:
            self._checks.rotate(-1)
            self._checks[-1]()
        if self._checks:
            self._set_timer()


def max_memory_mb(pid: int) -> int:
    """The most memory that process *pid* has had, in MiB; what it has now where the system does not say more.

    Raises `ProcessLookupError` when it has ended.
    """
    try:
        with open(f"/proc/{pid}/status", "rb", buffering=0) as file:
            status = file.read(_STATUS_BYTES)
        _, found, rest = status.partition(b"VmHWM:")
        if found:
            return int(rest.split(maxsplit=1)[0]) // 1024
    except FileNotFoundError:
        pass
    import psutil  # not on Linux, and not before the first story

    try:
        return int(psutil.Process(pid).memory_info().rss) // 2**20
    except psutil.NoSuchProcess as error:
        raise ProcessLookupError(pid) from error
