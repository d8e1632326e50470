"""The duration part of the bill."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.config import Function
from local.cost import Bill, dollars, gb_seconds, in_words


def function(memory_mb: int = 512, architecture: str = "arm64") -> Function:
    return Function(
        "StoryFunction", "story", "arn", "python3.13", "s.h", Path("/"), memory_mb=memory_mb, architecture=architecture
    )


def test_a_story_of_22_seconds_at_512_mb() -> None:
    """Half a gigabyte for 22 s is 11 GB-s."""
    assert gb_seconds(function(), 22_000) == 11.0
    assert dollars(function(), 22_000) == pytest.approx(11 * 0.0000133334)
    assert in_words(function(), 22_000) == "11.00 GB-s, $0.000147 (arm64)"


def test_x86_costs_a_quarter_more() -> None:
    """The first tier's two prices."""
    assert dollars(function(architecture="x86_64"), 1000) / dollars(function(), 1000) == pytest.approx(1.25, abs=0.001)


def test_bill() -> None:
    """Sums by function, and names the time that nobody watched."""
    bill = Bill()
    bill.add(function(), 1000)
    bill.add(function(), 3000)
    bill.add_unwatched(function(), 2500.4)

    assert bill.lines() == [
        "StoryFunction  2 invocations, 4.00 s billed: 2.00 GB-s, $0.000027 (arm64)",
        "StoryFunction  of that 2.50 s after the viewer had left: 1.25 GB-s, $0.000017 (arm64)",
    ]


def test_empty_bill() -> None:
    """A run in which nothing was asked for."""
    assert Bill().lines() == ["Nothing was invoked."]
