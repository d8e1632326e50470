"""Whether events kept to their schedule, judged over all stretches of a stream and not by single gaps.

What this is: `trace -> [pacing] -> the worst miss`.

Words leave on an absolute schedule: the time between any two is the sum of the pauses between them, and lateness never
adds up. A network delays single events, and a delay that makes one gap too long makes the next one too short. But
over a stretch of n pauses it is still the same few milliseconds, while pauses that are really too short or too long
add up to n times as much. So every stretch gets the same tolerance, however long it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations


@dataclass(frozen=True, slots=True)
class Miss:
    """The stretch that is furthest off: *ms* too short or too long, 0 or less for none."""

    ms: float
    text: str


def worst_miss(arrivals: Sequence[float], *, shortest_ms: float, longest_ms: float) -> Miss:
    """*arrivals* in seconds, at least two, sent with pauses from *shortest_ms* to *longest_ms*."""
    return max(
        (
            _miss(arrivals, first, last, (shortest_ms, longest_ms))
            for first, last in combinations(range(len(arrivals)), 2)
        ),
        key=lambda miss: miss.ms,
    )


def drift_ms(one: Sequence[float], other: Sequence[float]) -> float:
    """How far two tellings of the same schedule drift apart, in milliseconds; when each began does not matter."""
    offsets = [(a - one[0]) - (b - other[0]) for a, b in zip(one, other, strict=True)]
    return (max(offsets) - min(offsets)) * 1000


def _miss(arrivals: Sequence[float], first: int, last: int, bounds_ms: tuple[float, float]) -> Miss:
    took, pauses = (arrivals[last] - arrivals[first]) * 1000, last - first
    least, most = (bound * pauses for bound in bounds_ms)
    between = f"events {first + 1} and {last + 1} came {took:.0f} ms apart"
    if took - most > least - took:
        return Miss(took - most, f"{between}, where {pauses} pauses take {most:.0f} ms at most")
    return Miss(least - took, f"{between}, where {pauses} pauses take {least:.0f} ms at least")
