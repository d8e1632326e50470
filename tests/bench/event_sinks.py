"""What the client does with a body as it comes: counts events, or reads from each when it left."""

from __future__ import annotations

_END = b"\n\n"
_DATA = b"\ndata: "


class Counter:
    """How many events have come, and when the first and the last one did."""

    def __init__(self) -> None:
        self.count = 0
        self.first_ns = 0
        self.last_ns = 0
        self._tail = b""

    def __call__(self, now_ns: int, body: bytes) -> None:
        text = self._tail + body
        if count := text.count(_END):
            self.count += count
            self.first_ns = self.first_ns or now_ns
            self.last_ns = now_ns
        # A newline may be the first half of an end, unless it is the second.
        self._tail = b"\n" if text.endswith(b"\n") and not text.endswith(_END) else b""


class Stamps:
    """The moment at which each event left, as it says itself, and that at which it came; events come one by one."""

    def __init__(self) -> None:
        self.sent_ns: list[int] = []
        self.came_ns: list[int] = []
        self._rest = b""

    def __call__(self, now_ns: int, body: bytes) -> None:
        *events, self._rest = (self._rest + body).split(_END)
        for event in events:
            self.sent_ns.append(int((b"\n" + event).partition(_DATA)[2].partition(b"\n")[0]))
            self.came_ns.append(now_ns)

    def lags_ms(self, since_ns: int = 0) -> list[float]:
        """How long each event was on its way, of those that left at *since_ns* or later."""
        pairs = zip(self.sent_ns, self.came_ns, strict=True)
        return [(came - sent) / 1e6 for sent, came in pairs if sent >= since_ns]
