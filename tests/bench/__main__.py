"""The benchmarks: `make bench`, or `python -m tests.bench --only first_byte --runs 5` for a part of them.

Servers are black boxes, reached over sockets and started by their commands. In each run every peer has its turn, so
that a busy machine slows all of them alike. A run of everything is kept in results/, and its targets in the README; of
a part of it that is done with --keep.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import tempfile
from pathlib import Path

import uvloop

from tests.bench import cold_start, cores, drift, first_byte, first_word, idle, lag, machine, report, throughput
from tests.bench.artifacts import ROOT
from tests.bench.options import STREAMS, Options
from tests.bench.peers import all_peers

WORKLOADS = {
    "first_byte": first_byte.measure,
    "throughput": throughput.measure,
    "lag": lag.measure,
    "drift": drift.measure,
    "cold_start": cold_start.measure,
    "first_word": first_word.measure,
    "idle": idle.measure,
}
UNPINNED = {"cold_start", "first_word"}  # there the machine is free for whoever starts
RESULTS = ROOT / "tests/bench/results"


def main(arguments: list[str] | None = None) -> int:
    """Measure what is asked for, print it, keep it."""
    options = parser().parse_args(arguments)
    names = options.only or list(WORKLOADS)
    words = sys.argv[1:] if arguments is None else arguments
    made = machine.made(f"make bench ARGS={shlex.quote(shlex.join(words))}" if words else "make bench")
    print(made, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        all_cores = os.sched_getaffinity(0)
        wanted = Options(
            all_peers(Path(folder), snapstart=options.snapstart),
            Path(folder),
            options.runs,
            options.streams,
            options.events,
        )
        for name in names:
            os.sched_setaffinity(0, all_cores if name in UNPINNED else {cores.CLIENT})
            result = uvloop.run(WORKLOADS[name](wanted)).made_by(made)
            print(f"\n{report.section(result)}", flush=True)
            if options.keep or not options.only:
                report.keep(result, RESULTS)
        os.sched_setaffinity(0, all_cores)
    if options.keep or not options.only:
        results = report.kept(RESULTS, list(WORKLOADS))
        (RESULTS / report.PAGE).write_text(report.page(results))
        readme = ROOT / "README.md"
        readme.write_text(report.with_targets(readme.read_text(), results))
    return 0


def parser() -> argparse.ArgumentParser:
    """All options."""
    top = argparse.ArgumentParser(
        prog="make bench ARGS=...", allow_abbrev=False, description=__doc__.partition("\n")[0]
    )
    top.add_argument("--only", action="append", choices=WORKLOADS, help="this workload; may be repeated")
    top.add_argument("--runs", type=_positive, help="of each peer, instead of each workload's own number")
    top.add_argument("--streams", type=_positive, default=STREAMS, help=f"at once, where lag is measured ({STREAMS})")
    top.add_argument("--events", type=_positive, default=200_000, help="where throughput is measured (200000)")
    top.add_argument("--snapstart", action="store_true", help="our environments are restored from snapshots")
    top.add_argument("--keep", action="store_true", help="in results/ and README, also a part")
    return top


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number from 1 on")
    return number


if __name__ == "__main__":
    sys.exit(main())
