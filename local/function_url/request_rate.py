"""How many requests a second a function URL takes.

What hop this is: beside `endpoint`.

What the real service does: takes ten times as many requests a second as the function's reserved concurrency is, and
answers what is over it with 429 (https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html#urls-throttling).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

REQUESTS_PER_ENVIRONMENT = 10


class RequestRate:
    """The rate of requests to a function with that *reserved_concurrency*; without one there is no limit."""

    def __init__(self, reserved_concurrency: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._limit = None if reserved_concurrency is None else reserved_concurrency * REQUESTS_PER_ENVIRONMENT
        self._taken: deque[float] = deque()  # when, within the last second

    def take(self) -> bool:
        """Count a request; False when it is one too many, which then does not count."""
        if not self._limit:  # 0 switches the function off, which is told as concurrency
            return True
        now = self._clock()
        while self._taken and self._taken[0] <= now - 1:
            self._taken.popleft()
        if len(self._taken) >= self._limit:
            return False
        self._taken.append(now)
        return True
