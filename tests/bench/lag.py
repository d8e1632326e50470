"""How late each event is when many streams are paced at once: from the stamp that it carries to its arrival.

Ours has an execution environment, so a process, for each stream; all of them are started before the first run.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack

from tests.bench import environments, peers
from tests.bench.buffering import why_not
from tests.bench.client import Connection
from tests.bench.event_sinks import Stamps
from tests.bench.options import STREAMS, Options
from tests.bench.peer import Peer, blamed, running
from tests.bench.result import Figure, Result, Row, Target
from tests.bench.samples import percentile
from tests.bench.server import Server

RUNS = 3
EVENTS = 11  # a stream: five seconds
PAUSES_MS = (200, 800)
P50, P99, MOST = "p50", "p99", "worst"
PERCENT = {P50: 50, P99: 99, MOST: 100}
PEERS = (
    peers.SYNC, peers.ASYNC, peers.ASGI,
    *peers.SERVERS, peers.MINISTACK, peers.INTERFACE_EMULATOR,
)  # fmt: skip


async def measure(options: Options) -> Result:
    """Lag once all streams run: what leaves before the last of them has begun does not count."""
    rows: dict[str, Row] = {}
    with running([options.peers[name] for name in PEERS]) as servers:
        for peer, server in servers.items():
            reason = await why_not(peer, server)
            rows[peer.name] = Row(peer.name, {} if reason else {name: [] for name in PERCENT}, reason)
            if peer.ours:
                await environments.start(peer, server, options.streams)
        for run in range(options.runs or RUNS):
            for peer, server in servers.items():
                if figures := rows[peer.name].runs:
                    server.pin_workers()
                    with blamed(peer, server):
                        lags_ms = await _lags_ms(peer, server, options.streams, seed=run)
                    for name, percent in PERCENT.items():
                        figures[name].append(percentile(lags_ms, percent) * 1000)
    result = Result(
        "lag" if options.streams == STREAMS else f"lag_{options.streams}",
        f"Lag of an event, {options.streams:,} paced streams",
        f"{options.streams:,} streams at once, an event each {PAUSES_MS[0]} to {PAUSES_MS[1]} ms, {EVENTS} events a "
        "stream; from the moment at which an event leaves to that at which it is there. Ours has a process for each "
        "stream.",
        [Figure(name, "µs") for name in PERCENT],
        list(rows.values()),
        peers.BARE,
    )
    streams = f"{options.streams:,} streams"
    return result.with_targets(
        result.compared(f"lag p50 at {streams}, against bare ASGI under uvicorn", "at most", 3, peers.SYNC, peers.BARE),
        result.compared(f"lag p50 at {streams}, against Deno", "at most", 1, peers.SYNC, peers.DENO),
        Target(f"lag p99 at {streams}", "at most", 10, result.median(peers.SYNC, P99) / 1000, "ms"),
    )


async def _lags_ms(peer: Peer, server: Server, streams: int, *, seed: int) -> list[float]:
    chance = random.Random(seed)
    sinks = [Stamps() for _ in range(streams)]
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        for sink in sinks:
            connection = await stack.enter_async_context(Connection(server.port))
            pauses_ms = [chance.randint(*PAUSES_MS) for _ in range(EVENTS - 1)]
            group.create_task(connection.ask(peer.paced(server, EVENTS, pauses_ms), sink))
    short = sum(len(sink.came_ns) != EVENTS for sink in sinks)
    if short:
        raise SystemExit(f"{peer.name} told {short} of {streams} streams not to their end")
    all_run_ns = max(sink.came_ns[0] for sink in sinks)
    return [lag for sink in sinks for lag in sink.lags_ms(since_ns=all_run_ns)]
