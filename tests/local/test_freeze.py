"""Between invocations an environment stands still, and after a while it is gone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from local.config import Function
from tests.local.fakes.environment import a_function
from tests.local.fakes.local_lambda import LocalLambda, is_alive, local_lambda
from tests.local.fakes.raw_worker import until

pytestmark = pytest.mark.anyio

# A thread that counts as fast as it can: it moves exactly as long as its process does.
COUNTING = """
import threading
count = 0

def run():
    global count
    while True:
        count += 1

def handler(event, context):
    if event == ["start"]:
        threading.Thread(target=run, daemon=True).start()
    return count
"""


def counting(folder: Path) -> Function:
    """A managed function with a background thread."""
    (folder / "counting.py").write_text(COUNTING)
    return a_function(runtime="python3.13", handler="counting.handler", code=folder)


async def count(cloud: LocalLambda, event: str) -> int:
    """How far the thread has come, in the reply to *event*."""
    return int(await cloud.answer(event))  # type: ignore[arg-type]  # a step of one word


async def the_pid(cloud: LocalLambda) -> psutil.Process:
    """The worker that takes the next event."""
    return psutil.Process(int(await cloud.answer(["send_pid"])))


async def test_the_worker_is_stopped_between_invocations(tmp_path: Path) -> None:
    """And the same one goes on with the next event."""
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        worker = await the_pid(cloud)
        await until(lambda: worker.status() == psutil.STATUS_STOPPED)

        assert (await the_pid(cloud)).pid == worker.pid


async def test_a_background_thread_stands_still_too(tmp_path: Path) -> None:
    """It stops soon after the reply and goes on with the next event."""
    async with local_lambda(counting(tmp_path), folder=tmp_path) as cloud:
        await count(cloud, "start")
        (worker,) = [child for child in psutil.Process().children() if "bootstrap.py" in " ".join(child.cmdline())]
        await until(lambda: all(psutil.Process(it.id).status() == psutil.STATUS_STOPPED for it in worker.threads()))
        used = worker.cpu_times().user
        await asyncio.to_thread(sum, range(3_000_000))  # a moment in which the thread would have counted

        assert worker.cpu_times().user == used
        before = await count(cloud, "read")
        while await count(cloud, "read") == before:  # it may have had no turn yet
            pass


async def test_an_idle_environment_expires(tmp_path: Path) -> None:
    """The next invocation is a cold start in a new process."""
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        cloud.surroundings.idle_seconds = 0.01
        first = await the_pid(cloud)
        await until(lambda: not is_alive(first.pid))

        invocation = cloud.invoke(["send_pid"])
        await invocation.completed.wait()
        assert invocation.cold_start
        assert [line for line in cloud.log("REPORT") if "Status" in line] == []


async def test_an_environment_at_work_does_not_expire(tmp_path: Path) -> None:
    """Its time begins anew when it is idle again."""
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        cloud.surroundings.idle_seconds = 5
        first = await the_pid(cloud)
        cloud.surroundings.idle_seconds = 0.01
        second = await the_pid(cloud)

        assert first.pid == second.pid
        await until(lambda: not is_alive(first.pid))
