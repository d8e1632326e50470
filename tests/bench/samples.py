"""What is said of numbers: percentiles of one run, and the median with its neighbours over several."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of *values* that so many percent of them do not exceed. Raises `ValueError` where there is none."""
    if not values:
        raise ValueError("no values, no percentile")
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)  # rounded up
    return ordered[max(0, int(rank) - 1)]


@dataclass(frozen=True, slots=True)
class Spread:
    """Where the numbers of several runs lie; what is between `low` and `high` is the noise of the machine."""

    median: float
    low: float
    high: float


def spread(runs: Sequence[float]) -> Spread:
    """The spread of one number a run."""
    return Spread(statistics.median(runs), min(runs), max(runs))


def ratio(runs: Sequence[float], baseline: Sequence[float]) -> float:
    """The median of *runs* against that of *baseline*; both from the same interleaved runs, or it means nothing."""
    return statistics.median(runs) / statistics.median(baseline)
