"""The programs that are measured tell the events that they are asked for; how fast is not judged here."""

from __future__ import annotations

import re
import shutil
import sys

import pytest

from tests.bench.artifacts import ROOT
from tests.bench.buffering import ONE_BLOCK, why_not
from tests.bench.client import Connection
from tests.bench.event_sinks import Counter, Stamps
from tests.bench.peer import Peer, running
from tests.bench.peers import local_lambda
from tests.bench.server import Program

HERE = ROOT / "tests/bench"
PATHS = {"PYTHONPATH": f"{HERE / 'functions'}:{HERE / 'servers'}", "PYTHONDONTWRITEBYTECODE": "1"}
EVENTS = 60  # more than there are words and pauses
PAUSES_MS = [10, 20]  # taken in turn; Node's timers ring up to a millisecond early


async def tells_what_is_asked_for(*peers: Peer) -> None:
    with running(peers) as servers:
        for peer, server in servers.items():
            counter, stamps = Counter(), Stamps()
            async with Connection(server.port) as connection:
                await connection.ask(peer.burst(server, EVENTS), counter)
                sent_ns = await connection.ask(peer.paced(server, 4, PAUSES_MS), stamps)

            assert counter.count == EVENTS
            assert len(stamps.sent_ns) == 4
            assert sent_ns <= stamps.sent_ns[0]
            assert stamps.sent_ns[-1] - stamps.sent_ns[0] >= (sum(PAUSES_MS) + PAUSES_MS[0] - 3) * 1_000_000
            assert min(stamps.lags_ms()) >= 0


@pytest.mark.anyio
async def test_functions_tell_what_is_asked_for() -> None:
    """Each of the template, the whole way from the edge to its worker and back."""
    emulator = local_lambda("tests/bench/template.yaml")
    await tells_what_is_asked_for(*(Peer(path, emulator, path) for path in ("/sync", "/async", "/asgi", "/fastapi")))


@pytest.mark.anyio
async def test_of_the_story_a_few_events_are_its_last_ones() -> None:
    peer = Peer("story", local_lambda("tests/bench/template.yaml"), "/sse", story=True)
    told: list[bytes] = []
    with running([peer]) as servers:
        async with Connection(servers[peer].port) as connection:
            await connection.ask(peer.few(servers[peer], 3, 2), lambda _, body: told.append(body))

    assert re.findall(rb"^id: (\d+)$", b"".join(told), re.M) == [b"44", b"45", b"46"]


@pytest.mark.anyio
async def test_python_server_tells_what_is_asked_for() -> None:
    """The one on raw sockets."""
    await tells_what_is_asked_for(
        Peer("raw", Program((sys.executable, str(HERE / "servers/raw_server.py"), "{port}"), PATHS))
    )


@pytest.mark.anyio
@pytest.mark.skipif(not shutil.which("node"), reason="Node is not installed")
async def test_edge_function_tells_what_is_asked_for() -> None:
    """On Node; Deno is installed by `make bench` only."""
    await tells_what_is_asked_for(Peer("node", Program(("node", str(HERE / "servers/edge_node.mjs"), "{port}"))))


@pytest.mark.anyio
async def test_who_buffers_is_found_out() -> None:
    """The server that has all of it ready does as one that keeps it until the end."""
    for script, reason in (("ready_server.py", ONE_BLOCK), ("raw_server.py", "")):
        peer = Peer(script, Program((sys.executable, str(HERE / "servers" / script), "{port}"), PATHS))
        with running([peer]) as servers:
            assert await why_not(peer, servers[peer]) == reason
