"""Polling: the very events of the stream, each at the very moment at which the stream sends it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from httpx_sse import ServerSentEvent
from hypothesis import given
from hypothesis import strategies as st

from stories.library import STORIES
from story import handler as story_handler
from tests.function.api_calls import NOW, Api, problem_of, running
from tests.function.calls import ask, read
from tests.function.conftest import FakeClock, FakeContext

LARGEST = 2**63 - 1


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with running() as api:
        yield api


def streamed(query: dict[str, Any], *, last_event_id: int = 0) -> list[tuple[int, dict[str, Any]]]:
    """What the stream sends, each event with the millisecond it leaves at, counted from the first one."""
    clock, context = FakeClock(), FakeContext()
    context.remaining_ms = 4_000_000  # more than Lambda gives, so that no story ends early
    start = clock.now
    event = ask({name: str(value) for name, value in query.items()}, last_event_id=str(last_event_id))
    chunks, times_ms = [], []
    for chunk in story_handler(event, context, clock=clock).body:
        chunks.append(chunk)
        times_ms.append(round((clock.now - start) * 1000))
    return [(ms, _as_polled(told)) for ms, told in zip(times_ms, read(chunks), strict=True)]


def _as_polled(told: ServerSentEvent) -> dict[str, Any]:
    named = {} if told.event == "message" else {"event": told.event}
    return {"id": int(told.id), **named, "data": told.data}


@st.composite
def tellings(draw: st.DrawFn) -> dict[str, Any]:
    """A story, a seed and bounds, each of them any."""
    low, high = sorted((draw(st.integers(0, 5000)), draw(st.integers(0, 5000))))
    seed = draw(st.integers(0, LARGEST))
    return {"story": draw(st.sampled_from(list(STORIES))), "seed": seed, "min_ms": low, "max_ms": high}


# The first answer


def test_the_first_answer_has_the_first_word_and_all_that_the_next_request_needs(api: Api) -> None:
    api.now = NOW

    answer = api.get("/api/poll", {"seed": 3})

    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json() == {
        "events": [{"id": 1, "data": "Every"}],
        "next_ms": streamed({"seed": 3})[1][0],
        "seed": 3,
        "started": NOW,
        "done": False,
    }


def test_without_a_seed_one_is_assigned_that_repeats_the_schedule(api: Api) -> None:
    first = api.get("/api/poll").json()

    assert api.get("/api/poll", {"seed": first["seed"]}).json() == first
    assert len({api.get("/api/poll").json()["seed"] for _ in range(20)}) == 20


def test_without_pauses_the_first_answer_is_the_whole_story(api: Api) -> None:
    answer = api.get("/api/poll", {"min_ms": 0, "max_ms": 0}).json()

    assert [event["data"] for event in answer["events"]] == [*STORIES["lighthouse"].words(), "Stream ended"]
    assert answer["events"][-1] == {"id": 46, "event": "end-of-stream", "data": "Stream ended"}
    assert (answer["next_ms"], answer["done"]) == (None, True)


# The schedule


@given(telling=tellings(), share=st.floats(0, 1), after=st.integers(0, 700))
def test_at_any_moment_exactly_that_is_due_which_the_stream_has_sent(
    api: Api, telling: dict[str, Any], share: float, after: int
) -> None:
    """And the next moment to ask is the one at which the stream sends the next event."""
    sent = streamed(telling)
    api.now = NOW + round(sent[-1][0] * share)

    answer = api.get("/api/poll", {**telling, "started": NOW, "after": after}).json()

    assert answer["events"] == [event for ms, event in sent if NOW + ms <= api.now and event["id"] > after]
    later = [NOW + ms for ms, event in sent if NOW + ms > api.now and event["id"] > after]
    assert answer["next_ms"] == (later[0] - api.now if later else None)
    assert answer["done"] is not bool(later)
    assert (answer["seed"], answer["started"]) == (telling["seed"], NOW)


@pytest.mark.parametrize("slug", STORIES)
@pytest.mark.parametrize("seed", [0, 7, LARGEST])
def test_who_asks_when_told_to_gets_each_event_when_the_stream_sends_it(api: Api, slug: str, seed: int) -> None:
    """One event an answer, none late, none twice, until it is done."""
    telling = {"story": slug, "seed": seed}
    api.now = NOW
    answer = api.get("/api/poll", telling).json()
    got = [(0, *answer["events"])]
    while not answer["done"]:
        api.now += answer["next_ms"]
        query = {**telling, "started": answer["started"], "after": got[-1][1]["id"]}
        answer = api.get("/api/poll", query).json()
        got.append((api.now - NOW, *answer["events"]))

    assert got == streamed(telling)


# Changing from one to the other


@given(telling=tellings(), position=st.integers(0, 700))
def test_a_reader_of_the_stream_goes_on_here_as_there(api: Api, telling: dict[str, Any], position: int) -> None:
    """Without *started*, the event after the last one is due at once, and the others as after a reconnect."""
    position = min(position, len(STORIES[telling["story"]].words()))
    rest = streamed(telling, last_event_id=position)
    api.now = NOW

    first = api.get("/api/poll", {**telling, "after": position}).json()
    at_once = [event for ms, event in rest if ms == 0]
    assert first["events"] == at_once
    api.now = NOW + rest[-1][0]
    again = {**telling, "after": position, "started": first["started"]}
    assert api.get("/api/poll", again).json()["events"] == [event for _, event in rest]


def test_a_reader_from_here_goes_on_in_the_stream(api: Api) -> None:
    """With the last id as Last-Event-ID nothing is lost and nothing comes twice."""
    api.now = NOW
    seen = api.get("/api/poll", {"seed": 5, "min_ms": 100, "max_ms": 100}).json()["events"]
    api.now = NOW + 1234
    query = {"seed": 5, "min_ms": 100, "max_ms": 100, "started": NOW, "after": 1}
    seen += api.get("/api/poll", query).json()["events"]

    rest = [event for _, event in streamed({"seed": 5}, last_event_id=seen[-1]["id"])]

    assert seen[-1]["id"] == 13
    assert seen + rest == [event for _, event in streamed({"seed": 5})]


@pytest.mark.parametrize("after", [46, 47, LARGEST])
def test_past_the_end_it_is_done(api: Api, after: int) -> None:
    api.now = NOW
    answer = api.get("/api/poll", {"seed": 1, "after": after}).json()

    assert (answer["events"], answer["next_ms"], answer["done"]) == ([], None, True)


def test_who_is_ahead_of_the_schedule_waits(api: Api) -> None:
    """A stream that was resumed is early by up to one pause; its reader gets nothing twice here."""
    api.now = NOW
    query = {"seed": 1, "min_ms": 100, "max_ms": 100, "started": NOW, "after": 4}

    answer = api.get("/api/poll", query).json()

    assert (answer["events"], answer["next_ms"], answer["done"]) == ([], 400, False)


# What only polling can be asked


def test_started_comes_with_its_seed(api: Api) -> None:
    """Another seed by chance would be another schedule with every request."""
    document = problem_of(api.get("/api/poll", {"started": NOW}))

    assert (document["status"], document["field"]) == (400, "seed")
    assert document["detail"] == "seed must be sent with started: the one of the same answer."


def test_a_clock_may_be_a_minute_behind_and_no_more(api: Api) -> None:
    """Two environments do not agree to the millisecond; seconds for milliseconds, or the like, are a mistake."""
    api.now = NOW
    answer = api.get("/api/poll", {"seed": 1, "started": NOW + 60_000})
    assert (answer.json()["events"], answer.json()["next_ms"]) == ([], 60_000)

    document = problem_of(api.get("/api/poll", {"seed": 1, "started": NOW + 60_001}))

    assert (document["status"], document["field"]) == (400, "started")
    assert document["detail"].startswith("started must not lie in the future")


def test_a_story_that_began_long_ago_is_due_at_once(api: Api) -> None:
    answer = api.get("/api/poll", {"story": "postwoman", "seed": 1, "started": 0}).json()

    assert (len(answer["events"]), answer["done"]) == (676, True)
