"""A thousand stories at once, each told by an execution environment of its own, restored from one snapshot.

The emulator runs as a user runs it, `python -m local --snapstart`, in a process of its own; this one is all the
viewers, on raw sockets. All ask at the same moment, each for a story with its own seed, at the story's own pace. What
is measured, and how:

- every story has to be complete, its words and ids in their order, or nothing is printed but what was wrong;
- ready: when the last viewer had its first word, counted from the moment at which the first one asked;
- lag: how late an event came, compared with the schedule that its seed makes. The schedule begins where the least late
  event of that story puts it. Only events that came when all stories ran already are counted;
- memory: what the kernel says that all processes hold, shared pages divided by those who share them (PSS), when all
  stories are told and all environments wait, frozen; and what one environment has for itself alone (USS);
- left over: processes, and the emulator's folder, after Ctrl-C.

Run it with `make bench-1000`. It prints a Markdown table and writes it to tests/bench/results/thousand.md: medians of
the runs, each with an emulator of its own, and the smallest and largest. What else runs on the machine shows in them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate, islice
from pathlib import Path
from typing import cast
from urllib.parse import urlencode, urlsplit

import psutil
import uvloop

from stories.library import DEFAULT, STORIES
from stories.pauses import random_pauses

ROOT = Path(__file__).parent.parent.parent
RESULTS = Path(__file__).parent / "results"
EVENT = re.compile(rb"id: (\d+)\n(?:event: \S+\n)?data: (.*)\n\n")
START_SECONDS = STORY_SECONDS = 60


@dataclass
class Viewer(asyncio.Protocol):
    """One story as it came; *offsets* are the seconds after its first event at which each is due."""

    target: str
    host: str
    offsets: list[float]
    asked: float = 0.0
    reads: list[tuple[float, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.asked = time.monotonic()
        request = f"GET {self.target} HTTP/1.1\r\nHost: {self.host}\r\nConnection: close\r\n\r\n"
        cast("asyncio.WriteTransport", transport).write(request.encode())

    def data_received(self, data: bytes) -> None:
        self.reads.append((time.monotonic(), data))

    def connection_lost(self, error: Exception | None) -> None:
        self.ended.set_result(None)

    def events(self) -> Iterator[tuple[float, int, str]]:
        """When each event had come, its id and its data."""
        received = b""
        for at, data in self.reads:
            received += data
            whole = 0
            for match in EVENT.finditer(received):
                yield at, int(match[1]), match[2].decode()
                whole = match.end()
            received = received[whole:]


@dataclass
class Told:
    """What became of all the stories."""

    first: list[float] = field(default_factory=list)  # seconds from asking to the first word
    ready: float = 0.0
    lags: list[float] = field(default_factory=list)
    events: int = 0
    seconds: float = 0.0


def judge(viewers: list[Viewer], words: list[str]) -> Told:
    """Check every story and take the figures. Exits when one is not whole."""
    told, began = Told(), min(viewer.asked for viewer in viewers)
    arrivals = []
    for viewer in viewers:
        events = list(viewer.events())
        if [number for _, number, _ in events] != list(range(1, len(words) + 2)):
            head = b"".join(data for _, data in viewer.reads)[:300].decode(errors="replace")
            sys.exit(f"{viewer.target} is not whole: {len(events)} events. It begins {head!r}")
        if [data for *_, data in events[:-1]] != words:
            sys.exit(f"{viewer.target} has other words than the story")
        arrivals.append([at for at, *_ in events])
    running = max(times[0] for times in arrivals)
    told.ready = running - began
    for viewer, times in zip(viewers, arrivals, strict=True):
        late = [at - due for at, due in zip(times, viewer.offsets, strict=True)]
        told.lags += [lag - min(late) for at, lag in zip(times, late, strict=True) if at > running]
        told.first.append(times[0] - viewer.asked)
        told.events += len(times)
    told.seconds = max(times[-1] for times in arrivals) - began
    return told


async def view(url: str, count: int, words: int, pace: tuple[int, int]) -> list[Viewer]:
    """*count* viewers of one story, all at once; its pauses are within *pace*, in milliseconds."""
    host, port = urlsplit(url).hostname or "", urlsplit(url).port
    viewers = []
    for seed in range(count):
        query = {"seed": seed, "min_ms": pace[0], "max_ms": pace[1]}
        pauses = islice(accumulate(random_pauses(seed, min_ms=pace[0], max_ms=pace[1])), words)
        offsets = [0.0, *(milliseconds / 1000 for milliseconds in pauses)]
        viewers.append(Viewer(f"/sse?{urlencode(query)}", f"{host}:{port}", offsets))
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(loop.create_connection(lambda v=viewer: v, "127.0.0.1", port) for viewer in viewers))
    async with asyncio.timeout(STORY_SECONDS):
        await asyncio.gather(*(viewer.ended for viewer in viewers))
    return viewers


class Emulator:
    """`python -m local --snapstart`, its lines in a file, which nobody reads while it is measured."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "local", "--port", "0", "--aws-port", "0", "--snapstart"],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                env={"PATH": "/usr/bin:/bin", "HOME": str(Path.home()), "TMPDIR": str(folder)},
            )
        self.url = self._wait_for(r"page and stream +(http://\S+)/")
        self._wait_for(r"StoryFunction .*initReport")
        self._wait_for(r"is up to date \(Custom::Site\)")

    def lines(self) -> str:
        return self._log.read_text()

    def _wait_for(self, pattern: str) -> str:
        deadline = time.monotonic() + START_SECONDS
        while not (match := re.search(pattern, self.lines())):
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.process.kill()
                sys.exit(f"no line {pattern} in:\n{self.lines()}")
            time.sleep(0.05)
        return match[1] if match.groups() else match[0]


def figures(count: int, pace: tuple[int, int]) -> dict[str, float]:
    """Measure once, with an emulator of its own; the figures by what the table calls them. Exits when some are lost."""
    words = list(STORIES[DEFAULT].words())
    with tempfile.TemporaryDirectory() as name:
        emulator = Emulator(Path(name))
        family = psutil.Process(emulator.process.pid)
        try:
            load = os.getloadavg()[0]
            used = family.cpu_times()
            viewers = uvloop.run(view(emulator.url, count, len(words), pace))
            busy = family.cpu_times()
            told = judge(viewers, words)
            processes = [family, *family.children(recursive=True)]
            held = [process.memory_full_info() for process in processes]
        finally:
            emulator.process.send_signal(signal.SIGINT)
            code = emulator.process.wait(60)
        left = sum(process.is_running() for process in processes)
        left += sum(path.name != "log" for path in Path(name).iterdir())
        restores = sorted(map(float, re.findall(r'restoreReport.*"durationMs": ([\d.]+)', emulator.lines())))
    if len(restores) < count or len(processes) < count or code:
        sys.exit(f"{count} stories, but {len(restores)} restores and {len(processes)} processes; exit code {code}")
    lags = sorted(lag * 1000 for lag in told.lags)
    first = sorted(seconds * 1000 for seconds in told.first)
    return {
        "load of the machine before it began": load,
        "stories told, complete and in order": count,
        "execution environments restored": len(restores),
        "all have their first word after, s": told.ready,
        "time to the first word, median, ms": _at(first, 0.5),
        "time to the first word, p99, ms": _at(first, 0.99),
        "events a second once all run": len(lags) / (told.seconds - told.ready),
        "lag of an event, median, ms": _at(lags, 0.5),
        "lag of an event, p99, ms": _at(lags, 0.99),
        "lag of an event, worst, ms": lags[-1],
        "processor time of the emulator for an event, its start included, µs": (
            (busy.user + busy.system - used.user - used.system) / told.events * 1e6
        ),
        "memory of all processes (PSS), GiB": sum(info.pss for info in held) / 2**30,
        "memory of the emulator alone (PSS), GiB": held[0].pss / 2**30,
        "memory that an environment has for itself (USS), median, MiB": statistics.median(i.uss for i in held) / 2**20,
        "processes and folders left over after Ctrl-C": left,
    }


def table(runs: list[dict[str, float]]) -> str:
    """The medians of *runs* in Markdown, with the smallest and the largest."""
    rows = ["| | median | min | max |", "|---|---|---|---|"]
    for name in runs[0]:
        values = [run[name] for run in runs]
        rows.append(
            f"| {name} | " + " | ".join(map(_told, (statistics.median(values), min(values), max(values)))) + " |"
        )
    return "\n".join(rows)


def _told(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _command() -> str:
    niceness = os.nice(0)
    return f"nice -n {niceness} make bench-1000" if niceness else "make bench-1000"


def main() -> None:
    """Measure, print the table, write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a tenth of the pauses, to try it out")
    parser.add_argument("--output", type=Path, default=RESULTS / "thousand.md", help="where the table goes")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    pace = (20, 80) if options.quick else (200, 800)
    runs = [figures(options.streams, pace) for _ in range(options.runs)]
    head = f"`{DEFAULT}`, {len(runs)} runs, Python {sys.version.split()[0]}, {psutil.cpu_count()} cores; `{_command()}`"
    print(f"{head}\n\n{table(runs)}")
    options.output.write_text(f"# A thousand stories at once\n\n{head}\n\n{table(runs)}\n")


if __name__ == "__main__":
    main()
