"""One event, its reply, and the one bounded buffer between function and caller."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from local.invocation import (
    HIGH_WATER_BYTES,
    CallerLeftError,
    Failure,
    FunctionError,
    Invocation,
    ReplyBuffer,
    ReplyCutError,
)
from tests.local.fakes.environment import a_function

pytestmark = pytest.mark.anyio

DEADLINE_SECONDS = 5
FAILURE = Failure.of("Some.Error", "it failed")


class Tap:
    """Counts how often a buffer says that it is drained."""

    def __init__(self, buffer: ReplyBuffer) -> None:
        self.opened = 0
        buffer.on_drained = self.open

    def open(self) -> None:
        self.opened += 1


async def rest(buffer: ReplyBuffer) -> bytes:
    """Everything up to the end."""
    data = b""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (piece := await buffer.read()) is not None:
            data += piece
    return data


async def test_a_read_waits_for_the_first_bytes_and_takes_all_that_is_there() -> None:
    buffer = ReplyBuffer()
    async with asyncio.timeout(DEADLINE_SECONDS):
        reading = asyncio.create_task(buffer.read())
        await asyncio.sleep(0)
        assert not reading.done()

        buffer.write(b"one")
        buffer.write(b"two")

        assert await reading == b"onetwo"
        buffer.write(b"three")
        assert await buffer.read() == b"three"


async def test_the_buffer_is_full_at_its_bound_and_says_once_when_it_is_drained() -> None:
    buffer = ReplyBuffer()
    tap = Tap(buffer)

    buffer.write(b"x" * (HIGH_WATER_BYTES - 1))
    assert not buffer.full
    assert len(await buffer.read() or b"") == HIGH_WATER_BYTES - 1
    assert tap.opened == 0, "it was never full"

    buffer.write(b"x" * HIGH_WATER_BYTES)
    assert buffer.full
    assert len(await buffer.read() or b"") == HIGH_WATER_BYTES
    assert (buffer.full, tap.opened) == (False, 1)
    assert buffer.total_bytes == 2 * HIGH_WATER_BYTES - 1


async def test_the_end_is_read_after_everything_that_came_before_it_and_again_and_again() -> None:
    buffer = ReplyBuffer()
    buffer.write(b"all")
    buffer.end()

    async with asyncio.timeout(DEADLINE_SECONDS):
        assert [await buffer.read() for _ in range(3)] == [b"all", None, None]


async def test_a_cut_reply_is_read_up_to_the_cut() -> None:
    buffer = ReplyBuffer()
    buffer.write(b"some")
    buffer.end(FAILURE)

    async with asyncio.timeout(DEADLINE_SECONDS):
        assert await buffer.read() == b"some"
        for _ in range(2):
            with pytest.raises(ReplyCutError) as error:
                await buffer.read()
            assert error.value.failure == FAILURE


async def test_only_the_first_end_counts() -> None:
    whole, cut = ReplyBuffer(), ReplyBuffer()

    whole.end()
    whole.end(FAILURE)
    cut.end(FAILURE)
    cut.end()

    assert await whole.read() is None
    with pytest.raises(ReplyCutError):
        await cut.read()


async def test_what_comes_after_the_end_is_only_counted() -> None:
    """A worker that was given up may still have bytes on their way."""
    buffer = ReplyBuffer()
    buffer.end(FAILURE)
    buffer.write(b"x" * HIGH_WATER_BYTES)

    assert (buffer.full, buffer.total_bytes) == (False, HIGH_WATER_BYTES)
    with pytest.raises(ReplyCutError):
        await buffer.read()


async def test_the_end_wakes_a_waiting_reader() -> None:
    buffer = ReplyBuffer()
    async with asyncio.timeout(DEADLINE_SECONDS):
        reading = asyncio.create_task(buffer.read())
        await asyncio.sleep(0)
        buffer.end()
        assert await reading is None


async def test_a_reader_that_was_cancelled_has_lost_nothing() -> None:
    buffer = ReplyBuffer()
    reading = asyncio.create_task(buffer.read())
    await asyncio.sleep(0)
    reading.cancel()
    buffer.write(b"kept")
    buffer.end()

    assert await rest(buffer) == b"kept"


async def test_an_abandoned_buffer_drops_what_it_holds_and_never_fills_again() -> None:
    """The function must run on, however much it has to say to nobody."""
    buffer = ReplyBuffer()
    tap = Tap(buffer)
    buffer.write(b"x" * HIGH_WATER_BYTES)

    buffer.abandon()
    buffer.write(b"x" * HIGH_WATER_BYTES)

    assert (buffer.full, tap.opened, buffer.total_bytes) == (False, 1, 2 * HIGH_WATER_BYTES)
    for end in (None, FAILURE):
        with pytest.raises(CallerLeftError):
            await buffer.read()
        buffer.end(end)


async def test_abandoning_wakes_a_waiting_reader() -> None:
    buffer = ReplyBuffer()
    async with asyncio.timeout(DEADLINE_SECONDS):
        reading = asyncio.create_task(buffer.read())
        await asyncio.sleep(0)
        buffer.abandon()
        with pytest.raises(CallerLeftError):
            await reading


async def test_an_invocation_starts_with_its_first_byte() -> None:
    invocation = Invocation(a_function(), b"{}")
    async with asyncio.timeout(DEADLINE_SECONDS):
        starting = asyncio.create_task(invocation.started())
        await asyncio.sleep(0)
        assert not starting.done()
        assert invocation.timings.first_byte is None

        invocation.begin_reply("text/plain")

        assert await starting == "text/plain"
        assert await invocation.started() == "text/plain"
    assert invocation.timings.first_byte is not None


async def test_a_failure_before_the_first_byte_is_the_callers_error() -> None:
    invocation = Invocation(a_function(), b"{}")
    invocation.end_reply(FAILURE)
    invocation.end_reply(Failure.of("Later.Error", "a second end"))

    async with asyncio.timeout(DEADLINE_SECONDS):
        with pytest.raises(FunctionError) as error:
            await invocation.started()

    assert not isinstance(error.value, ReplyCutError)
    assert error.value.failure == invocation.failure == FAILURE
    assert str(error.value) == 'Some.Error: {"errorType": "Some.Error", "errorMessage": "it failed"}'
    assert json.loads(FAILURE.document) == {"errorType": "Some.Error", "errorMessage": "it failed"}


async def test_a_failure_after_the_first_byte_cuts_the_reply() -> None:
    invocation = Invocation(a_function(), b"{}")
    invocation.begin_reply("text/plain")
    invocation.reply.write(b"some")
    invocation.end_reply(FAILURE)

    assert await invocation.started() == "text/plain"
    assert await invocation.reply.read() == b"some"
    with pytest.raises(ReplyCutError):
        await invocation.reply.read()


async def test_a_caller_who_leaves_before_the_first_byte_is_not_kept_waiting() -> None:
    invocation = Invocation(a_function(), b"{}")
    async with asyncio.timeout(DEADLINE_SECONDS):
        starting = asyncio.create_task(invocation.started())
        await asyncio.sleep(0)
        invocation.abandon()
        with pytest.raises(CallerLeftError):
            await starting

    invocation.begin_reply("text/plain")
    invocation.end_reply()
    assert invocation.failure is None
    assert invocation.timings.caller_left is not None


async def test_a_caller_who_has_the_whole_reply_has_not_left_it() -> None:
    """The function may have more to do then, such as a line for its log."""
    invocation = Invocation(a_function(), b"{}")
    invocation.begin_reply("text/plain")
    invocation.reply.write(b"all")
    invocation.end_reply()
    assert await rest(invocation.reply) == b"all"

    invocation.abandon()

    assert (invocation.timings.caller_left, invocation.abandoned) == (None, "")


async def test_the_functions_timeout_counts_from_the_hand_over() -> None:
    invocation = Invocation(a_function(timeout_seconds=7), b"{}")
    assert (invocation.deadline_ms, invocation.timings.handed_over) == (0, None)

    before = time.time()
    invocation.hand_over()

    assert (before + 7) * 1000 - 1 <= invocation.deadline_ms <= (time.time() + 7) * 1000
    assert invocation.timings.handed_over is not None


async def test_each_invocation_has_ids_of_its_own_but_a_retry_keeps_its_request_id() -> None:
    first = Invocation(a_function(), b"{}")
    retry = Invocation(a_function(), b"{}", request_id=first.request_id)

    assert retry.request_id == first.request_id
    assert len({first.request_id, first.invocation_id, retry.invocation_id}) == 3
