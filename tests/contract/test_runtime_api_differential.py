"""The same runtime behind our Runtime API and behind AWS's: the same requests are refused, in the same words.

Two differences are left out. A body that ends early gets a 400 here, as AWS's sources have it; its emulator closes the
connection first. And after a bad response mode its emulator's runtime can never ask for an event again; ours can.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.config import Function
from local.invocation import FunctionError, Invocation
from tests.deploy import tools
from tests.local.fakes.local_lambda import LocalLambda, local_lambda, read_all
from tests.rie.interface_emulator import interface_emulator, sam_local_environment

pytestmark = [pytest.mark.rie, pytest.mark.anyio]

PROBE = Path(__file__).parent / "probe.py"
SHORT = ["wrong id", "wrong id and bad mode", "init error after init", "next again"]  # told about in their own reply
LONG = ["second reply", "reply after error", "oversize"]  # told about by the next event


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


def behind_aws(folder: Path, probes: list[str], handler: str = "probe") -> tuple[Any, str]:
    """The reply to the last of *probes*, None for none, and the log; behind the runtime interface emulator."""
    environment = sam_local_environment(task_root=folder, handler=handler, path="/usr/bin:/bin")
    reply, log = None, folder / "log"
    with interface_emulator(tools.rie(), [sys.executable, PROBE], environment=environment, log=log) as emulator:
        for name in probes:
            with contextlib.suppress(AssertionError, httpx.HTTPError):  # it says what it could not decode
                reply = emulator.invoke(name)  # type: ignore[arg-type]  # any JSON is an event
    return reply, log.read_text()


async def behind_ours(folder: Path, probes: list[str], handler: str = "probe") -> tuple[Any, str]:
    """The same behind our Runtime API."""
    bootstrap = folder / "bootstrap"
    bootstrap.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{PROBE}"\n')
    bootstrap.chmod(0o755)
    arn = "arn:aws:lambda:us-east-1:123456789012:function:StoryFunction"
    function = Function("Probe", "StoryFunction", arn, "provided.al2023", handler, folder)
    reply = None
    async with local_lambda(function, folder=folder) as cloud:
        for name in probes:
            with contextlib.suppress(FunctionError):
                reply = json.loads(await _reply(cloud, name))
        return reply, "\n".join(cloud.lines)


async def _reply(cloud: LocalLambda, event: str) -> str:
    invocation = Invocation(cloud.function, json.dumps(event).encode(), streamed=False)
    cloud.dispatcher.invoke(invocation)
    try:
        return await read_all(invocation)
    finally:
        await invocation.completed.wait()


@pytest.mark.parametrize(
    "probes", [*([name] for name in SHORT), *([name, "report"] for name in LONG)], ids=lambda p: p[0]
)
async def test_refused_alike(tmp_path_factory: pytest.TempPathFactory, probes: list[str]) -> None:
    """Statuses and documents are equal to the letter."""
    ours, _ = await behind_ours(tmp_path_factory.mktemp("ours"), probes)
    aws, _ = behind_aws(tmp_path_factory.mktemp("aws"), probes)

    assert ours is not None
    assert ours == aws


async def test_bad_response_mode_is_refused_alike(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The header takes one value only, and that in lower case."""
    _, ours = await behind_ours(tmp_path_factory.mktemp("ours"), ["bad mode"])
    _, aws = behind_aws(tmp_path_factory.mktemp("aws"), ["bad mode"])

    assert told(ours)[0] == told(aws)[0]
    assert told(ours)[0][0][0] == 400


async def test_extensions_are_refused_alike(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Internal ones, registering, asking and failing in every wrong way; external ones would have to be in /opt."""
    _, ours = await behind_ours(tmp_path_factory.mktemp("ours"), ["any"], "extensions")
    _, aws = behind_aws(tmp_path_factory.mktemp("aws"), ["any"], "extensions")

    assert told(ours)[0] == told(aws)[0]
    assert {status for status, _ in told(ours)[0]} == {200, 202, 403}


def told(log: str) -> list[Any]:
    """What the probes in *log* were answered."""
    return [json.loads(line.partition("PROBE ")[2]) for line in log.splitlines() if "PROBE " in line]
