"""How the items of a plain body leave: one by one at a pace, together in a burst, and none waits for the next one."""

from __future__ import annotations

import itertools
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import pytest

import story
from lambda_runtime import replies, threaded_cork
from lambda_runtime.client import BURST_SECONDS, MAX_HELD_BYTES, Client
from lambda_runtime.http1 import Connection
from lambda_runtime.logging_hook import LoggingHook
from lambda_runtime.loop import Loop
from lambda_runtime.replies import LEADING_ITEMS
from lambda_runtime.response import Response
from lambda_runtime.threaded_cork import ThreadedCork
from tests.function.calls import ask
from tests.function.fake_runtime_api import DEADLINE_SECONDS, REQUEST_ID, Event, FakeRuntimeApi, Request, run, serve

Send = Callable[[Connection, bytes], None]
BURST = [b"%d;" % number for number in range(1000)]
LEADERS = [b"leader"] * LEADING_ITEMS


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """The second threads that were started, as what can be joined."""
    started: list[threading.Thread] = []

    def start(run: Callable[..., None], args: tuple[Any, ...]) -> None:
        started.append(threading.Thread(target=run, args=args))
        started[-1].start()

    monkeypatch.setattr(threaded_cork, "start_new_thread", start)
    return started


@contextmanager
def switching(seconds: float) -> Iterator[None]:
    """A thread that does not wait keeps its turn so long."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The second thread gets no turn before the first one waits; and a busy machine makes no pause in a burst."""
    monkeypatch.setattr(replies, "BURST_SECONDS", 60)
    monkeypatch.setattr(threaded_cork, "BURST_SECONDS", 60)
    with switching(60):
        yield


def ended(threads: list[threading.Thread]) -> bool:
    """Whether there was one second thread, which ends."""
    (thread,) = threads
    thread.join(DEADLINE_SECONDS)
    return not thread.is_alive()


def reply_of(body: Any, event: Event | None = None) -> Request:
    (reply,) = serve(lambda event, context: Response(body), event or Event())
    return reply


def replace_send(
    monkeypatch: pytest.MonkeyPatch,
    threads: list[threading.Thread],
    replacement: Callable[[Send, Connection, bytes], None],
) -> None:
    """Let the second thread send by *replacement*, which gets the method that it replaces."""
    send = Connection.send

    def by_thread(connection: Connection, data: bytes) -> None:
        if threading.current_thread() in threads:
            replacement(send, connection, data)
        else:
            send(connection, data)

    monkeypatch.setattr(Connection, "send", by_thread)


def arrives(api: FakeRuntimeApi, item: bytes) -> None:
    """Wait until *item* is there, as the last or only one of a chunk."""
    api.wait_for(lambda: api.received.endswith(item + b"\r\n"))


# Leaving


def test_a_burst_leaves_in_few_writes_and_its_first_items_one_by_one(threads: list[threading.Thread]) -> None:
    reply = reply_of(iter(BURST))

    assert reply.chunks[1 : 1 + LEADING_ITEMS] == BURST[:LEADING_ITEMS]
    assert b"".join(reply.chunks[1:]) == b"".join(BURST)
    assert len(reply.chunks) < 100
    assert (reply.ended, reply.trailers) == (True, {})
    assert ended(threads)


@pytest.mark.usefixtures("unhurried")
def test_the_end_of_a_burst_leaves_with_the_end_of_the_reply() -> None:
    """In one write, the last chunk of the body behind it."""
    reply = reply_of(iter(BURST))

    rest = b"".join(BURST[LEADING_ITEMS + 1 :])  # the first that the cork gets begins a burst of its own
    assert reply.raw.endswith(b"%x\r\n%b\r\n0\r\n\r\n" % (len(rest), rest))
    assert b"".join(reply.pieces[-2:]).endswith(b"\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (BURST[4], len(rest), rest))


def test_a_few_items_at_once_need_no_second_thread(threads: list[threading.Thread]) -> None:
    few = LEADERS[1:]

    assert reply_of(iter(few)).chunks[1:] == few
    assert not threads


def test_paced_items_are_never_joined(threads: list[threading.Thread]) -> None:
    """Each is on the wire before the next is asked for, though the body never waits for that; no thread is needed."""
    items = [b"%d" % number for number in range(20)]

    def body() -> Iterator[bytes]:
        for item in items:
            yield item
            time.sleep(2 * BURST_SECONDS)

    assert reply_of(body()).chunks[1:] == items
    assert not threads


def test_paced_items_after_a_burst_are_not_joined_either() -> None:
    items = [b"paced %d" % number for number in range(20)]

    with FakeRuntimeApi(Event()) as api:

        def body() -> Iterator[bytes]:
            yield from BURST
            arrives(api, BURST[-1])
            for item in items:
                time.sleep(2 * BURST_SECONDS)
                yield item

        run(api, lambda event, context: Response(body()))

    assert api.replies[0].chunks[-len(items) :] == items


def test_a_held_item_leaves_while_the_body_waits() -> None:
    """For an event here, which comes only when the item has arrived; again and again."""
    with FakeRuntimeApi(Event()) as api:

        def body() -> Iterator[bytes]:
            yield from LEADERS
            for number in range(50):
                yield b"first of %d" % number
                yield b"second of %d" % number
                arrives(api, b"second of %d" % number)

        run(api, lambda event, context: Response(body()))

    assert api.replies[0].ended


def test_a_held_item_leaves_while_the_body_computes() -> None:
    with FakeRuntimeApi(Event()) as api:

        def body() -> Iterator[bytes]:
            yield from [*LEADERS, b"first", b"held"]
            deadline = time.monotonic() + DEADLINE_SECONDS
            while not api.received.endswith(b"held\r\n"):
                assert time.monotonic() < deadline
            yield b"end"

        run(api, lambda event, context: Response(body()))

    assert (api.replies[0].ended, api.replies[0].trailers) == (True, {})


@pytest.mark.usefixtures("unhurried")
def test_a_held_item_leaves_while_the_body_is_closed() -> None:
    """What an iterator's `close` waits for may take a while, too."""

    class Body:
        def __init__(self, api: FakeRuntimeApi) -> None:
            self._api = api
            self.closed = 0

        def __iter__(self) -> Iterator[bytes]:
            return iter(BURST)

        def close(self) -> None:
            self.closed += 1
            arrives(self._api, BURST[-1])

    with FakeRuntimeApi(Event()) as api:
        body = Body(api)
        run(api, lambda event, context: Response(body))

    (reply,) = api.replies
    assert b"".join(reply.chunks[1:]) == b"".join(BURST)
    assert (body.closed, reply.ended, reply.trailers) == (1, True, {})


@pytest.mark.usefixtures("unhurried")
def test_no_more_is_held_than_64_kib() -> None:
    items = [b"x" * 1000] * (MAX_HELD_BYTES // 1000 + 1)

    reply = reply_of([*LEADERS, b"first", *items, b"end"])

    assert reply.chunks[-3:] == [b"first", b"".join(items), b"end"]


@pytest.mark.parametrize("seconds", [1e-6, 0.005, 60], ids=["at any moment", "as usual", "never"])
@pytest.mark.parametrize("sizes", [(1,), (1, 100, 10_000), (5, 70_000), (300_000, 0, 1)])
def test_items_of_any_size_keep_their_order(sizes: tuple[int, ...], seconds: float) -> None:
    """Whenever the threads change turns."""
    items = [b"%d:" % number + b"x" * size for number, size in zip(range(500), itertools.cycle(sizes), strict=False)]

    with switching(seconds):
        reply = reply_of(iter(items))

    assert b"".join(reply.chunks[1:]) == b"".join(items)


def test_two_hundred_thousand_items_arrive_whole_and_in_order() -> None:
    items = [b"id: %d\n\n" % number for number in range(200_000)]

    reply = reply_of(iter(items))

    assert b"".join(reply.chunks[1:]) == b"".join(items)
    assert (reply.ended, len(reply.chunks) < 20_000) == (True, True)


def test_a_story_without_pauses_is_told_whole() -> None:
    query = {"min_ms": "0", "max_ms": "0", "seed": "1"}
    (reply,) = serve(lambda event, context: story.handler(ask(query), context), Event())
    told = b"".join(reply.chunks[1:])

    assert [line for line in told.split(b"\n") if line.startswith(b"id: ")] == [b"id: %d" % n for n in range(1, 47)]
    assert told.endswith(b"event: end-of-stream\ndata: Stream ended\n\n")
    assert reply.ended


@pytest.mark.usefixtures("unhurried")
def test_a_receiver_that_reads_nothing_stops_the_body() -> None:
    """Beyond what is held and what the kernel's buffers take, 10 MB at most, nothing is asked for."""
    overrun = threading.Event()  # 30 ms after the start where nothing stops the body

    with FakeRuntimeApi(Event(holds=True)) as api:

        def body() -> Iterator[bytes]:
            for _ in range(20_000):
                if api.reading:
                    return
                yield b"x" * 1000
            overrun.set()

        worker = threading.Thread(target=run, args=(api, lambda event, context: Response(body())))
        worker.start()
        api.wait_for(lambda: bool(api.replies))
        overrun.wait(0.3)
        api.resume()
        worker.join()

    assert not overrun.is_set()
    assert api.replies[0].ended


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError(), PermissionError("audited")])
def test_where_no_thread_can_be_started_each_item_leaves_by_itself(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(threaded_cork, "start_new_thread", refuse)
    reply = reply_of(iter(BURST))

    assert reply.chunks[1:] == BURST
    assert reply.ended


# Failing


def test_what_was_held_before_an_error_comes_before_its_trailers(threads: list[threading.Thread]) -> None:
    def body() -> Iterator[bytes]:
        yield from BURST
        raise ZeroDivisionError

    reply = reply_of(body())

    assert b"".join(reply.chunks[1:]) == b"".join(BURST)
    assert reply.trailers["lambda-runtime-function-error-type"] == "ZeroDivisionError"
    assert ended(threads)


@pytest.mark.usefixtures("unhurried")
def test_what_was_held_has_left_before_a_body_that_failed_is_closed() -> None:
    """Its `finally` may take a while."""
    with FakeRuntimeApi(Event()) as api:

        def body() -> Iterator[Any]:
            yield from BURST
            try:
                yield 1
            finally:
                arrives(api, BURST[-1])

        run(api, lambda event, context: Response(body()))

    assert api.replies[0].trailers["lambda-runtime-function-error-type"] == "TypeError"


def test_an_item_after_the_deadline_is_not_sent_and_those_before_it_are(threads: list[threading.Thread]) -> None:
    def handler(event: Any, context: Any) -> Response:
        def body() -> Iterator[bytes]:
            yield from BURST
            while context.get_remaining_time_in_millis():
                time.sleep(0.001)
            yield b"late"

        return Response(body())

    (reply,) = serve(handler, Event(time_left_ms=1000))

    assert b"".join(reply.chunks[1:]) == b"".join(BURST)
    assert reply.trailers["lambda-runtime-function-error-type"] == "Runtime.DeadlineExceeded"
    assert ended(threads)


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("goes_on", [True, False], ids=["writes again", "ends"])
def test_a_loss_that_the_second_thread_sees_is_told_to_the_first(
    goes_on: bool,
    threads: list[threading.Thread],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """At its next item or at its end; the body is closed, and the next event served."""
    closed: list[bool] = []

    def send_until_lost(send: Send, connection: Connection, data: bytes) -> None:
        while True:
            send(connection, data)

    def body() -> Iterator[bytes]:
        try:
            yield from [*LEADERS, b"first", b"held"]
            threads[0].join(DEADLINE_SECONDS)
            yield from [b"too late"] * goes_on
            assert not goes_on
        finally:
            closed.append(True)

    replace_send(monkeypatch, threads, send_until_lost)
    results = iter([Response(body()), Response("the next one")])
    lost, following = serve(lambda event, context: next(results), Event(cut_after=1000), Event())

    assert closed == [True]
    assert (lost.ended, lost.trailers) == (False, {})
    assert following.chunks[1:] == [b"the next one"]
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"[WARN] the reply to {REQUEST_ID} was cut off: [Errno ")
    assert ended(threads)


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_a_process_that_is_to_exit_does_not_wait_for_a_receiver_that_takes_nothing(
    error: type[BaseException], threads: list[threading.Thread], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second thread is stuck in a send when the first one is told to exit, by a signal say."""
    stuck = threading.Event()

    def send_to_the_full(send: Send, connection: Connection, data: bytes) -> None:
        connection.socket.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                connection.socket.send(b"x" * 100_000)
        connection.socket.setblocking(True)
        stuck.set()
        send(connection, data)

    def body() -> Iterator[bytes]:
        yield from [*LEADERS, b"first", b"held"]
        assert stuck.wait(DEADLINE_SECONDS)
        raise error

    replace_send(monkeypatch, threads, send_to_the_full)
    with FakeRuntimeApi(Event(holds=True)) as api:
        loop = Loop(Client(api.address), lambda *_: Response(body()), LoggingHook(), starts_async=False, buffers=False)
        with pytest.raises(error):
            loop.run()

        assert ended(threads)
        assert not api.reading


@pytest.mark.usefixtures("unhurried")
def test_what_was_held_leaves_before_a_process_exits(
    threads: list[threading.Thread], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threaded_cork, "GRACE_SECONDS", DEADLINE_SECONDS)

    def body() -> Iterator[bytes]:
        yield from BURST
        raise SystemExit

    with FakeRuntimeApi(Event()) as api:
        loop = Loop(Client(api.address), lambda *_: Response(body()), LoggingHook(), starts_async=False, buffers=False)
        with pytest.raises(SystemExit):
            loop.run()
        arrives(api, BURST[-1])

    (reply,) = api.replies
    assert b"".join(reply.chunks[1:]) == b"".join(BURST)
    assert (reply.ended, ended(threads)) == (False, True)


def test_a_process_that_is_to_exit_does_not_wait_for_a_thread_that_was_never_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The signal comes right before the start; the body is closed all the same."""
    closed: list[bool] = []

    def exit_instead(*_: object) -> None:
        raise SystemExit

    def body() -> Iterator[bytes]:
        try:
            yield from BURST
        finally:
            closed.append(True)

    monkeypatch.setattr(threaded_cork, "start_new_thread", exit_instead)
    with FakeRuntimeApi(Event()) as api, pytest.raises(SystemExit):
        Loop(Client(api.address), lambda *_: Response(body()), LoggingHook(), starts_async=False, buffers=False).run()

    assert closed == [True]


class TimeUpError(Exception):
    """What a signal handler of the function raises."""


@pytest.mark.usefixtures("unhurried")
def test_a_signal_that_comes_while_the_first_thread_waits_for_the_second_loses_nothing(
    threads: list[threading.Thread], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its handler raises travels in the trailers, behind all that was written."""
    stuck, rung = threading.Event(), threading.Event()

    def send_after_the_signal(send: Send, connection: Connection, data: bytes) -> None:
        stuck.set()
        assert rung.wait(DEADLINE_SECONDS)
        send(connection, data)

    def ring(signum: int, frame: FrameType | None) -> None:
        writing = frame and frame.f_code is ThreadedCork.write.__code__
        if writing and stuck.is_set() and not rung.is_set() and frame.f_locals["self"]._written_bytes > MAX_HELD_BYTES:
            rung.set()
            raise TimeUpError("out of time")

    def body() -> Iterator[bytes]:
        yield from [*LEADERS, b"first", b"held"]
        assert stuck.wait(DEADLINE_SECONDS)
        yield b"x" * MAX_HELD_BYTES  # too much to be held: it has to wait

    replace_send(monkeypatch, threads, send_after_the_signal)
    previous = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
        reply = reply_of(body())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)

    assert b"".join(reply.chunks[1:]) == b"".join([*LEADERS, b"first", b"held", b"x" * MAX_HELD_BYTES])
    assert reply.trailers["lambda-runtime-function-error-type"] == "TimeUpError"
    assert ended(threads)


def test_a_signal_that_keeps_the_first_thread_from_telling_the_second_to_end_keeps_nobody_waiting(
    threads: list[threading.Thread], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes when all has been written and the second thread sleeps."""
    wake, rung = ThreadedCork._wake, threading.Event()

    def ring(cork: ThreadedCork) -> None:
        if cork._ending and not rung.is_set():
            rung.set()
            raise TimeUpError("out of time")
        wake(cork)

    monkeypatch.setattr(ThreadedCork, "_wake", ring)
    with switching(1e-6):
        first, following = serve(lambda event, context: Response(iter(BURST)), Event(), Event())

    for reply in (first, following):
        assert b"".join(reply.chunks[1:]) == b"".join(BURST)
    assert first.trailers["lambda-runtime-function-error-type"] == "TimeUpError"
    for thread in threads:
        thread.join(DEADLINE_SECONDS)
        assert not thread.is_alive()
