"""How the processes of a domain begin: what an environment is made of, and what is started in it.

What hop this is: `domain -> [boot] -> process -> bootstrap`.

What the real service does: starts the runtime of each environment, or restores it from a snapshot of one that has
initialized (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html). Extensions are processes
beside it, with the environment variables that do not concern the runtime alone
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from local.config import Function
from local.environment.process import Worker, WorkerProcess, command
from local.environment.variables import World, for_extensions, variables


@dataclass(frozen=True, slots=True)
class Premises:
    """What stays the same from one domain of an environment to the next."""

    function: Function
    log_stream: str
    opt: Path
    tmp: Path
    extensions: tuple[Path, ...]  # the programs of the external ones
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
        environ = _variables(premises, self._world, runtime_api)
        argv = command(premises.function, environ, premises.opt)
        return await WorkerProcess.spawn(argv, environ, cwd=premises.function.code, on_line=premises.on_line)


async def launch(program: Path, premises: Premises, world: World, extensions_api: str) -> Worker:
    """Start the external extension *program*, which will register at *extensions_api*. Raises `EntrypointError`."""
    environ = for_extensions(_variables(premises, world, extensions_api))
    return await WorkerProcess.spawn([str(program)], environ, cwd=Path("/"), on_line=premises.on_line)


def _variables(premises: Premises, world: World, runtime_api: str) -> dict[str, str]:
    return variables(
        premises.function,
        world,
        log_stream=premises.log_stream,
        runtime_api=runtime_api,
        opt=premises.opt,
        tmp=premises.tmp,
    )
