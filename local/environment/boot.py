"""How the runtime of a domain begins: what an environment is made of, and the process that is started in it.

What hop this is: `domain -> [boot] -> process -> bootstrap`.

What the real service does: starts the runtime of each environment, or restores it from a snapshot of one that has
initialized (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from local.config import Function
from local.environment.process import Worker, WorkerProcess, command
from local.environment.variables import World, variables


@dataclass(frozen=True, slots=True)
class Premises:
    """What stays the same from one domain of an environment to the next."""

    function: Function
    log_stream: str
    opt: Path
    tmp: Path
    on_line: Callable[[str], None]  # a line that one of the processes printed


class Boot(Protocol):
    """Brings a runtime to life."""

    async def runtime(self, premises: Premises, runtime_api: str) -> Worker:
        """The worker, which will ask *runtime_api* for its events. Raises `EntrypointError`, and `OSError`."""


class ColdBoot:
    """Starts the runtime's program."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def runtime(self, premises: Premises, runtime_api: str) -> Worker:
        function = premises.function
        environ = variables(
            function,
            self._world,
            log_stream=premises.log_stream,
            runtime_api=runtime_api,
            opt=premises.opt,
            tmp=premises.tmp,
        )
        argv = command(function, environ, premises.opt)
        return await WorkerProcess.spawn(argv, environ, cwd=function.code, on_line=premises.on_line)
