"""Streamed replies at Lambda's pace: 6 MiB at once, then 2 MiB a second. The clock is the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.bandwidth import BURST_BYTES, Bandwidth
from local.dispatcher import Dispatcher
from local.invocation import Invocation, ReplyBuffer
from tests.local.fakes.environment import a_function
from tests.local.fakes.local_lambda import local_lambda, read_all

pytestmark = pytest.mark.anyio

MIB = 1024 * 1024


class Time:
    """A clock that a sleep moves on."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept = 0.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


async def pass_through(reply: ReplyBuffer, size: int, *, piece: int = 64 * 1024) -> None:
    for _ in range(size // piece):
        reply.write(b"x" * piece)
        assert await reply.read() == b"x" * piece


async def test_six_mebibytes_pass_at_once_and_then_two_a_second() -> None:
    time = Time()
    reply = Bandwidth(time.clock, time.sleep).reply()

    await pass_through(reply, BURST_BYTES)
    assert time.slept == 0.0
    await pass_through(reply, 5 * MIB)
    assert time.slept == pytest.approx(2.5)
    reply.end()
    assert await reply.read() is None


async def test_a_pause_gives_bandwidth_back_but_no_more_than_the_burst() -> None:
    time = Time()
    reply = Bandwidth(time.clock, time.sleep).reply()
    await pass_through(reply, BURST_BYTES)

    time.now += 1
    await pass_through(reply, 2 * MIB)
    assert time.slept == 0.0

    time.now += 3600
    await pass_through(reply, BURST_BYTES)
    assert time.slept == 0.0
    await pass_through(reply, MIB)
    assert time.slept == pytest.approx(0.5)


async def test_each_reply_has_a_burst_of_its_own() -> None:
    time = Time()
    bandwidth = Bandwidth(time.clock, time.sleep)
    for _ in range(3):
        await pass_through(bandwidth.reply(), BURST_BYTES)
    assert time.slept == 0.0


async def test_one_piece_that_is_larger_than_the_burst_waits_for_the_rest() -> None:
    time = Time()
    reply = Bandwidth(time.clock, time.sleep).reply()
    await pass_through(reply, 8 * MIB, piece=8 * MIB)
    assert time.slept == pytest.approx(1.0)


@pytest.mark.parametrize(("streamed", "seconds"), [(True, 1.0), (False, 0.0)])
async def test_only_a_caller_who_streams_is_slowed_down(tmp_path: Path, streamed: bool, seconds: float) -> None:
    """A real worker sends 8 MiB, or, where it is not streamed, as much as it may."""
    time = Time()
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        bandwidth = Bandwidth(time.clock, time.sleep)
        dispatcher = Dispatcher([cloud.function], cloud.surroundings, bandwidth=bandwidth)
        size = 8 * MIB if streamed else 6 * MIB
        invocation = Invocation(cloud.function, b'[["send_bytes", %d]]' % size, streamed=streamed)
        dispatcher.invoke(invocation)
        assert len(await read_all(invocation)) == size
        await invocation.completed.wait()
        await dispatcher.close()

    assert time.slept == pytest.approx(seconds)
