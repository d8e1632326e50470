"""The origin response timeout: how long an origin may be silent, before its first byte and between any two.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html#DownloadDistValuesOriginResponseTimeout
"""

from __future__ import annotations

import asyncio
from types import TracebackType


class OriginTimer:
    """Ends its `with` block, in a task, with TimeoutError once the origin has been silent for that many seconds.

    A chunk costs two attribute writes and no timer of its own: one timer at a time is set, and when it rings it looks
    how long the silence really is.
    """

    __slots__ = ("_heard_at", "_loop", "_ringing", "_seconds", "_task", "_waiting", "expired")

    def __init__(self, seconds: float) -> None:
        self.expired = False  # it was this timer that ended the block
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> OriginTimer:
        self._task = asyncio.current_task(self._loop)
        self.resume()
        self._ringing = self._loop.call_at(self._heard_at + self._seconds, self._look)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ringing.cancel()
        if self.expired and self._task and not self._task.uncancel() and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def pause(self) -> None:
        """The edge is at work, not the origin: a slow viewer is no reason to give an origin up."""
        self._waiting = False

    def resume(self) -> None:
        """It is the origin's turn again."""
        self._heard_at = self._loop.time()
        self._waiting = True

    def _look(self) -> None:
        now = self._loop.time()
        due = (self._heard_at if self._waiting else now) + self._seconds
        if self._waiting and due <= now:
            self.expired = True
            assert self._task is not None
            self._task.cancel()
        else:
            self._ringing = self._loop.call_at(due, self._look)
