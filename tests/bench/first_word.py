"""From the command that starts an emulator to the first word of a story in a client that asks again and again.

Nothing is warm but the disk: the emulator starts, a worker starts, a stream begins. The story has no pauses, which is
kind to those that keep all of it until its end. MiniStack's time has the calls in it that create function and URL.
"""

from __future__ import annotations

import asyncio
import contextlib

from tests.bench import peers
from tests.bench.buffering import why_not
from tests.bench.client import Connection, ReplyError
from tests.bench.event_sinks import Counter
from tests.bench.options import Options
from tests.bench.peer import Peer, blamed
from tests.bench.result import Figure, Result, Row, Target
from tests.bench.server import Server

RUNS = 7
TIME = "command to first word"
ATTEMPT_SECONDS = 30
PEERS = (peers.MAIN, peers.MINISTACK_STORY, peers.INTERFACE_EMULATOR_STORY)


async def measure(options: Options) -> Result:
    """Milliseconds from the command to the first event."""
    rows = {name: Row(name, {TIME: []}, await _note(options.peers[name])) for name in PEERS}
    for _ in range(options.runs or RUNS):
        for name in PEERS:
            rows[name].runs[TIME].append(await _milliseconds(options.peers[name]))
    result = Result(
        "first_word",
        "From an emulator's command to the first word",
        "The emulator is started, and a client asks for the story, without pauses, until it gets it. That of AWS has "
        "one function on its command line; MiniStack is given function and URL by two calls; ours reads template.yaml.",
        [Figure(TIME, "ms")],
        list(rows.values()),
        peers.MAIN,
    )
    return result.with_targets(
        Target("emulator's command to the first word", "at most", 600, result.median(peers.MAIN), "ms"),
    )


async def _note(peer: Peer) -> str:
    """A run that does not count: for the disk, the caches, and whether it streams."""
    with Server(peer.program, pinned=False) as server, blamed(peer, server):
        return await why_not(peer, server)


async def _milliseconds(peer: Peer) -> float:
    counter = Counter()
    with Server(peer.program, pinned=False) as server, blamed(peer, server):
        request = peer.burst(server, 1)
        async with Connection(server.port) as connection, asyncio.timeout(ATTEMPT_SECONDS):
            while not counter.count:
                with contextlib.suppress(ReplyError):
                    await connection.ask(request, counter)
        return (counter.first_ns - server.started_ns) / 1e6
