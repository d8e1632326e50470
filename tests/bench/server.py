"""One server process under test: started on a free port, ready when it listens, and ended with all that it started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import psutil

from tests.bench import cores

START_SECONDS = 30
STOP_SECONDS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """How a server is started: `{port}` in its command, or in a variable, is the port that it is to listen on.

    *deploy* is called with that port when the server listens, and returns the path of each function by its name.
    """

    command: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    has_workers: bool = False
    deploy: Callable[[int], Mapping[str, str]] | None = None


class Server:
    """A running *program*; `with` ends it."""

    def __init__(self, program: Program, *, pinned: bool = True) -> None:
        self.program = program
        self.port = free_port()
        self.paths: Mapping[str, str] = {}
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        self.started_ns = time.monotonic_ns()
        command = [part.format(port=self.port, spare_port=free_port()) for part in program.command]
        self.process = subprocess.Popen(
            cores.pinned(command) if pinned else command,
            cwd=program.folder,
            env={**os.environ, **{name: text.format(port=self.port) for name, text in program.variables.items()}},
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> Server:
        try:
            self._wait_until_it_listens()
            if self.program.deploy:
                self.paths = self.program.deploy(self.port)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def pin_workers(self) -> bool:
        """Workers get the client's core; there may be new ones after a request, and whether there were is returned."""
        return self.program.has_workers and cores.pin_children(self.process.pid)

    def family(self) -> list[psutil.Process]:
        """The server and all that it has started."""
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def stop(self) -> None:
        """Ask it to end; what has not ended in time is killed."""
        family = self.family() if self.process.poll() is None else []
        if family:
            self.process.send_signal(signal.SIGTERM)
            _, left = psutil.wait_procs(family, timeout=STOP_SECONDS)
            for process in left:
                process.kill()
        self.process.wait()
        self.log.close()

    def said(self) -> str:
        """The end of what it has written."""
        self.log.seek(0)
        return self.log.read().decode(errors="replace")[-2000:]

    def _wait_until_it_listens(self) -> None:
        while time.monotonic_ns() - self.started_ns < START_SECONDS * 1e9 and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.005)
            else:
                return
        raise SystemExit(f"{' '.join(self.program.command)} does not listen:\n{self.said()}")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
