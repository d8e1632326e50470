"""The lines that an emulator and its functions write, for a test that waits for one of them."""

from __future__ import annotations

import threading

DEADLINE_SECONDS = 20


class Log:
    """Its `write` is what an emulator writes to."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._changed = threading.Condition()

    def write(self, line: str) -> None:
        with self._changed:
            self.lines.append(line)
            self._changed.notify_all()

    def wait_for(self, *wanted: str, times: int = 1) -> str:
        """The last line that has all of *wanted* in it, once there are so many of them."""

        def found() -> list[str]:
            return [line for line in self.lines if all(part in line for part in wanted)]

        with self._changed:
            assert self._changed.wait_for(lambda: len(found()) >= times, DEADLINE_SECONDS), "\n".join(self.lines)
            return found()[-1]
