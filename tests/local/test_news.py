"""What a task waits for, and when it hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from local.news import News

pytestmark = pytest.mark.anyio


class Reader:
    """A task that notes how often it has heard of something."""

    def __init__(self, news: News) -> None:
        self.heard = 0
        self._news = news
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while True:
            await self._news
            self.heard += 1


async def reading(news: News) -> Reader:
    """A reader that waits already."""
    reader = Reader(news)
    await asyncio.sleep(0)
    return reader


async def called_by_the_loop(step: Callable[[], object]) -> None:
    """Call *step* as the loop calls a protocol, and not from within a task."""
    called = asyncio.Event()
    asyncio.get_running_loop().call_soon(lambda: (step(), called.set()))
    await called.wait()


async def test_news_are_heard_within_the_turn_in_which_they_are_told() -> None:
    news, heard = News(), list[int]()
    reader = await reading(news)

    def tell_twice() -> None:
        news.tell()
        heard.append(reader.heard)
        news.tell()
        heard.append(reader.heard)

    await called_by_the_loop(tell_twice)

    assert heard == [1, 2]
    reader.task.cancel()


async def test_what_a_task_tells_is_heard_once_it_waits_itself() -> None:
    """Two tasks cannot run at the same time."""
    news = News()
    reader = await reading(news)

    news.tell()
    news.tell()

    assert reader.heard == 0
    await asyncio.sleep(0)
    assert reader.heard == 1
    reader.task.cancel()


async def test_what_is_told_for_later_leaves_the_teller_to_its_work() -> None:
    news, heard = News(), list[int]()
    reader = await reading(news)

    def tell_later() -> None:
        news.tell_later()
        heard.append(reader.heard)

    await called_by_the_loop(tell_later)
    await asyncio.sleep(0)

    assert (heard, reader.heard) == ([0], 1)
    reader.task.cancel()


async def test_news_that_nobody_waits_for_are_not_kept() -> None:
    news = News()
    news.tell()
    news.tell_later()
    reader = await reading(news)
    await asyncio.sleep(0)

    assert reader.heard == 0
    reader.task.cancel()


async def test_a_task_that_waits_can_be_cancelled_and_wait_again() -> None:
    news = News()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await news

    reader = await reading(news)
    await called_by_the_loop(news.tell)

    assert reader.heard == 1
    reader.task.cancel()


@pytest.mark.parametrize("order", ["told", "cancelled"])
async def test_a_task_that_is_told_and_cancelled_in_one_turn_is_cancelled(order: str) -> None:
    """Whichever was first."""
    news = News()
    reader = await reading(news)

    steps = [news.tell, reader.task.cancel]
    for step in steps if order == "told" else reversed(steps):
        step()

    with pytest.raises(asyncio.CancelledError):
        await reader.task
    assert reader.heard == 0


async def test_a_second_task_cannot_wait_beside_the_first() -> None:
    news = News()
    reader = await reading(news)

    with pytest.raises(RuntimeError, match="another task waits"):
        await news

    reader.task.cancel()


@pytest.mark.parametrize("error", [None, ValueError("in the task")])
async def test_what_a_task_comes_to_is_its_own_and_not_the_tellers(error: Exception | None) -> None:
    """It may end, or fail, within the turn of who tells it."""
    news = News()

    async def hear() -> str:
        await news
        if error:
            raise error
        return "heard"

    task = asyncio.create_task(hear())
    await asyncio.sleep(0)
    done: list[bool] = []
    await called_by_the_loop(lambda: (news.tell(), done.append(task.done())))

    assert done == [True]
    assert (await asyncio.gather(task, return_exceptions=True)) == [error or "heard"]
