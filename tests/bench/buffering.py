"""Whether a peer streams at all: found out by asking it, so that no table says what is no longer true."""

from __future__ import annotations

from tests.bench.client import Connection
from tests.bench.event_sinks import Counter
from tests.bench.peer import Peer
from tests.bench.server import Server

ONE_BLOCK = "sends the whole stream as one block, at its end"
PAUSE_MS = 50


async def why_not(peer: Peer, server: Server) -> str:
    """`ONE_BLOCK` if the first of three paced events comes no sooner than the last one, and nothing otherwise."""
    request = peer.ask(server, f"count=3&pauses={PAUSE_MS}&min_ms={PAUSE_MS}&max_ms={PAUSE_MS}")
    counter = Counter()
    async with Connection(server.port) as connection:
        await connection.ask(request, counter)
    return "" if counter.last_ns - counter.first_ns > PAUSE_MS * 1e6 else ONE_BLOCK
