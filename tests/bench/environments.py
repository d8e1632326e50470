"""Execution environments, started beforehand: so many that so many streams at once find one each."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial

from tests.bench.client import Connection
from tests.bench.peer import Peer
from tests.bench.server import Server

STARTED_AT_ONCE = 20
SECONDS_TO_START = 0.05  # one environment; where it takes longer, some are left to the first run


async def start(peer: Peer, server: Server, streams: int) -> None:
    """Keep *streams* open while more are opened, so that each gets an environment of its own; then end them all."""
    seconds = 2 + streams * SECONDS_TO_START
    request = peer.lasting(server, seconds)
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        opened = 0
        while opened < streams:
            begun = [asyncio.Event() for _ in range(min(STARTED_AT_ONCE, streams - opened))]
            for event in begun:
                connection = await stack.enter_async_context(Connection(server.port))
                group.create_task(connection.ask(request, partial(_set, event)))
            opened += len(begun)
            await asyncio.gather(*(event.wait() for event in begun))
    server.pin_workers()


def _set(begun: asyncio.Event, now_ns: int, body: bytes) -> None:
    begun.set()
