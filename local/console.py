"""The emulator's lines on standard output, those of a moment in one write.

What hop this is: beside every hop, at the end of `reports`.

An invocation has four or five lines, and a system call for each of them would be paid by whoever waits for the next
first byte. Nobody who reads them sees a hundredth of a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

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
        with contextlib.suppress(OSError):  # whoever read the lines has left, or the disk is full: it serves on
            sys.stdout.write("".join(f"{line}\n" for line in lines))
            sys.stdout.flush()
