"""Events whose senders do not wait: how often they are tried, and when."""

from __future__ import annotations

import asyncio

import pytest

from local.invocation import HIGH_WATER_BYTES, Failure
from local.invoke_api.call import Call
from local.invoke_api.event_queue import EventQueue
from local.invoke_api.target import Target
from local.reports import Reports
from tests.local.fakes.dispatcher import FakeDispatcher, reply
from tests.local.fakes.environment import a_function
from tests.local.fakes.raw_worker import until

pytestmark = pytest.mark.anyio

FAILURE = Failure.of("Runtime.Broken", "it broke")
CALL = Call(Target(a_function()), b"[1]", "Event", log_wanted=False, client_context="", trace_id="Root=1")


class Bench:
    """A queue whose pauses pass at once and are written down."""

    def __init__(self, *, throttled: int = 0) -> None:
        self.pauses: list[float] = []
        self.lines: list[str] = []
        self.function = FakeDispatcher(throttled=throttled)
        self.queue = EventQueue(self.function, Reports(self.lines.append), sleep=self._sleep)  # type: ignore[arg-type]

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


async def test_event_that_succeeds_is_run_once() -> None:
    """However much it replies, there is room for it."""
    bench = Bench()
    request_id = bench.queue.put(CALL)
    invocation = await bench.function.begun.get()
    invocation.begin_reply("")
    invocation.reply.write(bytes(HIGH_WATER_BYTES))
    await until(lambda: not invocation.reply.full)
    reply(invocation)
    await until(lambda: not bench.queue._events)

    assert (invocation.request_id, invocation.event, invocation.streamed) == (request_id, b"[1]", False)
    assert (bench.pauses, bench.lines, bench.function.begun.qsize()) == ([], [], 0)


@pytest.mark.parametrize("begun", [(), (b"half",)], ids=["before the reply", "within it"])
async def test_event_that_fails_is_run_three_times(begun: tuple[bytes, ...]) -> None:
    """With one request id and growing pauses; then a line says that nobody will."""
    bench = Bench()
    request_id = bench.queue.put(CALL)
    invocations = []
    for _ in range(3):
        invocations.append(await bench.function.begun.get())
        reply(invocations[-1], *begun, failure=FAILURE)
    await until(lambda: bench.lines)

    assert {invocation.request_id for invocation in invocations} == {request_id}
    assert len({invocation.invocation_id for invocation in invocations}) == 3
    assert bench.pauses == [1.0, 2.0]
    assert bench.lines == [f"Worker  gave up the event of request {request_id}: it failed 3 times"]


async def test_event_that_succeeds_in_the_end() -> None:
    bench = Bench()
    bench.queue.put(CALL)
    reply(await bench.function.begun.get(), failure=FAILURE)
    reply(await bench.function.begun.get(), b"well")
    await until(lambda: not bench.queue._events)

    assert (bench.pauses, bench.lines) == ([1.0], [])


async def test_next_try_waits_for_the_environment() -> None:
    """A failed reply is not the end of the invocation: the function may still work on it."""
    bench = Bench()
    bench.queue.put(CALL)
    invocation = await bench.function.begun.get()
    invocation.end_reply(FAILURE)
    for _ in range(10):
        await asyncio.sleep(0)
    assert bench.pauses == []
    invocation.completed.set()
    await until(lambda: bench.pauses)
    await bench.queue.close()


async def test_throttled_event_goes_back_to_the_queue() -> None:
    """And is no try: it is not the function that failed."""
    bench = Bench(throttled=11)
    bench.queue.put(CALL)
    reply(await bench.function.begun.get(), b"well")
    await until(lambda: not bench.queue._events)

    assert bench.pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert bench.lines == []


async def test_nothing_waits_when_the_queue_is_closed() -> None:
    bench = Bench()
    bench.queue.put(CALL)
    await bench.function.begun.get()
    await bench.queue.close()

    assert bench.queue._events == set()
    assert bench.lines == []
