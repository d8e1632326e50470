"""SnapStart: one worker of a function, initialized once, and the environments that begin as copies of it.

What hop this is: `dispatcher -> [snapshot] -> domain, control`, and `execution -> [snapshot] -> restored`.

What the real service does: when a version is published, it initializes the function for up to 130 s, or the function's
timeout where that is longer, and takes a snapshot when the runtime asks for `restore/next`; environments are restored
from it, and none is initialized (https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html). A version whose init
fails cannot be used. The log names of the function are not among its variables
(https://docs.aws.amazon.com/lambda/latest/dg/snapstart-monitoring.html).

What differs here, on purpose:
1. the snapshot is a process, and restoring is forking: see `managed_runtime/restorer.py`. It is taken when the emulator
   starts and after each change of the code, and serves every invocation, whatever version or alias it names;
2. after an init that failed it is tried again with the next invocation;
3. a runtime that does not wait for copies to be asked for is initialized in each environment, and restored at once;
4. files in the snapshot's /tmp are copied to the one of each environment, which has another path;
5. extensions are not in the snapshot: they are started in each environment before it is restored.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from local.config import Function
from local.environment.boot import Boot, ColdBoot, Premises
from local.environment.control import Control
from local.environment.domain import Domain
from local.environment.process import Worker
from local.environment.restored import RestoredProcess
from local.environment.surroundings import Surroundings
from local.environment.turns import Turns
from local.environment.variables import RUNTIME_DIR
from local.invocation import Failure
from local.reports import InitReport

INIT_LIMIT_SECONDS = 130.0
RESTORER = RUNTIME_DIR / "restorer.py"


class SnapshotError(Exception):
    """The init phase of the snapshot failed; no environment can be made."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.error_type)
        self.failure = failure


class Restore:
    """Brings a runtime to life as a copy of the worker that waits behind *control*, which *premises* are of."""

    restores = True

    def __init__(self, control: Control, cold: ColdBoot, premises: Premises) -> None:
        self._control = control
        self._cold = cold
        self._premises = premises
        self._environ = cold.environ(premises, runtime_api="")
        self._has_files = any(premises.tmp.iterdir())
        self.turns: Turns | None = Turns()

    def opt(self, function: Function, folder: Path) -> Path:
        return self._premises.opt

    async def runtime(self, premises: Premises, runtime_api: str) -> Worker:
        if self._has_files:
            shutil.copytree(self._premises.tmp, premises.tmp, symlinks=True, dirs_exist_ok=True)
        environ = self._cold.environ(premises, runtime_api)
        changed = {name: value for name, value in environ.items() if self._environ.get(name) != value}
        return await RestoredProcess.restore(self._control, changed, premises.on_line)


class Snapshot:
    """What environments of *function* are restored from, as long as its code does not change; `run` is its life."""

    def __init__(self, function: Function, surroundings: Surroundings) -> None:
        self.usable = True
        self._function = function
        self._surroundings = surroundings
        self._reports = surroundings.reports
        self._boot: asyncio.Future[Boot] = asyncio.get_running_loop().create_future()
        self._domain: Domain | None = None
        self._closed = asyncio.Event()
        self._begun = time.monotonic()

    # Called by the dispatcher and by environments

    async def run(self) -> None:
        """Take the snapshot and keep it until it is closed; nothing of it is left then."""
        folder = self._surroundings.folder / secrets.token_hex(8)
        try:
            if hasattr(os, "pidfd_open"):
                await self._keep(folder)
            else:
                self._cannot_be_copied("that needs Linux")
        except OSError as error:
            self._fail(Failure.of("Sandbox.Failure", f"The snapshot cannot be taken: {error}"), "error")
        finally:
            self._fail(Failure.of("Sandbox.Failure", "The snapshot was given up"), None)
            shutil.rmtree(folder, ignore_errors=True)

    async def boot(self) -> Boot:
        """How an environment begins, once the snapshot is taken. Raises `SnapshotError`."""
        return await asyncio.shield(self._boot)

    def close(self) -> None:
        """End it; no environment that was restored from it may be left."""
        self.usable = False
        self._closed.set()

    # Called by the domain

    def domain_ready(self) -> None:
        """The runtime asks for an event, as if there were no snapshot to be taken."""
        self._cannot_be_copied("its runtime does not know how")

    def domain_restoring(self) -> None:
        """The runtime waits to be restored, but not to be copied."""
        self._cannot_be_copied("its runtime does not know how")

    def domain_broke(self, error_type: str, reason: str) -> None:
        """The worker has ended, or could not be started."""
        if self._boot.done():
            self._note(f"its snapshot has ended: {reason}")
        else:
            self._print(f"Error: {reason}")
        self._fail(Failure.of(error_type, f"Error: {reason}"), "error")

    def domain_failed(self, failure: Failure) -> None:
        """The worker has ended, and has said why before."""
        self._fail(failure, "error")

    # Inside

    async def _keep(self, folder: Path) -> None:
        control = Control()
        try:
            await self._live(folder, control)
        finally:
            control.close()

    async def _live(self, folder: Path, control: Control) -> None:
        more = {"LOCAL_LAMBDA_RESTORER": str(RESTORER), "LOCAL_LAMBDA_CONTROL": str(control.theirs.fileno())}
        boot = ColdBoot(self._surroundings.world, "snap-start", more, (control.theirs.fileno(),))
        premises = replace(Premises.make(folder, self._function, "", boot, self._print), extensions=())
        domain = self._domain = Domain(self, premises, self._surroundings, boot)
        life = asyncio.create_task(domain.live())
        closed = asyncio.create_task(self._closed.wait())
        limit = max(INIT_LIMIT_SECONDS, self._function.timeout_seconds)
        waited_for: set[asyncio.Future[Any]] = {life, closed, control.taken}
        try:
            done, _ = await asyncio.wait(waited_for, timeout=limit, return_when="FIRST_COMPLETED")
            if control.taken in done:
                self._taken(control.taken.result(), Restore(control, boot, premises))
            elif not done:
                message = f"Init phase timed out after {limit:.2f} seconds"
                self._fail(Failure.of("Sandbox.Timedout", message), "timeout")
                self.close()
            await asyncio.wait({life, closed}, return_when="FIRST_COMPLETED")
        finally:
            closed.cancel()
            domain.shut_down("spindown")
            await life

    def _taken(self, state: Mapping[str, Any], restore: Restore) -> None:
        """The worker has told, with its *state*, that it waits to be copied."""
        if state["foreign"]:
            self._cannot_be_copied(f"it has an event loop of {state['foreign'][0]}")
            return
        if threads := state["threads"]:
            ran = "1 other thread" if threads == 1 else f"{threads} other threads"
            self._note(f"its snapshot was taken while {ran} ran: on AWS they go on in every environment, here in none")
        self._reports.init(self._function, InitReport(self._elapsed_ms, "init", "success"))
        self._boot.set_result(restore)

    def _cannot_be_copied(self, why: str) -> None:
        """Let each environment be initialized by itself, and know what kind it is of."""
        if self._boot.done():  # an environment restored from it asks where it should not
            return
        self._note(f"cannot be restored from a snapshot here, each environment is initialized: {why}")
        self._boot.set_result(ColdBoot(self._surroundings.world, "snap-start"))
        if self._domain:
            self._domain.shut_down("spindown")
        self._closed.set()

    def _fail(self, failure: Failure, status: str | None) -> None:
        """There is no snapshot, or none any more."""
        self.usable = self.usable and status is None
        if self._boot.done():
            return
        if status:
            error_type = failure.error_type if status == "error" else None
            self._reports.init(self._function, InitReport(self._elapsed_ms, "init", status, error_type))
        self._boot.set_exception(SnapshotError(failure))
        self._boot.exception()  # it is no mistake when nobody asks

    @property
    def _elapsed_ms(self) -> float:
        return (time.monotonic() - self._begun) * 1000

    def _print(self, line: str) -> None:
        self._reports.output(self._function, line)

    def _note(self, text: str) -> None:
        self._reports.note(f"{self._function.logical_id}  {text}")
