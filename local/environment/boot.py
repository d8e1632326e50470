"""How the processes of a domain begin: what an environment is made of, and what is started in it.

What hop this is: `domain -> [boot] -> process -> bootstrap`.

What the real service does: starts the runtime of each environment, or restores it from a snapshot of one that has
initialized (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html). Extensions are processes
beside it, with the environment variables that do not concern the runtime alone
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from local.config import Function
from local.environment.filesystem import extension_programs, mount_layers
from local.environment.process import Worker, WorkerProcess, command
from local.environment.turns import Turns
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

    @classmethod
    def make(
        cls, folder: Path, function: Function, log_stream: str, boot: Boot, on_line: Callable[[str], None]
    ) -> Premises:
        """All of it, below *folder*. Raises `OSError`."""
        # Where links lead now, it stays: what it imports later is of the code that it began with.
        layers = tuple(layer.resolve() for layer in function.layers)
        function = replace(function, code=function.code.resolve(), layers=layers)
        tmp = folder / "tmp"
        tmp.mkdir(parents=True)
        opt = boot.opt(function, folder)
        return cls(function, log_stream, opt, tmp, extension_programs(opt), on_line)


class Boot(Protocol):
    """Brings a runtime to life."""

    restores: bool  # it is a copy of one that has initialized
    turns: Turns | None  # where not all can begin at once

    def opt(self, function: Function, folder: Path) -> Path:
        """What stands for /opt, in *folder* or elsewhere. Raises `OSError`."""

    async def runtime(self, premises: Premises, runtime_api: str) -> Worker:
        """The worker, which will ask *runtime_api* for its events. Raises `EntrypointError`, and `OSError`."""


class ColdBoot:
    """Starts the runtime's program, with *more* variables, and *descriptors* to inherit."""

    restores = False
    turns: Turns | None = None

    def __init__(
        self,
        world: World,
        initialization_type: str = "on-demand",
        more: Mapping[str, str] | None = None,
        descriptors: tuple[int, ...] = (),
    ) -> None:
        self._world = world
        self._initialization_type = initialization_type
        self._more = more or {}
        self._descriptors = descriptors

    def opt(self, function: Function, folder: Path) -> Path:
        return mount_layers(function.layers, folder)

    def environ(self, premises: Premises, runtime_api: str) -> dict[str, str]:
        """All variables of the worker."""
        return {**_variables(premises, self._world, runtime_api, self._initialization_type), **self._more}

    async def runtime(self, premises: Premises, runtime_api: str) -> Worker:
        environ = self.environ(premises, runtime_api)
        return await WorkerProcess.spawn(
            command(premises.function, environ, premises.opt),
            environ,
            cwd=premises.function.code,
            on_line=premises.on_line,
            descriptors=self._descriptors,
        )


async def launch(program: Path, premises: Premises, world: World, extensions_api: str) -> Worker:
    """Start the external extension *program*, which will register at *extensions_api*. Raises `EntrypointError`."""
    environ = for_extensions(_variables(premises, world, extensions_api))
    return await WorkerProcess.spawn([str(program)], environ, cwd=Path("/"), on_line=premises.on_line)


def _variables(
    premises: Premises, world: World, runtime_api: str, initialization_type: str = "on-demand"
) -> dict[str, str]:
    return variables(
        premises.function,
        world,
        initialization_type=initialization_type,
        log_stream=premises.log_stream,
        runtime_api=runtime_api,
        opt=premises.opt,
        tmp=premises.tmp,
    )
