"""The processes of an environment between two resets: runtime and extensions, and the API that they ask for events.

What hop this is: `execution -> [domain] <- runtime_api, extensions_api <- worker`; `boot` starts the processes.

What the real service does: an environment outlives its runtime. When the runtime has crashed, or its time was up, it is
ended together with the extensions, and all are started again in the same environment with the next invocation
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html; AWS's own runtime interface emulator
calls what is ended and started together the runtime domain, and counts its generations). Extensions are started and
have registered before the runtime is started. An init is over when everybody has asked for an event, an invocation when
everybody has who was told of it.

What differs here, on purpose:
1. each domain has a Runtime API at a port of its own, so that nothing can come from a runtime that was given up;
2. an event for an environment that is being reset waits for the end of that: no time without an extension, and 2 s at
   most with one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from local.environment import shutdown
from local.environment.boot import Boot, Premises, launch
from local.environment.extensions import MAX_EXTENSIONS, Extension, Extensions, State
from local.environment.freezer import Freezer
from local.environment.memory import max_memory_mb
from local.environment.process import EntrypointError, Worker
from local.environment.shutdown import Running
from local.environment.surroundings import Surroundings
from local.invocation import Failure, Invocation

_RUNTIME = "runtime"  # among those who are waited for


class Host(Protocol):
    """The environment, as its domain sees it."""

    def domain_ready(self) -> None:
        """Everybody asks for an event: the init phase, or the invocation that there was, is over."""

    def domain_restoring(self) -> None:
        """The runtime waits to be restored from a snapshot of it."""

    def domain_broke(self, error_type: str, reason: str) -> None:
        """The runtime or an extension has ended, or could not be started."""

    def domain_failed(self, failure: Failure) -> None:
        """The runtime has ended, and has said why before."""


class Domain:
    """One life of a runtime in the environment *host*; it begins with *boot*."""

    def __init__(self, host: Host, premises: Premises, surroundings: Surroundings, boot: Boot) -> None:
        self.premises = premises
        self.extensions = Extensions()
        self.freezer = Freezer(lambda: [process.worker for process in self._processes()])
        self._host = host
        self._surroundings = surroundings
        self._boot = boot
        self._runtime: Running | None = None
        self._running: dict[Extension, Running] = {}
        self._registered = asyncio.Event()  # all external extensions
        self._awaited: set[object] = {_RUNTIME}  # who has not asked for an event yet
        self._init_failure: Failure | None = None
        self._offered: Invocation | None = None  # an event that nobody has asked for yet
        self._asking: deque[Callable[[Invocation], None]] = deque()  # a second connection may ask as well
        self._peak_mb = 0
        self._over = False  # what still comes from its processes is only an echo
        self._shutdown: asyncio.Task[None] | None = None

    # Called by the environment

    @property
    def restored(self) -> bool:
        """Whether the runtime begins as a copy of one that has initialized."""
        return self._boot.restores

    @property
    def alive(self) -> bool:
        """Whether the runtime runs."""
        return self._runtime is not None and self._runtime.worker.running and not self._over

    async def live(self) -> None:
        """Start all processes and stay with them until they have ended. Raises `OSError` when there is no socket."""
        listener = await self._surroundings.listen(self)
        try:
            await self._start(listener.address)
            while waiting := [process.end for process in self._processes() if not process.end.done()]:
                await asyncio.wait(waiting)
            if self._shutdown:
                await self._shutdown
            for process in self._processes():
                process.end.result()  # what failed there must not go unnoticed
        finally:
            self._over = True
            for process in self._processes():
                process.worker.kill()
            listener.close()

    def release(self, invocation: Invocation) -> None:
        """Hand the runtime, which asks for it, its next event, and tell the extensions."""
        told = self.extensions.wanting("INVOKE")
        self._awaited = {_RUNTIME, *told}
        for extension in told:
            extension.tell(_invoke_event(invocation))
        if self._asking:
            self._asking.popleft()(invocation)
        else:
            self._offered = invocation

    def shut_down(self, reason: str) -> None:
        """End all processes because of *reason* (spindown, timeout or failure); what they ask is not heard any more."""
        if self._over:
            return
        self._over = True
        self.freezer.forget()
        self._offered = None
        self._asking.clear()
        self._registered.set()
        if self.extensions:
            self.freezer.thaw()
            in_order = shutdown.in_order(self._runtime, self.extensions, self._running, reason)
            self._shutdown = asyncio.get_running_loop().create_task(in_order)
        elif self._runtime:
            self._runtime.worker.kill()

    def peak_memory_mb(self) -> int:
        """The most memory that the runtime was ever seen to have."""
        if self._runtime:
            with contextlib.suppress(ProcessLookupError):
                self._peak_mb = max(self._peak_mb, max_memory_mb(self._runtime.worker.pid))
        return self._peak_mb

    # Called by the Runtime API

    def ready(self) -> None:
        """The runtime asks for an event."""
        self.extensions.open = False
        self._asked(_RUNTIME)

    def restoring(self) -> None:
        """The runtime asks to be restored from a snapshot."""
        if not self._over:
            self._host.domain_restoring()

    def take(self, answer: Callable[[Invocation], None]) -> Callable[[], None]:
        """Call *answer* with an event when there is one, which may be now; what is returned ends the waiting for it."""
        offered, self._offered = self._offered, None
        if offered:
            answer(offered)
        else:
            self._asking.append(answer)
        return partial(self._leave, answer)

    def init_failed(self, failure: Failure) -> None:
        """The runtime reports that it cannot initialize, or cannot go on after a restore; it is expected to exit."""
        self._init_failure = failure

    # Called by the Extensions API

    def register(self, name: str, events: Sequence[str]) -> Extension:
        """An extension is there, and wants to hear of *events*. Raises `ExtensionError`."""
        extension = self.extensions.register(name, events)
        self._awaited.add(extension)
        if not any(other.state is State.STARTED for other in self.extensions):
            self._registered.set()
        return extension

    def extension_ready(self, extension: Extension) -> None:
        """*extension* asks for an event. Raises `ExtensionError`."""
        extension.move(State.READY)
        self._asked(extension)

    # Inside

    def _leave(self, answer: Callable[[Invocation], None]) -> None:
        with contextlib.suppress(ValueError):  # it has its event already
            self._asking.remove(answer)

    def _processes(self) -> list[Running]:
        return [*([self._runtime] if self._runtime else []), *self._running.values()]

    async def _start(self, address: str) -> None:
        if self.premises.extensions:
            await self._launch_extensions(address)
            await self._registered.wait()
        if self._over:
            return
        try:
            worker = await self._boot.runtime(self.premises, address)
        except EntrypointError as error:
            self._break("Runtime.InvalidEntrypoint", str(error))
        else:
            self._runtime = self._watch(worker, self._exited)
            if self._over:  # while it was being started
                worker.kill()

    async def _launch_extensions(self, address: str) -> None:
        for program in self.premises.extensions:
            extension = self.extensions.launch(program.name)
            try:
                if len(self.extensions) > MAX_EXTENSIONS:
                    raise EntrypointError(f"A function has at most {MAX_EXTENSIONS} extensions; {program} is too many")
                worker = await launch(program, self.premises, self._surroundings.world, address)
            except EntrypointError as error:
                extension.cannot_start(error.__cause__)
                self._break("Extension.LaunchError", str(error))
                return
            self._running[extension] = self._watch(worker, partial(self._extension_exited, extension))
            if self._over:  # while it was being started
                worker.kill()
                return

    def _watch(self, worker: Worker, exited: Callable[[str], None]) -> Running:
        self._surroundings.reaper.watch(worker.pid)

        async def until_the_end() -> None:
            how = await worker.ended()
            self._surroundings.reaper.forget(worker.pid)
            exited(how)

        return Running(worker, asyncio.get_running_loop().create_task(until_the_end()))

    def _asked(self, who: object) -> None:
        self._awaited.discard(who)
        if not self._awaited and not self._over:
            self.peak_memory_mb()
            self._host.domain_ready()

    def _exited(self, how: str) -> None:
        if self._init_failure and not self._over:
            self._host.domain_failed(self._init_failure)
            return
        reason = "without providing a reason" if how == "exit status 0" else f"with error: {how}"
        self._break("Runtime.ExitError", f"Runtime exited {reason}")

    def _extension_exited(self, extension: Extension, how: str) -> None:
        self._break(extension.fatal_error_type, "exit code 0" if how == "exit status 0" else how)

    def _break(self, error_type: str, reason: str) -> None:
        if not self._over:
            self._host.domain_broke(error_type, reason)


def _invoke_event(invocation: Invocation) -> dict[str, object]:
    event: dict[str, object] = {
        "eventType": "INVOKE",
        "deadlineMs": invocation.deadline_ms,
        "requestId": invocation.request_id,
        "invokedFunctionArn": invocation.invoked_arn,
    }
    if invocation.trace_id:
        event["tracing"] = {"type": "X-Amzn-Trace-Id", "value": invocation.trace_id}
    return event
