"""Pauses and schedule, on a clock that only the tests move."""

from __future__ import annotations

from itertools import accumulate, count, islice, pairwise, repeat
from typing import TYPE_CHECKING

import pytest

from narrator import END, HEARTBEAT, TIME_UP, WORD, narrate
from stories.pauses import random_pauses

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.function.conftest import FakeClock

NEVER = float("inf")


def timetable(
    clock: FakeClock, words: int, pauses: Iterable[int], *, told: int = 0, stop_at: float = NEVER
) -> list[tuple[int, str, int]]:
    """Each cue with the millisecond it came at, counted from the first call."""
    start = clock.now
    cues = narrate(words, pauses, told=told, stop_at=stop_at, clock=clock)
    return [(round((clock.now - start) * 1000), cue, position) for cue, position in cues]


def test_every_word_has_a_cue_and_the_end_has_one() -> None:
    """Positions are 1 to N for the words and N + 1 for the end."""
    assert list(narrate(3, repeat(0), stop_at=NEVER)) == [(WORD, 1), (WORD, 2), (WORD, 3), (END, 4)]


def test_first_word_at_once_and_a_pause_before_each_later_cue(clock: FakeClock) -> None:
    """The end has a pause before it as well."""
    assert timetable(clock, 2, [300, 200]) == [(0, WORD, 1), (300, WORD, 2), (500, END, 3)]


def test_nothing_is_asked_of_the_pauses_before_the_first_word(clock: FakeClock) -> None:
    """The first word must not wait for what only the second one needs."""
    asked = []
    pauses = (asked.append(n) or 200 for n in count())
    cues = narrate(2, pauses, stop_at=NEVER, clock=clock)

    assert next(cues) == (WORD, 1)
    assert asked == []
    assert next(cues) == (WORD, 2)
    assert asked == [0]


def test_a_pause_of_nothing_does_not_sleep(clock: FakeClock) -> None:
    """Sleeping for 0 s would still give the processor away."""
    timetable(clock, 5, repeat(0))

    assert clock.sleeps == []


def test_lateness_does_not_add_up(clock: FakeClock) -> None:
    """A clock that oversleeps by 70 ms makes each word 70 ms late, and the hundredth no later than the first."""
    clock.oversleep = 0.07
    pauses = list(islice(random_pauses(1, min_ms=200, max_ms=800), 100))

    table = timetable(clock, 100, pauses)

    due = [0, *accumulate(pauses)]
    assert [ms - planned for (ms, _, _), planned in zip(table, due, strict=True)] == [0] + [70] * 100


def test_lateness_is_made_up_for(clock: FakeClock) -> None:
    """A reader that holds us up for a second gets the words that are due at once, and then the old schedule."""
    cues = narrate(9, repeat(400), stop_at=NEVER, clock=clock)
    next(cues)
    clock.now += 1.0
    start = clock.now
    times = []
    for _ in range(4):
        next(cues)
        times.append(round((clock.now - start) * 1000))

    assert times == [0, 0, 200, 600]


@pytest.mark.parametrize("told", range(6))
def test_resuming_goes_on_with_the_pauses_of_the_positions(clock: FakeClock, told: int) -> None:
    """The pause after a word is the same whether or not the story was resumed; only the first cue comes at once."""
    pauses = [210, 320, 430, 540, 650]
    whole = timetable(clock, 5, pauses)

    resumed = timetable(clock, 5, pauses, told=told)

    offset = whole[told][0]
    assert resumed == [(ms - offset, cue, position) for ms, cue, position in whole[told:]]


@pytest.mark.parametrize(
    ("pause_ms", "heartbeats"), [(14_999, 0), (15_000, 0), (15_001, 1), (30_000, 1), (30_001, 2), (100_000, 6)]
)
def test_heartbeat_every_15_s_of_a_longer_pause(clock: FakeClock, pause_ms: int, heartbeats: int) -> None:
    """Nobody waits longer than 15 s for a sign of life, and the word still comes when it is due."""
    table = timetable(clock, 1, [pause_ms])

    beats = [(15_000 * n, HEARTBEAT, 2) for n in range(1, heartbeats + 1)]
    assert table == [(0, WORD, 1), *beats, (pause_ms, END, 2)]


def test_heartbeats_do_not_delay_the_schedule(clock: FakeClock) -> None:
    clock.oversleep = 0.05

    table = timetable(clock, 1, [40_000])

    assert table == [(0, WORD, 1), (15_050, HEARTBEAT, 2), (30_100, HEARTBEAT, 2), (40_050, END, 2)]


def test_a_cue_that_is_due_at_the_last_moment_still_comes(clock: FakeClock) -> None:
    table = timetable(clock, 9, repeat(500), stop_at=clock.now + 1.0)

    assert table == [(0, WORD, 1), (500, WORD, 2), (1000, WORD, 3), (1000, TIME_UP, 4)]


def test_the_end_counts_as_a_cue_that_can_be_too_late(clock: FakeClock) -> None:
    """Without its end a story was not told: the reader reconnects for it."""
    table = timetable(clock, 2, repeat(500), stop_at=clock.now + 0.999)

    assert table == [(0, WORD, 1), (500, WORD, 2), (500, TIME_UP, 3)]


def test_time_up_is_decided_before_sleeping(clock: FakeClock) -> None:
    """Not even a heartbeat is waited for when the word after it could not leave."""
    assert timetable(clock, 2, [60_000], stop_at=clock.now + 59) == [(0, WORD, 1), (0, TIME_UP, 2)]


def test_a_cue_that_was_due_in_time_but_can_only_leave_later_is_too_late(clock: FakeClock) -> None:
    """A slow reader can hold a word up until past the last moment."""
    cues = narrate(9, repeat(500), stop_at=clock.now + 1.0, clock=clock)
    next(cues)
    clock.now += 1.1

    assert list(cues) == [(TIME_UP, 2)]


def test_the_first_cue_comes_even_when_there_is_no_time(clock: FakeClock) -> None:
    """Otherwise a reader would reconnect for ever and get nothing."""
    assert timetable(clock, 9, repeat(200), told=4, stop_at=clock.now - 5) == [(0, WORD, 5), (0, TIME_UP, 6)]


def test_cues_never_go_back_in_time(clock: FakeClock) -> None:
    times = [ms for ms, _, _ in timetable(clock, 200, random_pauses(3, min_ms=0, max_ms=5000))]

    assert all(earlier <= later for earlier, later in pairwise(times))
