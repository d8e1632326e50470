"""The same runtime behind our Runtime API and behind AWS's: the same requests are refused, in the same words.

The runtime is probe.py. Each case below is a state that it brings itself into, and everything that it then asks for.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop

from local.config import Function
from local.invocation import FunctionError, Invocation
from tests.deploy import tools
from tests.local.fakes.local_lambda import local_lambda, read_all
from tests.rie.interface_emulator import interface_emulator, sam_local_environment

pytestmark = [pytest.mark.rie, pytest.mark.anyio]

PROBE = Path(__file__).parent / "probe.py"
DEADLINE_SECONDS = 20
Event = dict[str, str]
Told = dict[tuple[str, str], Any]  # event and what was asked -> the answer

# One runtime goes through all of these, for after each it can ask for the next event.
CASES = [
    "running",
    "no_such_thing",
    "after_response",
    "after_error",
    "during_response",
    "during_error",
    "too_large",
    "too_large_in_chunks",
    "just_not_too_large",
    "mode_streaming",
]


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


def told_in(lines: Sequence[str]) -> Told:
    """What the probe printed; beside it there are AWS's emulator's own words."""
    told: Told = {}
    for line in lines:
        if "PROBE [" in line:
            event, asked, answer = json.loads(line.partition("PROBE ")[2])
            told[event, asked] = answer
    return told


def behind_aws(folder: Path, events: list[Event], *, handler: str = "probe", until: Callable[[Told], bool]) -> Told:
    """What AWS's runtime interface emulator answers."""
    environment = sam_local_environment(task_root=folder, handler=handler, path="/usr/bin:/bin")
    log, deadline = folder / "log", time.monotonic() + DEADLINE_SECONDS
    with interface_emulator(tools.rie(), [sys.executable, PROBE], environment=environment, log=log) as emulator:
        for event in events:
            with contextlib.suppress(httpx.HTTPError):
                emulator.post(event)
        while not until(told := told_in(log.read_text().splitlines())):
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.01)
        return told


async def behind_ours(
    folder: Path, events: list[Event], *, handler: str = "probe", until: Callable[[Told], bool]
) -> Told:
    """What the local Lambda answers."""
    bootstrap = folder / "bootstrap"
    bootstrap.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{PROBE}"\n')
    bootstrap.chmod(0o755)
    function = Function(
        "Probe", "probe", "arn:aws:lambda:us-east-1:1:function:probe", "provided.al2023", handler, folder
    )
    async with local_lambda(function, folder=folder) as cloud:
        for event in events:
            invocation = Invocation(cloud.function, json.dumps(event).encode(), streamed=False)
            cloud.dispatcher.invoke(invocation)
            with contextlib.suppress(FunctionError):
                await read_all(invocation)
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not until(told := told_in(cloud.lines)):  # noqa: ASYNC110 - a line of the log has no event
                await asyncio.sleep(0.01)
        return told


async def both(
    folders: pytest.TempPathFactory, events: list[Event], *, handler: str = "probe", until: Callable[[Told], bool]
) -> tuple[Told, Told]:
    """Our answers and AWS's."""
    ours = await behind_ours(folders.mktemp("ours"), events, handler=handler, until=until)
    return ours, behind_aws(folders.mktemp("aws"), events, handler=handler, until=until)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Told, Told]:
    """Our answers and AWS's, of one runtime that goes through all cases."""
    events = [{"probe": case} for case in CASES]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(both(tmp_path_factory, events, until=lambda told: (CASES[-1], "response") in told))


@pytest.mark.parametrize("case", ["before the first event", *CASES])
def test_refused_alike(tables: tuple[Told, Told], case: str) -> None:
    """Statuses, content types and documents are equal to the letter."""
    ours, aws = ({asked: answer for (of, asked), answer in told.items() if of == case} for told in tables)

    assert ours
    assert ours == aws


async def test_refused_alike_after_a_truncated_reply(tmp_path_factory: pytest.TempPathFactory) -> None:
    """AWS's emulator breaks down over such a reply: it may close the connection first, and stays in that state for
    good. Here the answer is the one that its sources have, and the runtime can go on.
    """
    last = ("truncated", "response, own id, bad mode")
    ours, aws = await both(tmp_path_factory, [{"probe": "truncated"}], until=lambda told: last in told)

    status, _, document = ours.pop(("truncated", "response"))
    assert (status, document["errorType"]) == (400, "TruncatedHTTPRequest")
    aws.pop(("truncated", "response"))
    assert len(ours) > 5
    stuck, sent = "from InvocationResponse to", "from RuntimeResponseSentState to"
    assert ours == {asked: json.loads(json.dumps(answer).replace(stuck, sent)) for asked, answer in aws.items()}


@pytest.mark.parametrize("mode", ["odd", "Streaming", "buffered", "streaming,streaming", "streaming;"])
async def test_a_bad_response_mode_is_refused_alike(tmp_path_factory: pytest.TempPathFactory, mode: str) -> None:
    """The header takes one value only, and that in lower case."""
    ours, aws = await both(
        tmp_path_factory, [{"probe": "bad_mode", "mode": mode}], until=lambda told: ("bad_mode", "response") in told
    )

    assert ours == aws
    assert ours["bad_mode", "response"][0] == 400


async def test_after_an_init_error_everything_is_refused_alike(tmp_path_factory: pytest.TempPathFactory) -> None:
    ours, aws = await both(
        tmp_path_factory,
        [{"probe": "running"}],
        handler="fails",
        until=lambda told: ("after an init error", "response") in told,
    )

    assert ours == aws
