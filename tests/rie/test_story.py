"""The story function behind AWS's own emulator: `sam local invoke` without the container.

That emulator cannot stream, so under `AWS_SAM_LOCAL=true` the runtime answers with the ordinary buffered reply.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.environment.filesystem import mount_layers
from stories.library import DEFAULT, STORIES
from tests.deploy import tools
from tests.deploy.transform import REPOSITORY
from tests.rie.interface_emulator import (
    InterfaceEmulator,
    interface_emulator,
    managed_bootstrap,
    sam_local_environment,
)

pytestmark = pytest.mark.rie

LAYERS = (REPOSITORY / "functions/layers/streaming", REPOSITORY / "functions/layers/stories")
WORDS = STORIES[DEFAULT].words()


@pytest.fixture(scope="module", params=["entry point", "wrapper script"])
def emulator(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InterfaceEmulator]:
    """The RIE with our bootstrap in both of its places: entry point of `provided.*`, wrapper of a managed runtime."""
    folder = tmp_path_factory.mktemp("rie")
    environment = sam_local_environment(
        task_root=REPOSITORY / "functions/story",
        handler="story.handler",
        path=f"{Path(sys.executable).parent}:/usr/bin:/bin",
    )
    bootstrap = mount_layers(LAYERS, folder) / "bootstrap"
    command = bootstrap
    if request.param == "wrapper script":
        environment["AWS_LAMBDA_EXEC_WRAPPER"] = str(bootstrap)
        command = managed_bootstrap(folder, sys.executable)
    with interface_emulator(tools.rie(), [command], environment=environment, log=folder / "log") as running:
        yield running


def event(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((REPOSITORY / f"events/{name}.json").read_text(encoding="utf-8"))
    return loaded


def fields(body: str, name: str) -> list[str]:
    """The values of every field of that name in an event stream."""
    return re.findall(rf"^{name}: (.*)$", body, re.MULTILINE)


def test_the_whole_story_comes_as_one_buffered_reply(emulator: InterfaceEmulator) -> None:
    """No prelude, no NUL bytes: exactly what a BUFFERED function would have returned."""
    reply = emulator.invoke(event("quick"))

    assert reply["statusCode"] == 200
    assert reply["headers"].pop("x-environment") in ("cold", "warm")
    assert reply["headers"] == {
        "content-type": "text/event-stream",
        "cache-control": "no-cache, no-transform",
        "x-accel-buffering": "no",
    }
    assert reply["isBase64Encoded"] is False
    assert fields(reply["body"], "data") == [*WORDS, "Stream ended"]
    assert fields(reply["body"], "id") == [str(position) for position in range(1, len(WORDS) + 2)]


def test_the_end_of_the_story_comes_with_its_own_pauses(emulator: InterfaceEmulator) -> None:
    """The plain story event, near its end: the last word, a pause of the default length, the end."""
    resumed = event("story")
    resumed["headers"]["last-event-id"] = str(len(WORDS) - 1)

    assert fields(emulator.invoke(resumed)["body"], "data") == [WORDS[-1], "Stream ended"]


@pytest.mark.parametrize(("name", "status"), [("bad-query", 400), ("method-not-allowed", 405)])
def test_a_refusal_is_a_reply_too_and_the_environment_goes_on(
    emulator: InterfaceEmulator, name: str, status: int
) -> None:
    """A problem in JSON, and the next event is answered by the same process."""
    reply = emulator.invoke(event(name))

    assert reply["statusCode"] == status
    assert reply["headers"]["content-type"] == "application/problem+json"
    assert json.loads(reply["body"])["status"] == status
    assert emulator.invoke(event("quick"))["statusCode"] == 200
