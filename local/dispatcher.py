"""Finds an execution environment for each invocation, or starts one.

What hop this is: `function_url, invoke_api, custom_resources -> [dispatcher] -> environment`.

What the real service does: an idle environment is used again, and when all are busy a new one is started, up to the
function's reserved concurrency; past that the request is throttled, not queued
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html).

What differs here, on purpose:
1. changed code takes effect with the next invocation, without a deployment: environments with the old code finish what
   they are doing and are given up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from local.bandwidth import Bandwidth
from local.config import Function
from local.environment.execution import Environment, State
from local.environment.snapshot import Snapshot
from local.environment.surroundings import Surroundings
from local.invocation import Failure, Invocation


class ThrottledError(Exception):
    """The function's reserved concurrency is used up."""


class Pool:
    """The environments of one function."""

    def __init__(self, function: Function, surroundings: Surroundings) -> None:
        self._function = function
        self._surroundings = surroundings
        self._idle: list[Environment] = []  # the one used last is used next, so that the others can expire
        self._lives: dict[Environment, asyncio.Task[None]] = {}
        self._outdated: set[Environment] = set()
        self._snapshot: Snapshot | None = None  # of the code as it is
        self._snapshots: dict[Snapshot, asyncio.Task[None]] = {}

    def prepare(self) -> None:
        """Take the snapshot, where the function has SnapStart: what publishing a version does."""
        wanted = self._function.snap_start or self._surroundings.snapstart
        if wanted and not (self._snapshot and self._snapshot.usable):
            snapshot = self._snapshot = Snapshot(self._function, self._surroundings)
            life = asyncio.get_running_loop().create_task(snapshot.run())
            self._snapshots[snapshot] = life
            life.add_done_callback(lambda _: self._snapshot_ended(snapshot))

    def dispatch(self, invocation: Invocation) -> None:
        """Give *invocation* to an idle environment or to a new one. Raises `ThrottledError`."""
        environment = self._take_idle() or self._start()
        environment.offer(invocation)

    def deploy(self, function: Function) -> None:
        """*function* is what it is from now on; an environment that would be made otherwise takes no other event."""
        outdated = _environment_of(function) != _environment_of(self._function)
        self._function = function
        if outdated:
            self.outdate()

    def outdate(self) -> None:
        """The code has changed: no environment that has the old one takes another event."""
        self.retire()
        self.prepare()

    def retire(self) -> None:
        """No environment that there is takes another event."""
        self._outdated.update(self._lives)
        while self._idle:
            self._idle.pop().stop()
        self._snapshot = None
        self._close_unused_snapshots()

    async def drained(self) -> None:
        """Wait until nothing is left of the environments and snapshots that are outdated now."""
        lives = [life for environment, life in self._lives.items() if environment in self._outdated]
        lives += [life for snapshot, life in self._snapshots.items() if snapshot is not self._snapshot]
        if lives:
            await asyncio.wait(lives)

    @property
    def empty(self) -> bool:
        """Whether nothing is left of any environment."""
        return not self._lives and not self._snapshots

    async def close(self) -> None:
        """Stop every environment and wait until nothing of it is left."""
        lives = list(self._lives.values())
        for environment in list(self._lives):
            environment.stop()
        await asyncio.gather(*lives, return_exceptions=True)
        lives = list(self._snapshots.values())
        for snapshot in self._snapshots:
            snapshot.close()
        await asyncio.gather(*lives, return_exceptions=True)

    def _take_idle(self) -> Environment | None:
        while self._idle:
            environment = self._idle.pop()
            if environment.idle:  # and has not just died
                return environment
        return None

    def _start(self) -> Environment:
        limit = self._function.reserved_concurrency
        if limit is not None and self._busy() >= limit:
            raise ThrottledError(f"{self._function.name}: {limit} of {limit} reserved environments are busy")
        self.prepare()
        environment = Environment(self._function, self._surroundings, self._on_idle, self._snapshot)
        life = asyncio.get_running_loop().create_task(environment.run())
        self._lives[environment] = life
        life.add_done_callback(lambda _: self._ended(environment))
        return environment

    def _busy(self) -> int:
        return sum(environment.state is not State.STOPPED for environment in self._lives)

    def _on_idle(self, environment: Environment) -> None:
        if environment in self._outdated:
            environment.stop()
        elif environment not in self._idle:  # where it is already when its runtime ends between two invocations
            self._idle.append(environment)

    def _ended(self, environment: Environment) -> None:
        life = self._lives.pop(environment)
        self._outdated.discard(environment)
        if environment in self._idle:
            self._idle.remove(environment)
        self._close_unused_snapshots()
        if not life.cancelled():
            life.result()  # an environment must not fail without a trace

    def _snapshot_ended(self, snapshot: Snapshot) -> None:
        life = self._snapshots.pop(snapshot)
        if snapshot is self._snapshot and not snapshot.usable:
            self.retire()  # nothing can be restored from it any more
        if not life.cancelled():
            life.result()

    def _close_unused_snapshots(self) -> None:
        """End those of earlier code, once no environment lives that was restored from them and may be again."""
        if len(self._snapshots) > 1 or not self._snapshot:
            used = {environment.snapshot for environment in self._lives} | {self._snapshot}
            for snapshot in self._snapshots.keys() - used:
                snapshot.close()


class Dispatcher:
    """The pools of all functions; streamed replies are held to *bandwidth*, if there is one."""

    def __init__(
        self, functions: Iterable[Function], surroundings: Surroundings, *, bandwidth: Bandwidth | None = None
    ) -> None:
        self._surroundings = surroundings
        self._bandwidth = bandwidth
        self._pools = {function.name: Pool(function, surroundings) for function in functions}
        self._removed: list[Pool] = []  # what still runs there may end
        self._closed = False

    def invoke(self, invocation: Invocation) -> None:
        """Begin *invocation*; what becomes of it shows in the invocation itself. Raises `ThrottledError`."""
        pool = self._pools.get(invocation.function.name)
        if self._closed or pool is None:
            whose = "The local Lambda was stopped" if self._closed else "The function was deleted"
            invocation.end_reply(Failure.of("Sandbox.Failure", whose))
            invocation.completed.set()
            return
        if self._bandwidth and invocation.streamed:
            invocation.reply = self._bandwidth.reply()
        pool.dispatch(invocation)

    def deploy(self, functions: Iterable[Function]) -> None:
        """These are all the functions from now on: new ones, changed ones, and none that is not among them."""
        wanted = {function.name: function for function in functions}
        for name in [name for name in self._pools if name not in wanted]:
            pool = self._pools.pop(name)
            pool.retire()
            self._removed = [*(other for other in self._removed if not other.empty), pool]
        for name, function in wanted.items():
            if name in self._pools:
                self._pools[name].deploy(function)
            else:
                self._pools[name] = Pool(function, self._surroundings)
                self._pools[name].prepare()

    def outdate(self, function: Function) -> None:
        """The code of *function*, or of a layer of it, has changed."""
        self._pools[function.name].outdate()

    async def drained(self) -> None:
        """Wait until no environment is left of deleted functions, and none with old code."""
        await asyncio.gather(
            *(pool.drained() for pool in self._pools.values()), *(pool.drained() for pool in self._removed)
        )

    async def close(self) -> None:
        """Stop every environment of every function, and start no other."""
        self._closed = True
        await asyncio.gather(*(pool.close() for pool in [*self._pools.values(), *self._removed]))


def _environment_of(function: Function) -> Function:
    """*function* without what is outside of its environments: they live on when only this changes."""
    return replace(function, url=None, permissions=(), qualifiers=(), reserved_concurrency=None)
