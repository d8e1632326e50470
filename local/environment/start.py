"""How long an environment takes until its runtime is ready, and what is reported of it.

What hop this is: `execution -> [start] -> reports`.

What the real service does: gives the init phase 10 s, and a restore from a snapshot as much. After a reset the runtime
is initialized as part of an invocation, under that one's limit, and reported with it
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).
"""

from __future__ import annotations

import time

from local.config import Function
from local.environment.boot import Boot
from local.environment.extensions import Extensions
from local.environment.turns import Turn
from local.reports import InitReport, LogTail, Reports, RestoreReport

INIT_LIMIT_SECONDS = RESTORE_LIMIT_SECONDS = 10.0


class Start:
    """The starts of one environment's runtime: the *first* is its init phase, or its restore where it *restores*."""

    def __init__(self, function: Function, reports: Reports) -> None:
        self.first = True
        self.restores = False
        self.ms: float | None = None  # what the first took, until an invocation has been reported with it
        self._function = function
        self._reports = reports
        self._began = time.monotonic()
        self._turn: Turn | None = None

    @property
    def limit_seconds(self) -> float:
        """Of the first."""
        return RESTORE_LIMIT_SECONDS if self.restores else INIT_LIMIT_SECONDS

    @property
    def timeout(self) -> str:
        """What is said when that is up."""
        return f"{'Restore' if self.restores else 'Init'} phase timed out after {self.limit_seconds:.2f} seconds"

    async def wait_for_turn(self, boot: Boot) -> None:
        """Return when *boot* may start a runtime; `end_turn` must follow."""
        self.end_turn()
        if boot.turns:
            self._turn = await boot.turns.take()

    def end_turn(self) -> None:
        """Others may start theirs."""
        if self._turn:
            self._turn.end()

    def begin(self, boot: Boot) -> None:
        """The runtime is started, by *boot*."""
        self.restores = boot.restores
        self._began = time.monotonic()

    def succeed(self, extensions: Extensions, tail: LogTail | None) -> None:
        """The runtime is ready, and so are the *extensions*."""
        self._over(extensions, tail)
        if self.first:
            self.ms = self._elapsed_ms
            if self.restores:
                self._reports.restore(self._function, RestoreReport(self.ms, "success"), tail)
        self.first = False

    def fail(self, status: str, error_type: str | None, extensions: Extensions, tail: LogTail | None) -> None:
        """The runtime has ended, or is ended, before all were ready."""
        self._over(extensions, tail)
        if self.first and self.restores:
            self._reports.restore(self._function, RestoreReport(self._elapsed_ms, status, error_type), tail)
        else:
            init = InitReport(self._elapsed_ms, "init" if self.first else "invoke", status, error_type)
            self._reports.init(self._function, init, tail)
        self.first = False

    def _over(self, extensions: Extensions, tail: LogTail | None) -> None:
        self.end_turn()
        for extension in extensions:
            self._reports.extension(self._function, extension.report(), tail)

    @property
    def _elapsed_ms(self) -> float:
        return (time.monotonic() - self._began) * 1000
