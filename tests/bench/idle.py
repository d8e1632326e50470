"""What an emulator, and a server beside it, takes while nobody asks it for anything: memory, and processor time.

The emulators have told one story before, so that all of it is loaded that a stream needs; ours has its frozen worker
beside it. Memory is the proportional set size: what processes share is divided among them.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.bench import peers
from tests.bench.client import Connection
from tests.bench.event_sinks import Counter
from tests.bench.options import Options
from tests.bench.peer import Peer, blamed
from tests.bench.result import Figure, Result, Row, Target
from tests.bench.server import Server

RUNS = 3
REST_SECONDS = 2
OBSERVED_SECONDS = 3
ALONE, ALL, RESIDENT, CPU = "server, proportional", "with workers, proportional", "server, resident", "processor"
PEERS = (
    peers.MAIN, peers.STORY_NAME, peers.MINISTACK_STORY, peers.INTERFACE_EMULATOR_STORY,
    peers.BARE, peers.FASTAPI, peers.DENO, peers.NODE,
)  # fmt: skip
NOTES = {
    peers.MAIN: "template.yaml: its children are a frozen worker, and moto, which has the page",
    peers.STORY_NAME: "a template without a bucket: its child is a frozen worker",
}


async def measure(options: Options) -> Result:
    """Memory in MB and processor time in milliseconds a second, of those that did nothing else."""
    rows = {name: Row(name, {RESIDENT: [], ALONE: [], ALL: [], CPU: []}, NOTES.get(name, "")) for name in PEERS}
    for _ in range(options.runs or RUNS):
        observed = await asyncio.gather(*(_observe(options.peers[name]) for name in PEERS))
        for name, figures in zip(PEERS, observed, strict=True):
            for figure, value in figures.items():
                rows[name].runs[figure].append(value)
    result = Result(
        "idle",
        "Idle",
        f"After one story, and {REST_SECONDS} s of rest: memory of the server's own process, and of it and its "
        f"workers; processor time of all of them over {OBSERVED_SECONDS} s.",
        [Figure(RESIDENT, "MB"), Figure(ALONE, "MB"), Figure(ALL, "MB"), Figure(CPU, "ms/s")],
        list(rows.values()),
        peers.MAIN,
    )
    return result.with_targets(
        Target("idle emulator, resident, before S3 is touched", "at most", 60, result.median(peers.STORY_NAME), "MB"),
        Target("idle emulator, processor", "at most", 1, result.median(peers.STORY_NAME, CPU), "ms/s"),
    )


async def _observe(peer: Peer) -> dict[str, float]:
    with Server(peer.program) as server, blamed(peer, server):
        async with Connection(server.port) as connection:
            await connection.ask(peer.burst(server, 45), Counter())
        await asyncio.sleep(REST_SECONDS)
        before = _processor_seconds(server)
        await asyncio.sleep(OBSERVED_SECONDS)
        spent = _processor_seconds(server) - before
        memory = [process.memory_full_info() for process in server.family()]
        return {
            RESIDENT: memory[0].rss / 1e6,
            ALONE: memory[0].pss / 1e6,
            ALL: sum(each.pss for each in memory) / 1e6,
            CPU: spent / OBSERVED_SECONDS * 1000,
        }


def _processor_seconds(server: Server) -> float:
    """What all threads have had so far, from the scheduler, which counts in nanoseconds."""
    threads = (thread for process in server.family() for thread in Path(f"/proc/{process.pid}/task").iterdir())
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9
