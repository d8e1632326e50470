"""How the items of an async body leave: one by one at a pace, together in a burst, in their order always."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

from lambda_runtime import cork
from lambda_runtime.client import ReplyLostError
from lambda_runtime.response import Response
from tests.function.fake_runtime_api import Event, FakeRuntimeApi, Request, run, serve

if TYPE_CHECKING:
    from lambda_runtime.body import Write

BURST = [b"%d" % number for number in range(1000)]


def reply_of(body: Any) -> Request:
    (reply,) = serve(lambda event, context: Response(body))
    return reply


def test_a_burst_leaves_in_few_writes_and_its_first_item_by_itself() -> None:
    """All of them are there when the body ends."""

    async def body() -> AsyncIterator[bytes]:
        for item in BURST:
            yield item

    reply = reply_of(body())

    assert reply.chunks[1] == BURST[0]
    assert b"".join(reply.chunks[1:]) == b"".join(BURST)
    assert len(reply.chunks) < 100


def test_the_first_item_is_on_its_way_before_the_second_is_asked_for() -> None:
    """Even when the body never lets the loop go."""
    with FakeRuntimeApi(Event()) as api:

        async def body() -> AsyncIterator[bytes]:
            yield b"first"
            api.wait_for(lambda: api.received.endswith(b"5\r\nfirst\r\n"))
            yield b"second"

        run(api, lambda event, context: Response(body()))

    assert api.replies[0].chunks[1:] == [b"first", b"second"]


def test_items_at_a_pace_leave_when_they_are_written_even_from_a_body_that_blocks_the_loop() -> None:
    """A millisecond after the one before, none waits for another or for the loop."""
    with FakeRuntimeApi(Event()) as api:

        async def body() -> AsyncIterator[bytes]:
            for item in (b"1", b"2", b"3"):
                yield item
                api.wait_for(lambda item=item: api.received.endswith(b"1\r\n%b\r\n" % item))
                time.sleep(0.002)  # noqa: ASYNC251 - the pace itself, of a body that awaits nothing

        run(api, lambda event, context: Response(body()))

    assert api.replies[0].chunks[1:] == [b"1", b"2", b"3"]


def test_what_a_turn_has_written_leaves_when_the_body_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cork, "BURST_SECONDS", 60)  # a busy machine makes no pause in a burst
    with FakeRuntimeApi(Event()) as api:

        async def body() -> AsyncIterator[bytes]:
            for item in (b"1", b"2", b"3"):
                yield item
            await asyncio.to_thread(api.wait_for, lambda: api.received.endswith(b"2\r\n23\r\n"))
            yield b"4"

        run(api, lambda event, context: Response(body()))

    assert api.replies[0].chunks[1:] == [b"1", b"23", b"4"]


def test_what_was_written_before_an_error_comes_before_its_trailers() -> None:
    async def body() -> AsyncIterator[bytes]:
        for item in BURST:
            yield item
        raise ZeroDivisionError

    reply = reply_of(body())

    assert b"".join(reply.chunks[1:]) == b"".join(BURST)
    assert reply.trailers["lambda-runtime-function-error-type"] == "ZeroDivisionError"


def test_what_was_written_before_the_deadline_comes_before_its_trailers() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"1"
        yield b"2"
        await asyncio.Event().wait()

    (reply,) = serve(lambda event, context: Response(body()), Event(time_left_ms=500))

    assert reply.chunks[1:] == [b"1", b"2"]
    assert reply.trailers["lambda-runtime-function-error-type"] == "Runtime.DeadlineExceeded"


@pytest.mark.parametrize("burst_seconds", [cork.BURST_SECONDS, 60], ids=["after a burst", "in a burst"])
def test_an_item_after_the_deadline_is_not_sent_and_those_before_it_are(
    burst_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that is held, too, when the body does not let the loop go."""
    monkeypatch.setattr(cork, "BURST_SECONDS", burst_seconds)

    def handler(event: Any, context: Any) -> Response:
        async def body() -> AsyncIterator[bytes]:
            yield b"1"
            yield b"2"
            while context.get_remaining_time_in_millis():
                pass
            yield b"late"

        return Response(body())

    (reply,) = serve(handler, Event(time_left_ms=500))

    assert b"".join(reply.chunks[1:]) == b"12"
    assert reply.trailers["lambda-runtime-function-error-type"] == "Runtime.DeadlineExceeded"


@pytest.mark.parametrize("size", [1, 1000, 100_000])
def test_tasks_that_write_at_the_same_time_keep_their_own_order(size: int) -> None:
    """Also while the receiver is slow: no item begins inside another, and none is lost."""

    async def tell(write: Write, name: bytes) -> None:
        for number in range(50):
            await write(name * size + b"%d;" % number)
            if number % 7 == 0:
                await asyncio.sleep(0)

    async def body(write: Write) -> None:
        await asyncio.gather(*(tell(write, name) for name in (b"a", b"b", b"c")))

    items = b"".join(reply_of(body).chunks[1:]).split(b";")

    for name in (b"a", b"b", b"c"):
        told = [item for item in items if item.startswith(name)]
        assert told == [name * size + b"%d" % number for number in range(50)]
    assert len(items) == 151


def test_a_held_item_that_cannot_be_sent_when_the_turn_ends_is_sent_later() -> None:
    """The receiver reads nothing until the body waits for it."""
    with FakeRuntimeApi(Event(holds=True)) as api:

        async def body() -> AsyncIterator[bytes]:
            yield b"first"
            for _ in range(200):
                yield b"x" * 60_000  # held, each, and pushed out by the next
            yield b"last"
            await asyncio.sleep(0)
            api.resume()

        async def handler(event: Any, context: Any) -> Response:
            asyncio.get_running_loop().call_later(0.05, api.resume)
            return Response(body())

        run(api, handler)

    (reply,) = api.replies
    assert b"".join(reply.chunks[1:]) == b"first" + b"x" * 200 * 60_000 + b"last"
    assert reply.ended


def test_a_reply_that_is_lost_in_a_flush_is_told_to_who_writes_next(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the burst goes on, and every item is held."""
    monkeypatch.setattr(cork, "BURST_SECONDS", 60)
    raised: list[str] = []

    async def body(write: Write) -> None:
        try:
            while True:
                await write(b"x" * 1000)
                await write(b"y")
                await asyncio.sleep(0)
        except Exception as error:
            raised.append(type(error).__name__)
            raise

    (reply,) = serve(lambda event, context: Response(body), Event(cut_after=20_000))

    assert raised == ["ReplyLostError"]
    assert not reply.ended
    assert "was cut off" in capsys.readouterr().out


@pytest.mark.parametrize("fails", [False, True])
def test_a_task_that_outlives_its_body_does_not_write_into_another_reply(fails: bool) -> None:
    """It goes on with the next event, whose connection would carry what it writes."""
    late: list[asyncio.Task[None]] = []
    next_event = asyncio.Event()

    async def handler(event: Any, context: Any) -> Response:
        async def body(write: Write) -> None:
            async def write_later() -> None:
                await next_event.wait()
                await write("late")

            late.append(asyncio.create_task(write_later()))
            if fails:
                raise LookupError
            await write("Once")

        async def next_body(write: Write) -> None:
            next_event.set()
            with pytest.raises(ReplyLostError, match="its body has returned already"):
                await late[0]
            await write("upon")

        return Response(next_body if late else body)

    first, second = serve(handler, Event(), Event(headers={"Lambda-Runtime-Aws-Request-Id": "another"}))

    assert (first.endpoint, first.chunks[1:]) == (("error", []) if fails else ("response", [b"Once"]))
    assert (second.endpoint, second.chunks[1:], second.trailers) == ("response", [b"upon"], {})
