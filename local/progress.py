"""How far a reply has come on its way to the viewer: told when the viewer leaves.

What hop this is: beside `function_url`, which says what it sends.

What the real service does: nothing of the kind; CloudWatch does not know that the viewer has left. What is sent may not
have been read: some of it waits in sockets and proxies.
"""

from __future__ import annotations

from collections.abc import Iterable

from local.wire.headers import Header

EVENT_STREAM = b"text/event-stream"
BATCH_BYTES = 4096


class Progress:
    """Counts the bytes of a body and, when it is an event stream, its events: whatever ends with an empty line.

    Events are counted a few kilobytes at a time, or when somebody asks, so that a chunk costs next to nothing.
    """

    __slots__ = ("_after_return", "_events", "_line_end", "_uncounted", "_uncounted_bytes", "sent_bytes")

    def __init__(self) -> None:
        self.sent_bytes = 0
        self._events: int | None = None
        self._uncounted: list[bytes] = []
        self._uncounted_bytes = 0
        self._line_end = b""  # of what was counted, when the next may begin with the empty line after it
        self._after_return = False

    def begin(self, headers: Iterable[Header]) -> None:
        """The body that is about to be sent has these *headers*."""
        if any(name.lower() == b"content-type" and value.startswith(EVENT_STREAM) for name, value in headers):
            self._events = 0

    def add(self, data: bytes) -> None:
        """*data* is sent."""
        size = len(data)
        self.sent_bytes += size
        if self._events is not None:
            self._uncounted.append(data)
            self._uncounted_bytes += size
            if self._uncounted_bytes > BATCH_BYTES:
                self._count(self._events)

    def in_words(self) -> str:
        """`at event 12`, `at byte 4711`, `before the first byte`."""
        if self.sent_bytes == 0:
            return "before the first byte"
        if self._events is None:
            return f"at byte {self.sent_bytes}"
        events = self._count(self._events)
        return f"at event {events}" if events else "in the first event"

    def _count(self, before: int) -> int:
        """All events so far, when there were so many *before* those that are not counted yet."""
        data = b"".join(self._uncounted)
        self._uncounted, self._uncounted_bytes = [], 0
        if self._after_return or b"\r" in data:
            data = self._with_line_feeds(data)
        seen = self._line_end + data
        self._events = before + seen.count(b"\n\n")
        self._line_end = b"\n" if seen.endswith(b"\n") and not seen.endswith(b"\n\n") else b""
        return self._events

    def _with_line_feeds(self, data: bytes) -> bytes:
        if self._after_return and data.startswith(b"\n"):
            data = data[1:]
        self._after_return = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
