"""Stops the processes of an environment between invocations.

What hop this is: `execution, domain -> [freezer] -> process`.

What the real service does: freezes an environment, threads and all, when nothing is left to do for an invocation, and
thaws it for the next (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).

What differs here, on purpose:
1. it is stopped when no event has followed for 50 ms, so that those which come one after the other do not wait for it;
   how soon Lambda does it is not documented.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from local.environment.process import Worker
from local.environment.time_limit import TimeLimit

REST_SECONDS = 0.05


class Freezer:
    """Of all *workers* that there are at that moment."""

    def __init__(self, workers: Callable[[], Iterable[Worker]]) -> None:
        self._workers = workers
        self._rest = TimeLimit()
        self._frozen = False

    def freeze(self) -> None:
        """Stop them, unless they are to go on within a moment."""
        self._rest.set(REST_SECONDS, self._stop)

    def thaw(self) -> None:
        """Let them go on from where they stand."""
        self.forget()
        if self._frozen:
            self._frozen = False
            for worker in self._running():
                worker.thaw()

    def forget(self) -> None:
        """Leave them as they are."""
        self._rest.stop()

    def _stop(self) -> None:
        self._frozen = True
        for worker in self._running():
            worker.freeze()

    def _running(self) -> list[Worker]:
        """Not those that have ended since: another process may have their number."""
        return [worker for worker in self._workers() if worker.running]
