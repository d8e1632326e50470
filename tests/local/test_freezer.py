"""When the processes of an environment are stopped, and which."""

from __future__ import annotations

import asyncio

import pytest

from local.environment import freezer
from local.environment.freezer import Freezer
from local.environment.process import Worker

pytestmark = pytest.mark.anyio


class StandIn(Worker):
    """Notes what is done to it."""

    def __init__(self, *, running: bool = True) -> None:
        self.told: list[str] = []
        self.is_running = running
        self.stopped = asyncio.Event()

    @property
    def running(self) -> bool:
        return self.is_running

    async def ended(self) -> str:
        raise NotImplementedError

    def freeze(self) -> None:
        self.told.append("freeze")
        self.stopped.set()

    def thaw(self) -> None:
        self.told.append("thaw")


@pytest.fixture
def short_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freezer, "REST_SECONDS", 0.001)


@pytest.mark.usefixtures("short_rest")
async def test_a_worker_is_stopped_after_a_rest_and_goes_on() -> None:
    worker = StandIn()
    freezing = Freezer(lambda: [worker])

    freezing.freeze()
    assert worker.told == []
    await asyncio.wait_for(worker.stopped.wait(), 5)
    freezing.thaw()
    freezing.thaw()

    assert worker.told == ["freeze", "thaw"]


@pytest.mark.usefixtures("short_rest")
@pytest.mark.parametrize("instead", ["thaw", "forget"])
async def test_a_worker_that_is_needed_again_within_the_rest_is_not_stopped(instead: str) -> None:
    worker, other = StandIn(), StandIn()
    freezing = Freezer(lambda: [worker])

    freezing.freeze()
    getattr(freezing, instead)()
    later = Freezer(lambda: [other])
    later.freeze()
    await asyncio.wait_for(other.stopped.wait(), 5)

    assert worker.told == []


@pytest.mark.usefixtures("short_rest")
async def test_a_worker_that_has_ended_is_left_alone() -> None:
    """Its number may be that of another process by now."""
    gone, worker = StandIn(running=False), StandIn()
    freezing = Freezer(lambda: [gone, worker])

    freezing.freeze()
    await asyncio.wait_for(worker.stopped.wait(), 5)
    freezing.thaw()

    assert (gone.told, worker.told) == ([], ["freeze", "thaw"])
