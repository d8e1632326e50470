"""A loop that stays awake for a moment."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from local.busy_poll import MOMENT_SECONDS, BusyPoll

pytestmark = pytest.mark.anyio


async def test_it_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop whose reply does not come sleeps again."""
    clock = iter([0.0, 0.0, MOMENT_SECONDS / 2, MOMENT_SECONDS])
    monkeypatch.setattr("local.busy_poll.time", SimpleNamespace(monotonic=lambda: next(clock)))
    poll = BusyPoll()
    poll.start()
    await asyncio.sleep(0)
    assert poll.running
    await asyncio.sleep(0)
    assert not poll.running


async def test_it_ends_with_what_it_waits_for() -> None:
    """The turn after `stop` is the last one, and it can be started again."""
    poll = BusyPoll()
    for _ in range(2):
        poll.start()
        poll.stop()
        await asyncio.sleep(0)
        assert not poll.running


async def test_it_is_started_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second start asks for more time, and not for a second call in each turn."""
    calls: list[bool] = []
    monkeypatch.setattr("os.sched_yield", lambda: calls.append(True))
    poll = BusyPoll()
    poll.start()
    poll.start()
    poll.stop()
    await asyncio.sleep(0)
    assert len(calls) == 1
    assert not poll.running
