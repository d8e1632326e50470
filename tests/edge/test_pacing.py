"""The judgement of pauses, on times made up for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from tests.edge.pacing import drift_ms, worst_miss

PAUSES_MS = [200, 800, 500, 350, 650, 200, 800, 420, 580, 300]


def times(pauses_ms: Sequence[float], *, late: Mapping[int, float] | None = None) -> list[float]:
    """Seconds at which events came; *late* is how many milliseconds the network held single ones back."""
    due = [sum(pauses_ms[:number]) for number in range(len(pauses_ms) + 1)]
    return [5 + (at + (late or {}).get(number, 0)) / 1000 for number, at in enumerate(due)]


def test_on_time() -> None:
    """No stretch is off, bounds included."""
    assert worst_miss(times(PAUSES_MS), shortest_ms=200, longest_ms=800).ms == pytest.approx(0)


def test_a_late_event_counts_once() -> None:
    """A word held back by 300 ms is 300 ms off at most, whatever comes after it."""
    miss = worst_miss(times(PAUSES_MS, late={2: 300}), shortest_ms=200, longest_ms=800)

    assert miss.ms == pytest.approx(300)
    assert miss.text == "events 2 and 3 came 1100 ms apart, where 1 pauses take 800 ms at most"


def test_lateness_that_adds_up_is_found() -> None:
    """Pauses that are 60 ms too long one by one are far off together."""
    miss = worst_miss(times([860.0] * 10), shortest_ms=200, longest_ms=800)

    assert miss.ms == pytest.approx(600)
    assert miss.text == "events 1 and 11 came 8600 ms apart, where 10 pauses take 8000 ms at most"


def test_pauses_that_are_too_short_are_found() -> None:
    """All at once is as far off as can be."""
    miss = worst_miss(times([0.0] * 10), shortest_ms=200, longest_ms=800)

    assert miss.ms == pytest.approx(2000)
    assert miss.text == "events 1 and 11 came 0 ms apart, where 10 pauses take 2000 ms at least"


def test_drift() -> None:
    """Two tellings of one seed differ by what the network did; of two seeds, by their sums."""
    other = [at + 100 for at in times(PAUSES_MS, late={0: 40, 4: 90})]

    assert drift_ms(times(PAUSES_MS), other) == pytest.approx(90)
    assert drift_ms(times(PAUSES_MS), times(PAUSES_MS[::-1])) > 400
