"""Polling: the story for those who ask again and again, at the very moments at which the stream would tell it.

What this is: `application -> [polling] -> stories.pauses, stories.library`. Nothing is kept between two requests: the
seed makes the pauses, the pauses make the schedule, and *started* says where on it we are. Whoever has these and the
position of the last event can go on anywhere, here or in the stream, which takes the position as `Last-Event-ID`.

What differs here, on purpose:
1. A request without *started* begins a schedule in which the event after *after* is due at once, as the stream does
   when it is resumed.
2. Clocks of two environments differ a little, so *started* may lie a minute ahead. One that lies further ahead is a
   mistake, such as microseconds, and would wait for ever without a word.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice
from typing import Annotated

from fastapi import Depends, Request, Response

from documents import Event, PollAnswer
from fields import After, MaxMs, MinMs, Seed, Slug, Started
from stories.library import DEFAULT, END_DATA, END_EVENT, STORIES
from stories.pauses import random_pauses, random_seed
from stories.problem import ProblemError
from stories.rules import pause_bounds

AHEAD_MS = 60_000


async def now_ms() -> int:
    """Milliseconds since 1970. A dependency, so that tests bring a clock of their own."""
    return time.time_ns() // 1_000_000


async def poll(
    request: Request,
    response: Response,
    now: Annotated[int, Depends(now_ms)],
    story: Slug = DEFAULT,
    min_ms: MinMs = None,
    max_ms: MaxMs = None,
    seed: Seed = None,
    after: After = 0,
    started: Started = None,
) -> PollAnswer:
    """The words that are due by now, and when to ask again.

    Ask first without `started`; then, after `next_ms`, with the `seed` and the `started` of the answer and the last
    `id` as `after`, until `done`. The same seed tells the same schedule as the stream.
    """
    shortest_ms, longest_ms = pause_bounds(min_ms, max_ms)
    _check_start(started, seed=seed, now=now)
    seed = random_seed() if seed is None else seed
    words = STORIES[story].words()
    pauses = random_pauses(seed, min_ms=shortest_ms, max_ms=longest_ms)
    answer = due_events(words, pauses, after=after, started=started, now=now, seed=seed)
    response.headers["cache-control"] = "no-store"
    request.state.words = len(answer.events)
    return answer


def due_events(
    words: Sequence[str], pauses: Iterator[int], *, after: int, started: int | None, now: int, seed: int
) -> PollAnswer:
    """The events later than *after* that are due at *now*; both times are milliseconds since 1970."""
    end = len(words) + 1
    offsets_ms = [0, *islice(accumulate(pauses), len(words))]  # from event 1 to each event, the end event included
    told = min(after, end)
    if started is None:
        started = now - offsets_ms[min(told, end - 1)]
    due = max(told, bisect_right(offsets_ms, now - started))
    return PollAnswer(
        events=[_event(position, words) for position in range(told + 1, due + 1)],
        next_ms=None if due == end else started + offsets_ms[due] - now,
        seed=seed,
        started=started,
        done=due == end,
    )


def _event(position: int, words: Sequence[str]) -> Event:
    if position > len(words):
        return Event(id=position, event=END_EVENT, data=END_DATA)
    return Event(id=position, data=words[position - 1])


def _check_start(started: int | None, *, seed: int | None, now: int) -> None:
    if started is None:
        return
    if seed is None:
        raise ProblemError(400, "seed must be sent with started: the one of the same answer.", field="seed")
    if started > now + AHEAD_MS:
        detail = "started must not lie in the future: it is the one of an earlier answer, in milliseconds since 1970."
        raise ProblemError(400, detail, field="started")
