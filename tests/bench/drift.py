"""How far a story of 45 words is off its schedule at its end: all peers tell theirs at the same time.

The schedule begins with the first word. An application that sleeps between two words oversleeps a little each time,
and it adds up; the story function sleeps until a word is due.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from itertools import islice

from stories.pauses import random_pauses
from tests.bench import environments, peers
from tests.bench.buffering import why_not
from tests.bench.client import Connection
from tests.bench.event_sinks import Counter
from tests.bench.options import Options
from tests.bench.peer import Peer, blamed, running
from tests.bench.result import Figure, Result, Row, Target
from tests.bench.server import Server

RUNS = 1  # a minute for two
EVENTS = 45
PAUSES_MS = (200, 800)
STORIES_EACH = 8
DRIFT = "at its end"
PEERS = (
    peers.STORY_NAME, peers.SYNC, peers.ASYNC, peers.ASGI,
    *peers.SERVERS, peers.MINISTACK, peers.INTERFACE_EMULATOR,
)  # fmt: skip


async def measure(options: Options) -> Result:
    """The drift of each story at its last event."""
    rows: dict[str, Row] = {}
    with running([options.peers[name] for name in PEERS]) as servers:
        for peer, server in servers.items():
            reason = await why_not(peer, server)
            rows[peer.name] = Row(peer.name, {} if reason else {DRIFT: []}, reason)
            if peer.ours:
                await environments.start(peer, server, STORIES_EACH)
        for run in range(options.runs or RUNS):
            telling = [peer for peer in servers if rows[peer.name].runs]
            drifts_ms = await asyncio.gather(*(_drifts_ms(peer, servers[peer], seed=run) for peer in telling))
            for peer, values in zip(telling, drifts_ms, strict=True):
                rows[peer.name].runs[DRIFT] += values
    result = Result(
        "drift",
        "Drift of a story from its schedule",
        f"{STORIES_EACH} stories of {EVENTS} words for each peer, all at the same time, a word each {PAUSES_MS[0]} to "
        f"{PAUSES_MS[1]} ms; how late the last event comes after its pauses, counted from the first. A story is a run "
        "here.",
        [Figure(DRIFT, "ms")],
        list(rows.values()),
        peers.BARE,
    )
    return result.with_targets(
        Target("drift of the story p50", "at most", 1, result.median(peers.STORY_NAME), "ms"),
        Target("drift of the story, worst", "at most", 5, max(result.runs(peers.STORY_NAME)), "ms"),
    )


async def _drifts_ms(peer: Peer, server: Server, *, seed: int) -> list[float]:
    counters = [Counter() for _ in range(STORIES_EACH)]
    chance = random.Random(seed)
    schedules = []
    with blamed(peer, server):
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            for number, counter in enumerate(counters):
                connection = await stack.enter_async_context(Connection(server.port))
                request, schedule_ms = _story(peer, server, number, chance)
                schedules.append(schedule_ms)
                group.create_task(_later(chance.random(), connection.ask(request, counter)))
    return [
        abs((counter.last_ns - counter.first_ns) / 1e6 - schedule_ms)
        for counter, schedule_ms in zip(counters, schedules, strict=True)
    ]


async def _later(seconds: float, asking: Awaitable[int]) -> None:
    """Not all at the same moment: the first words would wait for each other."""
    await asyncio.sleep(seconds)
    await asking


def _story(peer: Peer, server: Server, number: int, chance: random.Random) -> tuple[bytes, int]:
    """The request for a story, and how long its pauses are in all."""
    if peer.story:  # it makes its pauses from a seed, and has one more before the event that says that it is over
        pauses_ms = list(islice(random_pauses(number, min_ms=PAUSES_MS[0], max_ms=PAUSES_MS[1]), EVENTS))
        return peer.ask(server, f"seed={number}"), sum(pauses_ms)
    pauses_ms = [chance.randint(*PAUSES_MS) for _ in range(EVENTS - 1)]
    return peer.paced(server, EVENTS, pauses_ms), sum(pauses_ms)
