"""Ends every worker when the emulator itself is killed.

What hop this is: `process -> [reaper]`, beside the way of a request.

What the real service does: nothing of the kind; there a machine goes away as a whole. Here `kill -9` of the emulator
must not leave workers running, and a worker in another language, or asleep in its handler, would not notice by itself.
So one small child process knows all workers and waits for its standard input to end, which the kernel guarantees.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path


class Reaper:
    """The emulator's side: tells the child which process groups live, and which folder goes with them."""

    def __init__(self, folder: Path) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, str(folder)],
            stdin=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )

    def watch(self, pid: int) -> None:
        """The process group *pid* lives."""
        self._tell(f"+{pid}\n")

    def forget(self, pid: int) -> None:
        """The process group *pid* has ended."""
        self._tell(f"-{pid}\n")

    def close(self) -> None:
        """Let the child end whatever is left, remove the folder, and go."""
        assert self._child.stdin is not None
        self._child.stdin.close()
        self._child.wait(timeout=10)

    def _tell(self, line: str) -> None:
        assert self._child.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # somebody killed it; the emulator works without it
            self._child.stdin.write(line.encode())


def main(folder: str) -> None:
    """The child's side."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    alive = set()
    for line in sys.stdin:
        pid = int(line[1:])
        if line[0] == "+":
            alive.add(pid)
        else:
            alive.discard(pid)
    for pid in alive:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
