"""How fast a streamed reply may be: `--bandwidth`.

What hop this is: `function_url, invoke_api -> [bandwidth] -> invocation`, in the place of the plain reply buffer.

What the real service does: the first 6 MB of a streamed reply leave as fast as they are made, what follows at 2 MB/s
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html). AWS's own runtime interface
emulator has it as a bucket of 6 MiB that gets back 256 KiB every 125 ms (`internal/lambda/core/directinvoke`), so that
a reply that has paused may be fast again.

What differs here, on purpose:
1. it is off unless asked for: nothing of this is then on the way of a reply.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

from local.invocation import ReplyBuffer

BURST_BYTES = 6 * 1024 * 1024
REFILL_BYTES = 256 * 1024
REFILL_SECONDS = 0.125


class Bandwidth:
    """What all streamed replies of an emulator are held to, each for itself."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep

    def reply(self) -> ReplyBuffer:
        """A reply buffer that is read no faster than that."""
        return _ShapedReply(self._clock, self._sleep)


class _ShapedReply(ReplyBuffer):
    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]) -> None:
        super().__init__()
        self._clock = clock
        self._sleep = sleep
        self._bucket = _Bucket()

    async def read(self) -> bytes | None:
        data = await super().read()
        if data and (seconds := self._bucket.take(len(data), self._clock())):
            await self._sleep(seconds)
        return data


class _Bucket:
    """Bytes that may pass; less than none is a debt, which the refills pay first."""

    def __init__(self) -> None:
        self._bytes = BURST_BYTES
        self._refilled: float | None = None  # when the last refill was due; none before the first byte

    def take(self, size: int, now: float) -> float:
        """Let *size* bytes pass at time *now*; how long they have to wait for it, in seconds."""
        if self._refilled is None:
            self._refilled = now
        refills = max(0, math.floor((now - self._refilled) / REFILL_SECONDS))
        self._refilled += refills * REFILL_SECONDS
        self._bytes = min(BURST_BYTES, self._bytes + refills * REFILL_BYTES) - size
        if self._bytes >= 0:
            return 0.0
        return self._refilled + math.ceil(-self._bytes / REFILL_BYTES) * REFILL_SECONDS - now
