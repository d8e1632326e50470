"""The story function through its handler: the stream, resuming, the timeout, HEAD, the cold start."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stories.library import DEFAULT, STORIES
from story import handler
from tests.function.calls import STREAM_HEADERS, ask, chunks, read

if TYPE_CHECKING:
    from tests.function.conftest import FakeClock, FakeContext

ROOT = Path(__file__).parents[2]
STORY = ROOT / "functions" / "story"
END = ("end-of-stream", "Stream ended")


# The stream


@pytest.mark.parametrize("path", ["/sse", "/api/sse"])
def test_a_story_is_streamed_word_by_word(path: str, clock: FakeClock, context: FakeContext) -> None:
    """Status, headers, one event a word with its position, and the end with a position of its own."""
    words = STORIES[DEFAULT].words()

    response = handler(ask(path=path), context, clock=clock)
    events = read(chunks(response))

    assert (response.status_code, response.headers, response.cookies) == (200, STREAM_HEADERS, [])
    assert [event.id for event in events] == [str(position) for position in range(1, 47)]
    assert [(event.event, event.data) for event in events] == [("message", word) for word in words] + [END]


def test_what_is_written(clock: FakeClock, context: FakeContext) -> None:
    """The reconnection time comes once, in the same chunk as the first word; the end is an event of its own name."""
    body = chunks(handler(ask(), context, clock=clock))

    assert body[0] == b"retry: 1000\nid: 1\ndata: Every\n\n"
    assert body[1] == b"id: 2\ndata: evening\n\n"
    assert body[-1] == b"id: 46\nevent: end-of-stream\ndata: Stream ended\n\n"
    assert b"".join(body).count(b"retry:") == 1
    assert len(body) == 46


def test_pauses_are_from_200_to_800_ms_unless_asked_otherwise(clock: FakeClock, context: FakeContext) -> None:
    """The first word comes before any pause; 600 pauses come near both bounds and pass neither."""
    body = iter(handler(ask({"story": "postwoman", "seed": "1"}), context, clock=clock).body)
    next(body)
    assert clock.sleeps == []

    list(body)

    pauses_ms = [round(seconds * 1000) for seconds in clock.sleeps]
    assert len(pauses_ms) == 675
    assert 200 <= min(pauses_ms) < 205
    assert 795 < max(pauses_ms) <= 800


def test_pauses_as_asked(clock: FakeClock, context: FakeContext) -> None:
    chunks(handler(ask({"min_ms": "5000", "max_ms": "5000"}), context, clock=clock))

    assert [round(seconds * 1000) for seconds in clock.sleeps] == [5000] * 45


@pytest.mark.parametrize("query", [{"min_ms": "800"}, {"max_ms": "200"}])
def test_a_bound_that_is_not_given_keeps_its_default(
    query: dict[str, str], clock: FakeClock, context: FakeContext
) -> None:
    """min_ms=800 meets the default max_ms of 800, and max_ms=200 the default min_ms of 200."""
    chunks(handler(ask(query), context, clock=clock))

    (bound,) = query.values()
    assert {round(seconds * 1000) for seconds in clock.sleeps} == {int(bound)}


def test_without_a_seed_every_telling_is_another(clock: FakeClock, context: FakeContext) -> None:
    chunks(handler(ask(), context, clock=clock))
    chunks(handler(ask(), context, clock=clock))

    pauses_ms = [round(seconds * 1000) for seconds in clock.sleeps]
    assert pauses_ms[:45] != pauses_ms[45:]


def test_the_clock_is_the_real_one_unless_given(context: FakeContext) -> None:
    """Sleeping can only take longer than asked, so the second word is never early."""
    started = time.monotonic()
    body = iter(handler(ask({"min_ms": "40", "max_ms": "40"}), context).body)
    next(body)
    next(body)
    waited = time.monotonic() - started
    body.close()

    assert waited >= 0.04


def test_unknown_query_fields_are_left_alone(clock: FakeClock, context: FakeContext) -> None:
    assert handler(ask({"utm_source": "x", "Seed": "no"}), context, clock=clock).status_code == 200


@pytest.mark.parametrize("seed", ["0", "007", "9223372036854775807"])
def test_seeds_at_the_bounds(seed: str, clock: FakeClock, context: FakeContext) -> None:
    assert len(chunks(handler(ask({"seed": seed}), context, clock=clock))) == 46


# Resuming


@pytest.mark.parametrize("slug", STORIES)
def test_resuming_from_every_position_gives_exactly_the_rest(slug: str, clock: FakeClock, context: FakeContext) -> None:
    """Nothing lost, nothing twice, at once, and with the pauses that position has anyway."""
    whole = chunks(handler(ask({"story": slug, "seed": "3"}), context, clock=clock))
    pauses = [round(seconds, 6) for seconds in clock.sleeps]

    for position in range(1, len(whole)):
        clock.sleeps.clear()
        event = ask({"story": slug, "seed": "3"}, last_event_id=str(position))
        body = iter(handler(event, context, clock=clock).body)
        first = next(body)
        assert clock.sleeps == []
        assert [first, *body] == [b"retry: 1000\n" + whole[position], *whole[position + 1 :]]
        assert [round(seconds, 6) for seconds in clock.sleeps] == pauses[position:]


def test_after_the_last_word_only_the_end_is_left(clock: FakeClock, context: FakeContext) -> None:
    body = chunks(handler(ask(last_event_id="45"), context, clock=clock))

    assert body == [b"retry: 1000\nid: 46\nevent: end-of-stream\ndata: Stream ended\n\n"]


@pytest.mark.parametrize("last_event_id", ["46", "47", "1000", "9223372036854775807"])
def test_past_the_end_there_is_no_content(last_event_id: str, clock: FakeClock, context: FakeContext) -> None:
    """204 tells an EventSource to stop for good."""
    response = handler(ask(last_event_id=last_event_id), context, clock=clock)

    assert (response.status_code, response.body) == (204, b"")


@pytest.mark.parametrize("last_event_id", [None, "", "0"])
def test_no_last_event_id_is_the_start(last_event_id: str | None, clock: FakeClock, context: FakeContext) -> None:
    assert chunks(handler(ask(last_event_id=last_event_id), context, clock=clock))[0].endswith(b"data: Every\n\n")


# The function's timeout


def test_a_story_that_would_outlast_the_timeout_ends_early_and_cleanly(clock: FakeClock, context: FakeContext) -> None:
    """It stops a second before the timeout, with a comment and without end-of-stream."""
    context.remaining_ms = 3_000
    start = clock.now

    body = chunks(handler(ask({"min_ms": "500", "max_ms": "500"}), context, clock=clock))

    assert clock.now - start == 2.0
    assert [event.id for event in read(body)] == ["1", "2", "3", "4", "5"]
    assert body[-1] == b": time is up, reconnecting resumes\n"


def test_reconnecting_until_the_end_gives_the_whole_story(clock: FakeClock, context: FakeContext) -> None:
    """However short the timeout, each connection brings the story on."""
    whole = [(event.id, event.data) for event in read(chunks(handler(ask(), context, clock=clock)))]
    context.remaining_ms = 4_000

    seen: list[tuple[str, str]] = []
    connections = 0
    while not seen or seen[-1][1] != "Stream ended":
        last_event_id = seen[-1][0] if seen else None
        body = chunks(handler(ask(last_event_id=last_event_id), context, clock=clock))
        seen += [(event.id, event.data) for event in read(body)]
        connections += 1

    assert seen == whole
    assert 5 < connections < 25


def test_a_timeout_within_the_margin_still_gives_a_word(clock: FakeClock, context: FakeContext) -> None:
    context.remaining_ms = 500

    body = chunks(handler(ask(last_event_id="7"), context, clock=clock))

    assert [event.id for event in read(body)] == ["8"]


# HEAD


@pytest.mark.parametrize(
    ("query", "last_event_id", "status"), [({}, None, 200), ({}, "46", 204), ({"seed": "x"}, None, 400)]
)
def test_head_answers_what_get_would_without_a_body(
    query: dict[str, str], last_event_id: str | None, status: int, context: FakeContext
) -> None:
    get = handler(ask(query, last_event_id=last_event_id), context)

    head = handler(ask(query, last_event_id=last_event_id, method="HEAD"), context)

    assert (head.status_code, head.headers, head.body) == (status, get.headers, b"")


# The cold start

HEAVY = {
    "asyncio", "aws_lambda_powertools", "collections.abc", "contextlib", "dataclasses", "datetime", "hashlib", "http",
    "inspect", "journal", "logging", "pathlib", "random", "socket", "ssl", "string", "threading", "traceback",
    "typing", "urllib", "uuid", "warnings",
}  # fmt: skip
if sys.version_info >= (3, 14):
    HEAVY.remove("collections.abc")  # there `collections` is also that, under both names
BEGINNING = """
import os, sys
sys.path[:0] = {paths!r}
from story import handler
class Context:
    aws_request_id = "id"
    def get_remaining_time_in_millis(self): return 60_000
event = {event!r}
"""
COLD = """
chunk = next(iter(handler(event, Context()).body))
print(repr((chunk[:7], sorted(sys.modules))), flush=True)
os._exit(0)  # the rest of the story is not the point
"""
COLD_AND_WARM = """
print([handler(each, Context()).headers["x-environment"] for each in (event, {}, event)])
"""


@pytest.mark.parametrize(("event", "begin"), [(ask(), b"retry: "), (ask({"seed": "x"}), b'{"type"')])
def test_the_first_chunk_needs_no_heavy_module(event: dict[str, Any], begin: bytes) -> None:
    """In a fresh interpreter, up to the first word or the refusal."""
    chunk, modules = in_a_fresh_interpreter(COLD, event)

    assert chunk == begin
    assert HEAVY.isdisjoint(modules)


def test_the_first_reply_of_an_environment_is_cold_and_every_later_one_warm() -> None:
    """Whatever the replies are; the first one here is a refusal."""
    assert in_a_fresh_interpreter(COLD_AND_WARM, ask({"seed": "x"})) == ["cold", "warm", "warm"]


def in_a_fresh_interpreter(script: str, event: dict[str, Any]) -> Any:
    """What *script* prints, with the handler and *event* at hand."""
    layers = [str(ROOT / "functions" / "layers" / layer / "python") for layer in ("streaming", "stories")]
    beginning = BEGINNING.format(paths=[*layers, str(STORY)], event=event)
    # -I -S: nothing that site or a .pth file of this virtual environment imports may stand in the way.
    command = [sys.executable, "-I", "-S", "-c", beginning + script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return eval(done.stdout)
