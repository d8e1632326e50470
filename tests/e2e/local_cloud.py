"""`python -m local` as a user runs it: a process of its own, its lines read as they come."""

from __future__ import annotations

import atexit
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent.parent
DEADLINE_SECONDS = 20.0


class LocalCloud:
    """One running emulator; `lines` are all that it has said so far."""

    def __init__(self, *arguments: str, cwd: Path = ROOT) -> None:
        self.lines: list[str] = []
        self._fresh: queue.Queue[str | None] = queue.Queue()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local", "--port", "0", "--aws-port", "0", *arguments],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        atexit.register(self.process.kill)  # a test that fails may not come to its stop(); after one, this does nothing
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.wait_for("Ctrl-C ends it")
        self.url = self._address("(?:page and stream|edge)")
        self.aws_url = self._address("AWS endpoint")

    def wait_for(self, wanted: str | Callable[[str], bool], *, seconds: float = DEADLINE_SECONDS) -> str:
        """The first line not waited past before that matches the pattern (or predicate) *wanted*."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self._fresh.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no line {wanted!r} in:\n" + "\n".join(self.lines)) from None
            if line is None:
                raise AssertionError(f"it ended before a line {wanted!r}:\n" + "\n".join(self.lines))
            if wanted(line) if callable(wanted) else re.search(wanted, line):
                return line

    def workers(self) -> list[psutil.Process]:
        """The processes that run the story function."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if _runs(child, "lambda_runtime/__main__.py")]

    def family(self) -> list[psutil.Process]:
        """Every process that the emulator has started."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """End it; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=DEADLINE_SECONDS)
        self._reader.join(timeout=DEADLINE_SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def _address(self, name: str) -> str:
        match = re.search(rf"{name} +(http://\S+?)/(\s|\"|$)", "\n".join(self.lines))
        assert match is not None
        return match[1]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            self._fresh.put(line.rstrip("\n"))
        self._fresh.put(None)


def _runs(process: psutil.Process, script: str) -> bool:
    try:
        return any(argument.endswith(script) for argument in process.cmdline())
    except psutil.NoSuchProcess:
        return False
