"""The shutdown phase: how the processes of a domain are ended.

What hop this is: `domain -> [shutdown] -> runtime, extensions`.

What the real service does: without an extension, kills the runtime. With one, sends SIGTERM to the runtime, which has
300 ms, or 500 ms where an internal extension is in it; then tells the external extensions that want to hear of it, and
they have what is left of 2 s. What is still there then is killed, and so is, at once, an extension that does not want
to hear of it (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown;
https://github.com/aws-samples/graceful-shutdown-with-aws-lambda; the order is that of AWS's own runtime interface
emulator, `internal/lambda/rapid/shutdown.go`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from local.environment.extensions import Extension, Extensions
from local.environment.process import Worker

RUNTIME_SECONDS = 0.3
RUNTIME_WITH_INTERNAL_SECONDS = 0.5
LIMIT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Running:
    """A process, and the task that is done when nothing is left of it."""

    worker: Worker
    end: asyncio.Task[None]

    async def leave(self, seconds: float) -> None:
        """Wait until it has ended by itself; kill it when that takes longer than *seconds*."""
        done, _ = await asyncio.wait([self.end], timeout=max(seconds, 0))
        if not done:
            self.worker.kill()


async def in_order(
    runtime: Running | None, extensions: Extensions, running: Mapping[Extension, Running], reason: str
) -> None:
    """End all of it because of *reason*: spindown, timeout or failure."""
    began, limit_ms = time.monotonic(), int((time.time() + LIMIT_SECONDS) * 1000)
    if runtime:
        runtime.worker.terminate()
        has_internal = any(not extension.external for extension in extensions)
        await runtime.leave(RUNTIME_WITH_INTERNAL_SECONDS if has_internal else RUNTIME_SECONDS)
    event = {"eventType": "SHUTDOWN", "deadlineMs": limit_ms, "shutdownReason": reason}
    for extension, process in running.items():
        if "SHUTDOWN" in extension.events:
            extension.tell(event)
        else:
            process.worker.kill()
    left = LIMIT_SECONDS - (time.monotonic() - began)
    await asyncio.gather(*(process.leave(left) for process in running.values()))
