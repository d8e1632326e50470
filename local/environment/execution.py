"""The life of one execution environment.

What hop this is: `dispatcher -> [execution] <- runtime_api <- worker`.

What the real service does: starts the runtime, which initializes and asks for an event (the init phase, at most 10 s);
hands it one event at a time; regards an invocation as over when the runtime asks for the next, and freezes it until
then; ends the runtime when the function's timeout is up; and reports each of these
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).

What differs here, on purpose:
1. an environment whose runtime crashed or timed out is given up, and the next invocation gets a new one; on AWS the
   same environment is initialized again;
2. the memory of the worker process is looked at twice a second, that of its children not at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import secrets
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from local.config import Function
from local.environment.filesystem import mount_layers
from local.environment.process import EntrypointError, WorkerProcess, command, max_memory_mb
from local.environment.surroundings import Listener, Surroundings
from local.environment.variables import variables
from local.invocation import Failure, Invocation
from local.reports import InvocationReport, LogTail

INIT_LIMIT_SECONDS = 10.0
MEMORY_CHECK_SECONDS = 0.5


class State(enum.Enum):
    """Where an environment is in its life."""

    STARTING = "starting"  # the init phase
    READY = "ready"  # waiting for an event
    INVOKING = "invoking"
    STOPPED = "stopped"  # given up: what still comes from its worker is only an echo


class Environment:
    """One environment of *function*; `run` is its whole life, *on_idle* is called each time it can take an event."""

    def __init__(self, function: Function, surroundings: Surroundings, on_idle: Callable[[Environment], None]) -> None:
        self.function = function
        self.state = State.STARTING
        self.invocation: Invocation | None = None
        self.log_stream = f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{secrets.token_hex(16)}"
        self._surroundings = surroundings
        self._reports = surroundings.reports
        self._on_idle = on_idle
        self._process: WorkerProcess | None = None
        self._spawned = time.monotonic()
        self._init_ms: float | None = None
        self._init_failure: Failure | None = None
        self._offered = asyncio.Event()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._max_memory_mb = 0

    # Called by the dispatcher

    @property
    def idle(self) -> bool:
        """Whether it waits for an event, its worker alive."""
        running = self._process is not None and self._process.running
        return self.state is State.READY and self.invocation is None and running

    async def run(self) -> None:
        """Start the worker and stay with it until it has ended; nothing of the environment is left then."""
        folder = self._surroundings.folder / secrets.token_hex(8)
        listener: Listener | None = None
        try:
            listener = await self._surroundings.listen(self)
            process = await self._start(listener.address, folder)
            self._surroundings.reaper.watch(process.pid)
            how = await process.ended()
            self._surroundings.reaper.forget(process.pid)
            self._exited(how)
        except EntrypointError as error:
            self._fail("Runtime.InvalidEntrypoint", str(error))
        except OSError as error:  # no socket or folder to be had, layers that cannot be merged
            self._fail("Sandbox.Failure", f"The environment cannot be made: {error}")
        finally:
            self._fail("Sandbox.Failure", "The environment broke down")  # whatever happens, no caller waits for ever
            if listener:
                listener.close()
            shutil.rmtree(folder, ignore_errors=True)

    def offer(self, invocation: Invocation) -> None:
        """Give the environment its next event; it is handed over when the runtime asks for one."""
        assert self.invocation is None
        assert self.state is not State.STOPPED
        self.invocation = invocation
        invocation.cold_start = self.state is State.STARTING
        if self.state is State.READY:
            self._thaw()
        self._offered.set()

    def stop(self) -> None:
        """End the worker; an invocation that it had is cut off, without a report."""
        self._give_up(Failure.of("Sandbox.Failure", "the local Lambda was stopped"), None)

    # Called by the Runtime API

    def ready(self) -> None:
        """The runtime asks for an event: its init phase, or the invocation it had, is over."""
        if self.state is State.STOPPED:
            return
        if self.state is State.STARTING:
            self._init_ms = (time.monotonic() - self._spawned) * 1000
        self._stop_timers()
        self._sample_memory()
        if self.state is State.INVOKING:
            self._complete("success")
        self.state = State.READY
        if self.invocation is None:
            self._on_idle(self)
        if self.idle:  # still: code that has changed meanwhile has no use for it
            self._freeze()

    async def take(self) -> Invocation:
        """Wait for an event and hand it over; its timeout begins to count."""
        while not self._offered.is_set():  # a second connection may wait as well, and only one may have it
            await self._offered.wait()
        self._offered.clear()
        invocation = self.invocation
        assert invocation is not None
        self.state = State.INVOKING
        invocation.hand_over()
        self._set_timer("limit", self.function.timeout_seconds, self._timed_out)
        self._set_timer("memory", MEMORY_CHECK_SECONDS, self._check_memory)
        self._reports.start(self.function, invocation.request_id, invocation.log_tail)
        return invocation

    def init_failed(self, failure: Failure) -> None:
        """The runtime reports that it cannot initialize; it is expected to exit."""
        self._init_failure = failure

    # Inside

    @property
    def _log_tail(self) -> LogTail | None:
        return self.invocation.log_tail if self.invocation else None

    async def _start(self, runtime_api: str, folder: Path) -> WorkerProcess:
        function, tmp = self.function, folder / "tmp"
        tmp.mkdir(parents=True)
        opt = mount_layers(function.layers, folder)
        environ = variables(
            function,
            self._surroundings.world,
            log_stream=self.log_stream,
            runtime_api=runtime_api,
            opt=opt,
            tmp=tmp,
        )
        self._spawned = time.monotonic()
        self._set_timer("limit", INIT_LIMIT_SECONDS, self._init_timed_out)
        self._process = await WorkerProcess.spawn(
            command(function, environ, opt),
            environ,
            cwd=function.code,
            on_line=lambda line: self._reports.output(function, line, self._log_tail),
        )
        if self.state is State.STOPPED:  # while it was being started
            self._process.kill()
        return self._process

    def _freeze(self) -> None:
        """Between invocations nothing in the environment runs, threads included; after a while it is given up."""
        assert self._process is not None
        self._process.freeze()
        self._set_timer("limit", self._surroundings.idle_seconds, self.stop)

    def _thaw(self) -> None:
        assert self._process is not None
        self._stop_timers()
        self._process.thaw()

    def _timed_out(self) -> None:
        assert self.invocation is not None
        request_id = self.invocation.request_id
        self._sample_memory()
        self._reports.timed_out(self.function, request_id, self._log_tail)
        message = f"RequestId: {request_id} Error: Task timed out after {self.function.timeout_seconds:.2f} seconds"
        self._give_up(Failure.of("Sandbox.Timedout", message), "timeout")

    def _init_timed_out(self) -> None:
        message = f"Init phase timed out after {INIT_LIMIT_SECONDS:.2f} seconds"
        self._give_up(Failure.of("Sandbox.Timedout", message), "timeout")

    def _exited(self, how: str) -> None:
        if self._init_failure:  # the runtime has said why
            self._give_up(self._init_failure, "error")
            return
        whose = f"RequestId: {self.invocation.request_id} " if self.invocation else ""
        reason = "without providing a reason" if how == "exit status 0" else f"with error: {how}"
        self._fail("Runtime.ExitError", f"{whose}Error: Runtime exited {reason}")

    def _fail(self, error_type: str, message: str) -> None:
        """Give up because of what the runtime cannot have said itself; the log gets the *message* too."""
        if self.state is not State.STOPPED:
            self._reports.output(self.function, message, self._log_tail)
            self._give_up(Failure.of(error_type, message), "error")

    def _give_up(self, failure: Failure, status: str | None) -> None:
        """End the worker, and with *failure* the invocation it had; report that with *status*, if there is one."""
        if self.state is State.STOPPED:
            return
        was_starting, self.state = self.state is State.STARTING, State.STOPPED
        self._stop_timers()
        self._offered.clear()
        if self._process:
            self._process.kill()
        error_type = failure.error_type if status == "error" else None
        if was_starting and status:
            init_ms = (time.monotonic() - self._spawned) * 1000
            self._reports.init(self.function, init_ms, status, error_type, self._log_tail)
        if self.invocation:
            self.invocation.end_reply(failure)
            self._complete(status, error_type)

    def _complete(self, status: str | None, error_type: str | None = None) -> None:
        """The invocation is over, for the environment too."""
        invocation, self.invocation = self.invocation, None
        assert invocation is not None
        if status and invocation.timings.handed_over is not None:
            duration_ms = (time.monotonic() - invocation.timings.handed_over) * 1000
            init_ms = self._init_ms if invocation.cold_start else None
            report = InvocationReport(
                invocation.request_id, duration_ms, self._max_memory_mb, init_ms, status, error_type
            )
            self._reports.end(self.function, report, invocation.log_tail)
            if invocation.timings.caller_left is not None:
                self._reports.ran_on(self.function, time.monotonic() - invocation.timings.caller_left)
        invocation.completed.set()

    def _sample_memory(self) -> None:
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                self._max_memory_mb = max(self._max_memory_mb, max_memory_mb(self._process.pid))

    def _check_memory(self) -> None:
        """Kill a worker that has had more memory than the function is given, as the real environment would."""
        self._sample_memory()
        if self._max_memory_mb <= self.function.memory_mb:
            self._set_timer("memory", MEMORY_CHECK_SECONDS, self._check_memory)
            return
        assert self.invocation is not None
        message = f"RequestId: {self.invocation.request_id} Error: Runtime exited with error: signal: killed"
        self._max_memory_mb = self.function.memory_mb  # on AWS it could not have had more
        self._fail("Runtime.OutOfMemory", message)

    def _set_timer(self, name: str, seconds: float, then: Callable[[], None]) -> None:
        self._timers[name] = asyncio.get_running_loop().call_later(seconds, then)

    def _stop_timers(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
