"""What goes to standard output and standard error; the emulator's lines of a moment in one write.

What hop this is: beside every hop, at the end of `reports`.

An invocation has four or five lines, and a system call for each of them would be paid by whoever waits for the next
first byte. Nobody who reads them sees a hundredth of a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import TextIO

from local.errors import EmulatorError

MOMENT_SECONDS = 0.01


class Console:
    """Writes lines from a running event loop; `flush` writes what is left at its end."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def write(self, line: str) -> None:
        """Write *line*, with others of this moment."""
        if not self._lines:
            asyncio.get_running_loop().call_later(MOMENT_SECONDS, self.flush)
        self._lines.append(line)

    def flush(self) -> None:
        """Write what has not been written yet."""
        lines, self._lines = self._lines, []
        try:
            sys.stdout.write("".join(f"{line}\n" for line in lines))
            sys.stdout.flush()
        except OSError:  # whoever read the lines has left, or the disk is full: it serves on
            _discard(sys.stdout)


class ReaderLeftError(Exception):
    """Nobody reads standard output any more."""


def write_output(data: bytes) -> None:
    """Write *data* to standard output. Raises `EmulatorError` where that cannot be, and `ReaderLeftError`."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        _discard(sys.stdout)
        if isinstance(error, BrokenPipeError):
            raise ReaderLeftError from error
        raise EmulatorError(f"Standard output cannot be written: {error.strerror}.") from error


def write_error(line: str) -> None:
    """Write *line* to standard error, where it can be written."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        _discard(sys.stderr)


def _discard(stream: TextIO) -> None:
    """Put the null device behind *stream*: what it still holds would fail again at the end of the process."""
    with contextlib.suppress(OSError), open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), stream.fileno())
