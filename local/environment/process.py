"""The worker process of an environment: how it is started, what it prints, how it ends.

What hop this is: `execution -> [process] -> bootstrap`.

What the real service does: a managed runtime's own bootstrap starts AWS's client, or, when the function names one in
`AWS_LAMBDA_EXEC_WRAPPER`, that program with the interpreter and the script it would have started
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html); `provided.*` starts the function's own `bootstrap`,
or a layer's (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html). Each runs in a process group of its
own, which is killed without a warning unless an extension is there (see `shutdown`).

What differs here, on purpose:
1. a managed Python runtime is the interpreter that runs the emulator, whatever version the template names.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

from local.config import RUNTIMES, Function
from local.environment.variables import RUNTIME_DIR

LAST_WORDS_SECONDS = 1
MAX_LINE_BYTES = 256 * 1024  # as long as a log event can be: a longer line is cut into several


class EntrypointError(Exception):
    """There is nothing to start; the text says what was looked for."""


def command(function: Function, environ: Mapping[str, str], opt: Path) -> list[str]:
    """What to execute for *function*. Raises `EntrypointError`."""
    if not function.runtime.startswith(RUNTIMES):
        raise EntrypointError(
            f"runtime {function.runtime} is not emulated: use python3.x, or provided.al2023 with a bootstrap"
        )
    if function.runtime.startswith("provided"):
        return [_first_executable(function.code / "bootstrap", opt / "bootstrap")]
    script = [sys.executable, str(RUNTIME_DIR / "bootstrap.py")]
    if wrapper := environ.get("AWS_LAMBDA_EXEC_WRAPPER"):
        return [_first_executable(Path(wrapper)), *script]
    return [*script, str(opt)]


def _first_executable(*candidates: Path) -> str:
    for path in candidates:
        if path.is_file():
            if not os.access(path, os.X_OK):
                raise EntrypointError(f"{path} is not executable: run chmod +x on it")
            return str(path)
    raise EntrypointError("Couldn't find valid bootstrap(s): " + ", ".join(map(str, candidates)))


def _why_not_started(program: str, cwd: Path, error: OSError) -> str:
    """The system says the same of a program that is not there and of its folder."""
    if not cwd.is_dir():
        return f"the folder {cwd}, where the code was, does not exist any more"
    return f"{program} cannot be started: {error.strerror}"


class Worker(ABC):
    """A running worker, the leader of its own process group."""

    pid: int

    @property
    @abstractmethod
    def running(self) -> bool: ...

    @abstractmethod
    async def ended(self) -> str:
        """Wait for the end of the process, its group and its output; how it ended, in Lambda's words."""

    def freeze(self) -> None:
        """Stop the whole process group where it stands."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on from there."""
        self._signal(signal.SIGCONT)

    def terminate(self) -> None:
        """Ask the whole process group to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the whole process group."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        """Signal the whole process group; what has ended already is none the worse for it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # the latter is macOS's word for ended
            os.killpg(self.pid, number)


class Output(asyncio.Protocol):
    """What a worker prints; each line goes to *on_line*."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._pending = b""  # the beginning of a line
        self._silent = asyncio.Event()  # nobody holds it open any more

    def data_received(self, data: bytes) -> None:
        *lines, self._pending = (self._pending + data).split(b"\n")
        if len(self._pending) > MAX_LINE_BYTES:
            lines, self._pending = [*lines, self._pending], b""
        for line in lines:
            self._on_line(line.decode(errors="replace"))

    def connection_lost(self, error: Exception | None) -> None:
        if self._pending:
            self._on_line(self._pending.decode(errors="replace"))
        self._silent.set()

    async def last_words(self) -> None:
        """Wait, when the worker has ended, for what it has printed.

        A child that left its process group may hold the output open; what the worker itself printed is there by now.
        """
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._silent.wait(), LAST_WORDS_SECONDS)


class WorkerProcess(asyncio.SubprocessProtocol, Worker):
    """A worker that was started by executing a program."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._output = Output(on_line)
        self._exited = asyncio.Event()

    @classmethod
    async def spawn(
        cls,
        argv: list[str],
        environ: Mapping[str, str],
        *,
        cwd: Path,
        on_line: Callable[[str], None],
        descriptors: tuple[int, ...] = (),
    ) -> WorkerProcess:
        """Start *argv*, which inherits *descriptors*. Raises `EntrypointError` when it cannot start."""
        try:
            _, process = await asyncio.get_running_loop().subprocess_exec(
                lambda: cls(on_line),
                *argv,
                env=environ,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # its own group, and no Ctrl-C from the emulator's terminal
                pass_fds=descriptors,
            )
        except OSError as error:
            raise EntrypointError(_why_not_started(argv[0], cwd, error)) from error
        return process

    @property
    def running(self) -> bool:
        return self._transport.get_returncode() is None

    async def ended(self) -> str:
        await self._exited.wait()
        self.kill()  # what else is in its group, and may hold the output open
        await self._output.last_words()
        self._transport.close()
        code = self._transport.get_returncode()
        assert code is not None
        return in_words(code)

    # Protocol interface

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self.pid = self._transport.get_pid()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._output.data_received(data)

    def pipe_connection_lost(self, fd: int, error: Exception | None) -> None:
        self._output.connection_lost(error)

    def process_exited(self) -> None:
        self._exited.set()


def in_words(exit_code: int) -> str:
    """How a process ended, as Lambda says it; *exit_code* is negative after a signal."""
    if exit_code < 0:
        return f"signal: {signal.strsignal(-exit_code) or -exit_code}".lower()
    return f"exit status {exit_code}"
