"""What one story costs by each transport: the same story, seed and pace over server-sent events and over polling.

Both run against the local stack, one after the other, each in warm environments (one story without pauses went before).
Counted on the viewer's socket: requests, bytes sent and received, headers included. Lag is the time from the moment at
which a word was due to the moment at which it was there; the first word of each is due when it comes. Lambda's
milliseconds are those that the REPORT lines bill.

Run it with `make compare`; it takes as long as the story twice, and writes tests/bench/results/compare.svg.
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate, islice
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import h11

from stories.library import DEFAULT, END_EVENT
from stories.pauses import random_pauses
from tests.bench.compare_plot import plot
from tests.e2e.local_cloud import LocalCloud

RESULTS = Path(__file__).parent / "results"


@dataclass
class Run:
    """One story as a viewer got it; times in seconds of `time.monotonic`."""

    name: str
    began: float = field(default_factory=time.monotonic)
    requests: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0
    arrivals: list[float] = field(default_factory=list)
    billed_ms: int = 0

    def lags_ms(self, offsets_ms: list[int]) -> list[float]:
        """How late each event was, the first one excepted: the schedule begins with it."""
        first = self.arrivals[0]
        return [(at - first) * 1000 - due for at, due in zip(self.arrivals[1:], offsets_ms[1:], strict=True)]


class Viewer:
    """One kept connection to the edge that counts what goes over it for *run*."""

    def __init__(self, url: str, run: Run) -> None:
        parts = urlsplit(url)
        self._host = parts.netloc
        self._run = run
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 80))
        self._http = h11.Connection(h11.CLIENT)

    def get(self, target: str) -> Iterator[bytes]:
        """The body of the answer, piece by piece, as it comes."""
        self._run.requests += 1
        head = h11.Request(method="GET", target=target, headers=[("host", self._host)])
        request = (self._http.send(head) or b"") + (self._http.send(h11.EndOfMessage()) or b"")
        self._run.sent_bytes += len(request)
        self._socket.sendall(request)
        while not isinstance(event := self._next(), h11.EndOfMessage):
            if isinstance(event, h11.Response) and event.status_code != 200:
                raise SystemExit(f"{target} answers {event.status_code}")
            if isinstance(event, h11.Data):
                yield bytes(event.data)
        self._http.start_next_cycle()

    def close(self) -> None:
        self._socket.close()

    def _next(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            received = self._socket.recv(65536)
            self._run.received_bytes += len(received)
            self._http.receive_data(received)
        return event


def stream(url: str, query: dict[str, object]) -> Run:
    """The story as server-sent events."""
    run = Run("server-sent events")
    viewer = Viewer(url, run)
    for piece in viewer.get(f"/api/sse?{urlencode(query)}"):
        run.arrivals += [time.monotonic()] * piece.count(b"\ndata: ")
    viewer.close()
    return run


def poll(url: str, query: dict[str, object]) -> Run:
    """The same story by asking again whenever the next word is due."""
    run = Run("polling")
    viewer = Viewer(url, run)
    answer = _ask(viewer, query)
    while True:
        run.arrivals += [time.monotonic()] * len(answer["events"])
        if answer["done"]:
            viewer.close()
            return run
        time.sleep(answer["next_ms"] / 1000)
        after = len(run.arrivals)
        answer = _ask(viewer, {**query, "started": answer["started"], "after": after})


def _ask(viewer: Viewer, query: dict[str, object]) -> dict[str, object]:
    answer: dict[str, object] = json.loads(b"".join(viewer.get(f"/api/poll?{urlencode(query)}")))
    return answer


def billed_ms(lines: list[str], function: str) -> int:
    """What the REPORT lines of *function* in *lines* bill, in all."""
    reports = [line for line in lines if line.startswith(f"{function} ") and "platform.report" in line]
    return sum(int(match[1]) for line in reports if (match := re.search(r'"billedDurationMs": (\d+)', line)))


def measured(cloud: LocalCloud, story: str, seed: int, quick: bool) -> tuple[list[Run], list[int]]:
    """Both runs, and when each event is due, in milliseconds after the first."""
    query: dict[str, object] = {"story": story, "seed": seed} | ({"min_ms": 20, "max_ms": 80} if quick else {})
    runs = []
    for transport, function in ((stream, "StoryFunction"), (poll, "ApiFunction")):
        transport(cloud.url, {**query, "min_ms": 0, "max_ms": 0})  # the cold start is another story
        cloud.wait_for(f"^{function} .*platform.report")
        before = len(cloud.lines)
        run = transport(cloud.url, query)
        for _ in range(run.requests):
            cloud.wait_for(f"^{function} .*platform.report")
        run.billed_ms = billed_ms(cloud.lines[before:], function)
        runs.append(run)
    shortest, longest = (20, 80) if quick else (200, 800)
    pauses = random_pauses(seed, min_ms=shortest, max_ms=longest)
    return runs, [0, *islice(accumulate(pauses), len(runs[0].arrivals) - 1)]


def table(runs: list[Run], offsets_ms: list[int]) -> str:
    """The comparison as Markdown."""
    rows = [("", *(run.name for run in runs)), ("---",) * (len(runs) + 1)]
    rows.append(("requests", *(str(run.requests) for run in runs)))
    rows.append(("bytes sent by the viewer", *(f"{run.sent_bytes:,}" for run in runs)))
    rows.append(("bytes received", *(f"{run.received_bytes:,}" for run in runs)))
    rows.append(("time to the first word", *(f"{(run.arrivals[0] - run.began) * 1000:.1f} ms" for run in runs)))
    for name, figure in (("median", statistics.median), ("worst", max)):
        rows.append((f"lag per word, {name}", *(f"{figure(run.lags_ms(offsets_ms)):.1f} ms" for run in runs)))
    rows.append(("Lambda, billed", *(f"{run.billed_ms:,} ms" for run in runs)))
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def main() -> None:
    """Measure, print the table, write the plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--story", default=DEFAULT)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="a tenth of the pace, to try it out")
    parser.add_argument("--output", type=Path, default=RESULTS / "compare.svg", help="where the plot goes")
    options = parser.parse_args()
    cloud = LocalCloud()
    try:
        runs, offsets_ms = measured(cloud, options.story, options.seed, options.quick)
    finally:
        cloud.stop()
    print(f"`{options.story}`, seed {options.seed}, {len(offsets_ms)} events with {END_EVENT}\n")
    print(table(runs, offsets_ms))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(plot([(run.name, run.lags_ms(offsets_ms)) for run in runs]))


if __name__ == "__main__":
    main()
