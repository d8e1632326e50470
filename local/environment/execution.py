"""The life of one execution environment.

What hop this is: `dispatcher -> [execution] -> domain <- runtime_api <- worker`.

What the real service does: starts the runtime, which initializes and asks for an event (the init phase, at most 10 s);
hands it one event at a time; regards an invocation as over when the runtime asks for the next, and freezes it until
then; ends the runtime when the function's timeout is up, and reports each of these. An environment whose runtime has
crashed or timed out is reset: its /tmp stays as it is, and the next invocation initializes another runtime, in its own
time and at its own cost (a suppressed init). An init phase that failed or took too long is tried again in that way by
the invocation that waits for it (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html). With
SnapStart the runtime is restored instead, which also has 10 s; a restore that fails ends the environment, and the
invocation with it. Every few hours an environment is given up.

What differs here, on purpose:
1. an environment is never initialized before there is an invocation for it;
2. a worker that ends between two invocations does not fail the next one: that one initializes another;
3. the caller of an invocation whose restore failed is told what the runtime said, and no SnapStartException.
"""

from __future__ import annotations

import asyncio
import enum
import secrets
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime

from local.config import Function
from local.environment.boot import Boot, ColdBoot, Premises
from local.environment.domain import Domain
from local.environment.snapshot import Snapshot, SnapshotError
from local.environment.start import Start
from local.environment.surroundings import Surroundings
from local.environment.time_limit import TimeLimit
from local.invocation import Failure, Invocation
from local.reports import InvocationReport, LogTail


class State(enum.Enum):
    """Where an environment is in its life."""

    STARTING = "starting"  # its runtime initializes
    READY = "ready"  # its runtime waits for an event
    INVOKING = "invoking"
    RESET = "reset"  # its runtime has ended or is about to; the next event starts another
    STOPPED = "stopped"  # given up


class Environment:
    """One environment of *function*; `run` is its whole life, *on_idle* is called each time it can take an event.

    With a *snapshot*, its runtime is restored from that instead of being initialized.
    """

    def __init__(
        self,
        function: Function,
        surroundings: Surroundings,
        on_idle: Callable[[Environment], None],
        snapshot: Snapshot | None = None,
    ) -> None:
        self.function = function
        self.snapshot = snapshot
        self.state = State.STARTING
        self.invocation: Invocation | None = None
        self.log_stream = f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{secrets.token_hex(16)}"
        self._surroundings = surroundings
        self._reports = surroundings.reports
        self._on_idle = on_idle
        self._boot: Boot = ColdBoot(surroundings.world)
        self._domain: Domain | None = None
        self._needed = asyncio.Event()  # another runtime, or none any more
        self._born = time.monotonic()
        self._start = Start(function, self._reports)
        self._limit = TimeLimit()

    # Called by the dispatcher

    @property
    def idle(self) -> bool:
        """Whether it waits for an event, and can take one."""
        ready = self.state is State.READY and self._domain is not None and self._domain.alive
        return self.invocation is None and (ready or self.state is State.RESET)

    async def run(self) -> None:
        """Live through one runtime after another; nothing of the environment is left then."""
        folder = self._surroundings.folder / secrets.token_hex(8)
        try:
            if self.snapshot:
                self._boot = await self.snapshot.boot()
            premises = Premises.make(folder, self.function, self.log_stream, self._boot, self._print)
            while await self._wanted():
                self._begin_init()
                self._domain = Domain(self, premises, self._surroundings, self._boot)
                await self._domain.live()
        except SnapshotError as error:
            self._end(error.failure)
        except OSError as error:  # no socket or folder to be had, layers that cannot be merged
            self._give_up(f"The environment cannot be made: {error}")
        finally:
            self._give_up("The environment broke down")  # whatever happens, no caller waits for ever
            self._start.end_turn()
            shutil.rmtree(folder, ignore_errors=True)

    def offer(self, invocation: Invocation) -> None:
        """Give the environment its next event; it is handed over when the runtime asks for one."""
        assert self.invocation is None
        assert self.state is not State.STOPPED
        self.invocation = invocation
        invocation.cold_start = self.state is not State.READY
        if self.state is State.READY:
            assert self._domain is not None
            self._hand_over(invocation)
        self._needed.set()

    def stop(self) -> None:
        """End the environment; an invocation that it had is cut off, without a report."""
        self._end(Failure.of("Sandbox.Failure", "the local Lambda was stopped"))

    # Called by the domain

    def domain_ready(self) -> None:
        """Everybody asks for an event: the init, or the invocation that there was, is over."""
        if self.state is State.STARTING:
            assert self._domain is not None
            self._start.succeed(self._domain.extensions, self._log_tail)
        if self.state is State.INVOKING:
            self._complete("success")
        self.state = State.READY
        if self.invocation:
            self._hand_over(self.invocation)
        else:
            self._rest()

    def domain_restoring(self) -> None:
        """The runtime waits to be restored, and goes on at once: here there is no snapshot of it."""

    def domain_broke(self, error_type: str, reason: str) -> None:
        """The runtime or an extension has ended, or could not be started."""
        message = f"{self._whose}Error: {reason}"
        self._reset(Failure.of(error_type, message), "error", f"{message}\r{error_type}")

    def domain_failed(self, failure: Failure) -> None:
        """The runtime has ended, and has said why before."""
        self._reset(failure, "error")

    # Inside

    @property
    def _log_tail(self) -> LogTail | None:
        return self.invocation.log_tail if self.invocation else None

    @property
    def _whose(self) -> str:
        return f"RequestId: {self.invocation.request_id} " if self.invocation else ""

    def _print(self, line: str) -> None:
        self._reports.output(self.function, line, self._log_tail)

    async def _wanted(self) -> bool:
        """Wait until a runtime is needed, and may start; False when none will be any more."""
        while self.state is State.RESET and self.invocation is None:
            self._needed.clear()
            await self._needed.wait()
        await self._start.wait_for_turn(self._boot)
        return self.state is not State.STOPPED

    def _begin_init(self) -> None:
        self.state = State.STARTING
        self._start.begin(self._boot)
        if not self._start.first and self.invocation:
            self.invocation.hand_over()
            self._limit.set(self.function.timeout_seconds, self._timed_out)
        else:
            self._limit.set(self._start.limit_seconds, self._start_timed_out)

    def _hand_over(self, invocation: Invocation) -> None:
        # The event leaves first: somebody waits for its first byte, and for all that comes after it here nobody does.
        assert self._domain is not None
        self.state = State.INVOKING
        counts = invocation.timings.handed_over is not None
        if not counts:
            invocation.hand_over()
        self._domain.release(invocation)
        self._domain.freezer.thaw()  # a worker that was stopped wakes up once, with the event there
        if not counts:
            self._limit.set(self.function.timeout_seconds, self._timed_out)
        self._surroundings.memory_watch.begin(self._check_memory)
        asyncio.get_running_loop().call_soon(
            self._reports.start, self.function, invocation.request_id, invocation.log_tail
        )

    def _rest(self) -> None:
        """Between invocations nothing in the environment runs; after a while, or when it is old, it is given up."""
        self._limit.stop()
        if time.monotonic() - self._born >= self._surroundings.lifetime_seconds:
            self.stop()
            return
        self._on_idle(self)
        if self.idle:  # still: code that has changed meanwhile has no use for it
            if self._domain and self.state is State.READY:
                self._domain.freezer.freeze()
            self._limit.set(self._surroundings.idle_seconds, self.stop)

    def _timed_out(self) -> None:
        limit = f"{self.function.timeout_seconds:.2f} seconds"
        self._reset(Failure.of("Sandbox.Timedout", f"{self._whose}Error: Task timed out after {limit}"), "timeout")

    def _start_timed_out(self) -> None:
        self._reset(Failure.of("Sandbox.Timedout", self._start.timeout), "timeout")

    def _reset(self, failure: Failure, status: str, line: str | None = None) -> None:
        """End the runtime, and with *failure* the invocation it had; the *line* is for that one's log."""
        assert self._domain is not None
        self._limit.stop()
        self._domain.peak_memory_mb()
        self._domain.shut_down("timeout" if status == "timeout" else "failure")
        before, self.state = self.state, State.RESET
        error_type = failure.error_type if status == "error" else None
        if before is State.STARTING:
            first = self._start.first
            self._start.fail(status, error_type, self._domain.extensions, self._log_tail)
            if first:
                if self._start.restores:
                    self._end(failure)
                return  # else the invocation still waits, and initializes another
            assert self.invocation is not None
            self._reports.start(self.function, self.invocation.request_id, self._log_tail)
        if line:
            self._reports.fault(self.function, line, self._log_tail)
        if self.invocation:
            if status == "timeout":
                self._reports.timed_out(self.function, self.invocation.request_id, self._log_tail)
            self.invocation.end_reply(failure)
            self._complete(status, error_type)
        self._rest()

    def _give_up(self, message: str) -> None:
        """End the environment because of what is not the function's fault."""
        if self.state is not State.STOPPED:
            self._reports.fault(self.function, message, self._log_tail)
            self._end(Failure.of("Sandbox.Failure", message))

    def _end(self, failure: Failure) -> None:
        if self.state is State.STOPPED:
            return
        self.state = State.STOPPED
        self._limit.stop()
        self._needed.set()
        if self._domain:
            self._domain.shut_down("spindown")
        if self.invocation:
            self.invocation.end_reply(failure)
            self._complete(None)

    def _complete(self, status: str | None, error_type: str | None = None) -> None:
        """The invocation is over, for the environment too; it is reported with *status*, if there is one."""
        invocation, self.invocation = self.invocation, None
        assert invocation is not None
        self._surroundings.memory_watch.end(self._check_memory)
        if status and invocation.timings.handed_over is not None and self._domain:
            duration_ms = (time.monotonic() - invocation.timings.handed_over) * 1000
            memory_mb = min(self._domain.peak_memory_mb(), self.function.memory_mb)  # on AWS there is no more to be had
            start_ms, self._start.ms = self._start.ms, None
            report = InvocationReport(
                invocation.request_id, duration_ms, memory_mb, start_ms, status, error_type, self._start.restores
            )
            self._reports.end(self.function, report, invocation.log_tail)
            if (left := invocation.timings.caller_left) is not None:
                self._reports.ran_on(self.function, time.monotonic() - left, invocation.abandoned)
        invocation.completed.set()

    def _check_memory(self) -> None:
        """Kill a worker that has had more memory than the function is given, as the real environment would."""
        assert self._domain is not None
        if self._domain.peak_memory_mb() > self.function.memory_mb:
            self.domain_broke("Runtime.OutOfMemory", "Runtime exited with error: signal: killed")
