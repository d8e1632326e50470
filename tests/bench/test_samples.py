"""What is said of numbers."""

from __future__ import annotations

import pytest

from tests.bench.samples import percentile, ratio, spread


@pytest.mark.parametrize(("percent", "expected"), [(0, 1), (50, 5), (51, 6), (90, 9), (99, 10), (100, 10)])
def test_percentile_is_a_value_that_was_measured(percent: float, expected: float) -> None:
    """The smallest that so many percent do not exceed, whatever their order."""
    assert percentile([7, 3, 1, 10, 9, 2, 8, 4, 6, 5], percent) == expected


def test_percentile_of_one_value_is_that_value() -> None:
    """For every percentage."""
    assert {percentile([4.0], percent) for percent in (0, 50, 99, 100)} == {4.0}


def test_no_values_have_no_percentile() -> None:
    """Rather than a zero that looks like a measurement."""
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_spread_is_median_and_extremes() -> None:
    """Between two values in the middle where their number is even."""
    found = spread([9.0, 1.0, 3.0, 2.0])

    assert (found.median, found.low, found.high) == (2.5, 1.0, 9.0)


def test_ratio_is_that_of_the_medians() -> None:
    """One slow run on either side does not count."""
    assert ratio([2.0, 2.0, 50.0], [1.0, 1.0, 90.0]) == 2.0
