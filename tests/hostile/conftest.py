"""One emulator that all of the hostile viewers share; after each of them it must serve as before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.emulator import Emulator
from tests.contract.log import Log
from tests.hostile.viewer import Door, ask

TEMPLATE = Path(__file__).parent / "template.yaml"


@pytest.fixture(scope="session")
def said() -> Log:
    """What the emulator has said so far."""
    return Log()


@pytest.fixture(scope="session")
def cloud(said: Log) -> Iterator[Emulator]:
    with Emulator(TEMPLATE, port=0, aws_port=0, write=said.write) as cloud:
        yield cloud
        before_the_end = [line for line in said.lines if "Traceback" in line]
    assert before_the_end == []


@pytest.fixture(scope="session")
def doors(cloud: Emulator) -> dict[str, Door]:
    domains = {function.logical_id: function.url.domain for function in cloud.stack.functions if function.url}
    streamed, buffered = "local-Streamed", "local-Buffered"
    return {
        "function URL": Door("function URL", cloud.port, domains["Streamed"], "/echo", streamed, (buffered,)),
        "buffered URL": Door("buffered URL", cloud.port, domains["Buffered"], "/echo", buffered, (streamed,)),
        "edge": Door("edge", cloud.port, "localhost", "/echo", streamed, (buffered,)),
        "AWS endpoint": Door(
            "AWS endpoint",
            cloud.aws_port,
            "localhost",
            "/2015-03-31/functions/local-Buffered/invocations",
            buffered,
            (streamed,),
        ),
    }


@pytest.fixture
def url(doors: dict[str, Door]) -> Door:
    """The URL of a function that streams."""
    return doors["function URL"]


@pytest.fixture
def edge(doors: dict[str, Door]) -> Door:
    """The distribution; /echo leads to the same function, everything else to the bucket."""
    return doors["edge"]


@pytest.fixture(params=["function URL", "edge", "AWS endpoint"])
def door(request: pytest.FixtureRequest, doors: dict[str, Door]) -> Door:
    """Each of the ways in."""
    return doors[request.param]


@pytest.fixture(autouse=True)
def _the_others_are_served_as_before(doors: dict[str, Door]) -> Iterator[None]:
    yield
    for door in doors.values():
        answer = ask(door, door.head("POST", None, b"Content-Length: 2") + b"\r\n{}")
        assert answer.status == 200
        if door.name != "AWS endpoint":
            assert answer.told["function"] == door.function
