"""Whether a peer streams at all: found out by asking it, so that no table says what is no longer true."""

from __future__ import annotations

from tests.bench.client import Connection
from tests.bench.event_sinks import Counter
from tests.bench.peer import Peer
from tests.bench.server import Server

ONE_BLOCK = "sends the whole stream as one block, at its end"
PAUSE_MS = 50
ATTEMPTS = 3  # a client that was held up itself finds all of a stream waiting for it


async def why_not(peer: Peer, server: Server) -> str:
    """`ONE_BLOCK` if, however often, the first of some paced events comes with the last, and nothing otherwise."""
    request = peer.ask(server, f"count=3&pauses={PAUSE_MS}&min_ms={PAUSE_MS}&max_ms={PAUSE_MS}")
    async with Connection(server.port) as connection:
        for _ in range(ATTEMPTS):
            counter = Counter()
            await connection.ask(request, counter)
            if counter.last_ns - counter.first_ns > PAUSE_MS * 1e6:
                return ""
    return ONE_BLOCK
