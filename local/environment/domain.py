"""The processes of an environment between two resets: the runtime, and the Runtime API that it asks for its events.

What hop this is: `execution -> [domain] <- runtime_api <- worker`; `boot` starts the worker.

What the real service does: an environment outlives its runtime. When the runtime has crashed, or its time was up, it is
ended, and another is started in the same environment with the next invocation
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html; AWS's own runtime interface emulator
calls what is ended and started together the runtime domain, and counts its generations).

What differs here, on purpose:
1. each domain has a Runtime API at a port of its own, so that nothing can come from a runtime that was given up.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol

from local.environment.boot import Boot, Premises
from local.environment.process import EntrypointError, Worker, max_memory_mb
from local.environment.surroundings import Surroundings
from local.invocation import Failure, Invocation


class Host(Protocol):
    """The environment, as its domain sees it."""

    def domain_ready(self) -> None:
        """The runtime asks for an event: its init phase, or the invocation it had, is over."""

    def domain_broke(self, error_type: str, reason: str) -> None:
        """The runtime has ended, or could not be started."""

    def domain_failed(self, failure: Failure) -> None:
        """The runtime has ended, and has said why before."""


class Domain:
    """One life of a runtime in the environment *host*; it begins with *boot*."""

    def __init__(self, host: Host, premises: Premises, surroundings: Surroundings, boot: Boot) -> None:
        self._host = host
        self._premises = premises
        self._surroundings = surroundings
        self._boot = boot
        self._runtime: Worker | None = None
        self._init_failure: Failure | None = None
        self._offered = asyncio.Event()
        self._invocation: Invocation | None = None
        self._peak_mb = 0
        self._over = False  # what still comes from its runtime is only an echo

    # Called by the environment

    @property
    def alive(self) -> bool:
        """Whether the runtime runs."""
        return self._runtime is not None and self._runtime.running and not self._over

    async def live(self) -> None:
        """Start the runtime and stay with it until it has ended. Raises `OSError` when there is no socket to be had."""
        listener = await self._surroundings.listen(self)
        try:
            runtime = self._runtime = await self._boot.runtime(self._premises, listener.address)
            if self._over:  # while it was being started
                runtime.kill()
            self._surroundings.reaper.watch(runtime.pid)
            how = await runtime.ended()
            self._surroundings.reaper.forget(runtime.pid)
            self._exited(how)
        except EntrypointError as error:
            if not self._over:
                self._host.domain_broke("Runtime.InvalidEntrypoint", str(error))
        finally:
            self.shut_down()
            listener.close()

    def release(self, invocation: Invocation) -> None:
        """Hand the runtime, which asks for it, its next event."""
        self._invocation = invocation
        self._offered.set()

    def freeze(self) -> None:
        """Between invocations nothing in the domain runs, threads included."""
        if self._runtime:
            self._runtime.freeze()

    def thaw(self) -> None:
        """Let it go on from there."""
        if self._runtime:
            self._runtime.thaw()

    def shut_down(self) -> None:
        """End the runtime; nothing of what it still asks is heard."""
        self._over = True
        self._offered.clear()
        if self._runtime:
            self._runtime.kill()

    def peak_memory_mb(self) -> int:
        """The most memory that the runtime was ever seen to have."""
        if self._runtime:
            with contextlib.suppress(ProcessLookupError):
                self._peak_mb = max(self._peak_mb, max_memory_mb(self._runtime.pid))
        return self._peak_mb

    # Called by the Runtime API

    def ready(self) -> None:
        """The runtime asks for an event."""
        if not self._over:
            self.peak_memory_mb()
            self._host.domain_ready()

    async def take(self) -> Invocation:
        """Wait for an event."""
        while not self._offered.is_set():  # a second connection may wait as well, and only one may have it
            await self._offered.wait()
        self._offered.clear()
        assert self._invocation is not None
        return self._invocation

    def init_failed(self, failure: Failure) -> None:
        """The runtime reports that it cannot initialize; it is expected to exit."""
        self._init_failure = failure

    # Inside

    def _exited(self, how: str) -> None:
        if self._over:
            return
        if self._init_failure:
            self._host.domain_failed(self._init_failure)
            return
        reason = "without providing a reason" if how == "exit status 0" else f"with error: {how}"
        self._host.domain_broke("Runtime.ExitError", f"Runtime exited {reason}")
