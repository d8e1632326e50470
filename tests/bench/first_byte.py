"""How soon a stream begins where all is warm: a story of 45 words without pauses, one request after the other."""

from __future__ import annotations

import asyncio

from tests.bench import peers
from tests.bench.buffering import why_not
from tests.bench.client import Connection
from tests.bench.event_sinks import Counter
from tests.bench.options import Options
from tests.bench.peer import Peer, blamed, running
from tests.bench.result import Figure, Result, Row
from tests.bench.samples import percentile
from tests.bench.server import Server

EVENTS = 45
REQUESTS, WARM_REQUESTS = 60, 30
# Between two requests: an environment is free for the next one only when its runtime has asked for it.
REST_SECONDS = 0.002
RUNS = 5
P50, P99, WHOLE = "p50", "p99", "whole story, p50"
PEERS = (
    peers.STORY_NAME, peers.SYNC, peers.ASYNC, peers.ASGI, peers.FASTAPI_HERE,
    peers.READY, *peers.SERVERS,
    peers.MINISTACK_STORY, peers.INTERFACE_EMULATOR_STORY,
)  # fmt: skip


async def measure(options: Options) -> Result:
    """The time from the request to its first event, and to its end."""
    found: dict[str, dict[str, list[float]]] = {name: {P50: [], P99: [], WHOLE: []} for name in PEERS}
    with running([options.peers[name] for name in PEERS]) as servers:
        notes = {}
        for peer, server in servers.items():
            await _times_us(peer, server, WARM_REQUESTS)
            notes[peer.name] = await why_not(peer, server)
        for _ in range(options.runs or RUNS):
            for peer, server in servers.items():
                server.pin_workers()
                with blamed(peer, server):
                    first_us, whole_us = await _times_us(peer, server, REQUESTS)
                found[peer.name][P50].append(percentile(first_us, 50))
                found[peer.name][P99].append(percentile(first_us, 99))
                found[peer.name][WHOLE].append(percentile(whole_us, 50))
    result = Result(
        "first_byte",
        "Time to the first event, warm",
        f"A story of {EVENTS} words without pauses, {REQUESTS} requests a run on one kept connection, "
        f"{REST_SECONDS * 1000:.0f} ms apart; from sending the request to the first event, and to the last one.",
        [Figure(name, "µs") for name in (P50, P99, WHOLE)],
        [Row(name, runs, notes[name]) for name, runs in found.items()],
        peers.BARE,
    )
    return result.with_targets(
        result.compared(
            "first event, warm, against bare ASGI under uvicorn", "at most", 3, peers.STORY_NAME, peers.BARE
        ),
        result.compared(
            "first event, warm, against FastAPI under uvicorn", "at most", 1, peers.STORY_NAME, peers.FASTAPI
        ),
    )


async def _times_us(peer: Peer, server: Server, requests: int) -> tuple[list[float], list[float]]:
    first_us, whole_us = [], []
    request = peer.burst(server, EVENTS)
    async with Connection(server.port) as connection:
        for _ in range(requests):
            await asyncio.sleep(REST_SECONDS)
            await connection.connect()
            counter = Counter()
            sent_ns = await connection.ask(request, counter)
            if counter.count != EVENTS + peer.story:  # the story's last event says that it is over
                raise SystemExit(f"{peer.name} told {counter.count} events instead of {EVENTS}")
            first_us.append((counter.first_ns - sent_ns) / 1000)
            whole_us.append((counter.last_ns - sent_ns) / 1000)
    return first_us, whole_us
