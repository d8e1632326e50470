"""How many events go through one stream: 200,000 of them without pauses, made one by one."""

from __future__ import annotations

from tests.bench import peers
from tests.bench.buffering import why_not
from tests.bench.client import Connection, ReplyError
from tests.bench.event_sinks import Counter
from tests.bench.options import Options
from tests.bench.peer import Peer, blamed, running
from tests.bench.result import Figure, Result, Row
from tests.bench.server import Server

RUNS = 3
RATE = "events"
PEERS = (
    peers.SYNC, peers.ASYNC, peers.ASGI, peers.FASTAPI_HERE,
    peers.READY, *peers.SERVERS,
    peers.MINISTACK, peers.INTERFACE_EMULATOR,
)  # fmt: skip


async def measure(options: Options) -> Result:
    """Events a second, from the request to the last one."""
    rows: dict[str, Row] = {}
    with running([options.peers[name] for name in PEERS]) as servers:
        for peer, server in servers.items():
            rows[peer.name] = await _attempt(peer, server, options.events)
        for _ in range(options.runs or RUNS):
            for peer, server in servers.items():
                if rows[peer.name].runs:
                    server.pin_workers()
                    with blamed(peer, server):
                        rows[peer.name].runs[RATE].append(await _thousands_a_second(peer, server, options.events))
    result = Result(
        "throughput",
        "Events without pauses, one stream",
        f"{options.events:,} events in one stream, made one by one, each with an identifier and a word.",
        [Figure(RATE, "thousands a second", higher_is_better=True)],
        list(rows.values()),
        peers.FASTAPI,
    )
    return result.with_targets(
        result.compared(
            "events a second, sync handler against FastAPI under uvicorn", "at least", 1, peers.SYNC, peers.FASTAPI
        ),
        result.compared("the same against `fastapi.sse`", "at least", 5, peers.SYNC, peers.FASTAPI_SSE),
        result.compared("events a second, async handler against Deno", "at least", 1, peers.ASYNC, peers.DENO),
        result.compared("events a second, ASGI in `Streaming` against Deno", "at least", 1, peers.ASGI, peers.DENO),
    )


async def _attempt(peer: Peer, server: Server, events: int) -> Row:
    """An empty row, once the peer is warm; where it fails already at that, its row says why."""
    reason = await why_not(peer, server)
    try:
        await _thousands_a_second(peer, server, events)
    except ReplyError as error:
        return Row(peer.name, note=str(error))
    return Row(peer.name, {RATE: []}, reason)


async def _thousands_a_second(peer: Peer, server: Server, events: int) -> float:
    counter = Counter()
    async with Connection(server.port) as connection:
        await connection.connect()
        sent_ns = await connection.ask(peer.burst(server, events), counter)
    if counter.count != events:
        raise ReplyError(f"{counter.count:,} events came instead of {events:,}")
    return events / (counter.last_ns - sent_ns) * 1e6
