"""How soon a stream begins where all is warm, one request after the other.

Twice: a few events at a pace, as the last words of the story come to who resumes it, and 45 words without pauses. In
the latter, what a worker does after its first event keeps the load client, with which it shares a processor, from
noticing that event: Linux lets the client in when the worker makes a system call or rests. On AWS it would be on
another machine.
"""

from __future__ import annotations

import asyncio

from tests.bench import peers
from tests.bench.buffering import why_not
from tests.bench.client import Connection, ReplyError
from tests.bench.event_sinks import Counter
from tests.bench.options import Options
from tests.bench.peer import blamed, running
from tests.bench.result import Figure, Result, Row
from tests.bench.samples import percentile
from tests.bench.server import Server

FEW, PAUSE_MS = 3, 2
BURST = 45
REQUESTS, WARM_REQUESTS = 60, 30
# Between two requests: an environment is free for the next one only when its runtime has asked for it.
REST_SECONDS = 0.002
RUNS = 5
TRIES = 3
P50, P99 = "p50", "p99"
OF_BURST, WHOLE_BURST = "of a burst, p50", "whole burst, p50"
PEERS = (
    peers.STORY_NAME, peers.SYNC, peers.ASYNC, peers.ASGI, peers.FASTAPI_HERE,
    peers.READY, *peers.SERVERS,
    peers.MINISTACK_STORY, peers.INTERFACE_EMULATOR_STORY,
)  # fmt: skip


async def measure(options: Options) -> Result:
    """The time from the request to its first event, and of a burst to its end."""
    found: dict[str, dict[str, list[float]]] = {
        name: {P50: [], P99: [], OF_BURST: [], WHOLE_BURST: []} for name in PEERS
    }
    with running([options.peers[name] for name in PEERS]) as servers:
        notes = {}
        for peer, server in servers.items():
            await _times_us(server, peer.few(server, FEW, PAUSE_MS), FEW, WARM_REQUESTS)
            notes[peer.name] = await why_not(peer, server)
        for _ in range(options.runs or RUNS):
            for peer, server in servers.items():
                server.pin_workers()
                figures, burst = found[peer.name], BURST + peer.story  # the story's last event says that it is over
                with blamed(peer, server):
                    first_us, _ = await _times_us(server, peer.few(server, FEW, PAUSE_MS), FEW, REQUESTS)
                    of_burst_us, whole_us = await _times_us(server, peer.burst(server, BURST), burst, REQUESTS)
                figures[P50].append(percentile(first_us, 50))
                figures[P99].append(percentile(first_us, 99))
                figures[OF_BURST].append(percentile(of_burst_us, 50))
                figures[WHOLE_BURST].append(percentile(whole_us, 50))
    result = Result(
        "first_byte",
        "Time to the first event, warm",
        f"From sending a request to its first event: of {FEW} with a pause of {PAUSE_MS} ms, the last words of the "
        f"story, and of {BURST} words without pauses, there to the last one as well. {REQUESTS} requests a run on one "
        f"kept connection, {REST_SECONDS * 1000:.0f} ms apart. In a burst our worker, which shares the client's "
        "processor here, holds the client up with its other 44 events.",
        [Figure(name, "µs") for name in (P50, P99, OF_BURST, WHOLE_BURST)],
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


async def _times_us(server: Server, request: bytes, events: int, requests: int) -> tuple[list[float], list[float]]:
    """From each request to its first event, and to its last, while no worker is started.

    One that was ran on the servers' core, and so took time from the emulator: it is moved, and all is asked again.
    """
    for _ in range(TRIES):
        times = await _ask(server, request, events, requests)
        if not server.pin_workers():
            break
    return times


async def _ask(server: Server, request: bytes, events: int, requests: int) -> tuple[list[float], list[float]]:
    first_us, whole_us = [], []
    async with Connection(server.port) as connection:
        for _ in range(requests):
            await asyncio.sleep(REST_SECONDS)
            await connection.connect()
            counter = Counter()
            sent_ns = await connection.ask(request, counter)
            if counter.count != events:
                raise ReplyError(f"{counter.count} events came instead of {events}")
            first_us.append((counter.first_ns - sent_ns) / 1000)
            whole_us.append((counter.last_ns - sent_ns) / 1000)
    return first_us, whole_us
