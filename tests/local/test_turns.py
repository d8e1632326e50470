"""So many may begin at once, and no more; who takes too long keeps nobody waiting."""

from __future__ import annotations

import asyncio
import os

import pytest

from local.environment import turns
from local.environment.turns import Turns

pytestmark = pytest.mark.anyio


async def test_the_next_one_begins_when_one_has_ended_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ending it twice makes room for one only."""
    monkeypatch.setattr(turns, "MOST_SECONDS", 60)
    row = Turns()
    async with asyncio.timeout(10):
        taken = [await row.take() for _ in range(turns.PER_PROCESSOR * (os.cpu_count() or 1))]
        waiting = [asyncio.create_task(row.take()) for _ in range(2)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)

        taken[0].end()
        taken[0].end()
        (await waiting[0]).end()
        (await waiting[1]).end()
        for turn in taken:
            turn.end()


async def test_a_turn_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MOST_SECONDS", 0.01)
    monkeypatch.setattr(turns, "PER_PROCESSOR", 1)
    row = Turns()
    async with asyncio.timeout(10):
        for _ in range(3 * (os.cpu_count() or 1)):
            await row.take()
