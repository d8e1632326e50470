"""Execution environments, started beforehand: so many that so many streams at once find one each."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from functools import partial

from tests.bench.client import Connection
from tests.bench.peer import Peer
from tests.bench.server import Server

STARTED_AT_ONCE = 20
REST_SECONDS = 0.5


async def start(peer: Peer, server: Server, streams: int) -> None:
    """Keep *streams* open while more are opened, so that each gets an environment of its own; then end them all.

    How long they are kept open is told by the first few, which are over at once; a machine that becomes slower
    meanwhile leaves some environments to be started by the first run.
    """
    at_once = min(STARTED_AT_ONCE, streams)
    begun = time.monotonic()
    await _open(peer, server, at_once, seconds=0)
    seconds_each = (time.monotonic() - begun) / at_once
    await _open(peer, server, streams, seconds=REST_SECONDS + 2 * streams * seconds_each)
    server.pin_workers()


async def _open(peer: Peer, server: Server, streams: int, *, seconds: float) -> None:
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


def _set(begun: asyncio.Event, now_ns: int, body: bytes) -> None:
    begun.set()
