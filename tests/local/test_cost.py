"""What Lambda would bill: time, requests, streamed bytes; and the page that reckons with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.commands import main
from local.config import Function
from local.cost import Bill, dollars, gb_seconds, in_words, streamed_dollars
from local.cost_page import cost_page


def function(memory_mb: int = 512, architecture: str = "arm64") -> Function:
    return Function(
        "StoryFunction", "story", "arn", "python3.13", "s.h", Path("/"), memory_mb=memory_mb, architecture=architecture
    )


def test_a_story_of_22_seconds_at_512_mb() -> None:
    """Half a gigabyte for 22 s is 11 GB-s."""
    assert gb_seconds(512, 22_000) == 11.0
    assert dollars(512, 22_000, architecture="arm64") == pytest.approx(11 * 0.0000133334)
    assert in_words(function(), 22_000) == "11.00 GB-s, $0.000147 (arm64)"


def test_x86_costs_a_quarter_more() -> None:
    """The first tier's two prices."""
    x86, arm = (dollars(512, 1000, architecture=architecture) for architecture in ("x86_64", "arm64"))

    assert x86 / arm == pytest.approx(1.25, abs=0.001)


def test_a_million_requests_cost_20_cents() -> None:
    """Whatever they do."""
    assert dollars(128, 0, architecture="arm64", requests=1_000_000) == pytest.approx(0.20)


@pytest.mark.parametrize(("size", "gigabytes"), [(2000, 0), (6 * 1024**2, 0), (1024**3 + 6 * 1024**2, 3)])
def test_what_a_reply_streams_beyond_6_mb_is_paid_for(size: int, gigabytes: int) -> None:
    """For each reply by itself: three small ones do not add up to a large one."""
    assert streamed_dollars(size, replies=3) == pytest.approx(gigabytes * 0.008)


def test_bill() -> None:
    """Sums by function, and names the time that nobody watched."""
    bill = Bill()
    bill.add(function(), 1000)
    bill.add(function(), 3000)
    bill.add_unwatched(function(), 2500.4)

    assert bill.lines() == [
        "StoryFunction  2 invocations, 4.00 s billed: 2.00 GB-s, $0.000027 (arm64)",  # 26.7 and 0.4 millionths
        "StoryFunction  of that 2.50 s after the viewer had left: 1.25 GB-s, $0.000017 (arm64)",
    ]


def test_empty_bill() -> None:
    """A run in which nothing was asked for."""
    assert Bill().lines() == ["Nothing was invoked."]


def rows(page: str) -> dict[str, list[str]]:
    """The cells of each row of the page by those of its first column."""
    cells = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("|")]
    return {first: rest for first, *rest in cells}


def test_the_page_reckons_with_the_model() -> None:
    """Checked by hand: 100 stories of 60 s at 1 GB are 6,000 GB-s, and a story is polled 122 times."""
    page = cost_page(stories=100, seconds=60, memory_mb=1024)
    found = rows(page)

    assert found["1,024 MB"] == ["0.58", "6,000", "$0.080", "$0.100"]
    assert found["every viewer stays to the end"] == ["100", "6,000", "$0.080"]
    assert found["every second viewer leaves after 5 s"][2].startswith("$0.080, $0.037 of it")  # 50 times 55 s
    assert found["each reply has 10 MB, not 2 kB"][2] == "$0.083"  # 0.39 GB beyond what is free
    assert found["polled instead, 122 requests of 5 ms a story"] == ["12,200", "61", "$0.003"]
    assert found["10"] == ["600", "$0.480", "$11.52", "$345.69"]
    assert page.endswith("which is 6,666 such stories at 1,024 MB.")


def test_a_story_shorter_than_its_viewers_patience_is_wasted_on_nobody() -> None:
    """Who would leave after 5 s has heard all of it."""
    assert "$0.000 of it" in cost_page(seconds=3)


def test_the_command_prints_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    """With the same numbers in its options."""
    assert main(["cost", "--stories", "10", "--seconds", "60", "--memory", "128"]) == 0
    assert capsys.readouterr().out == cost_page(stories=10, seconds=60, memory_mb=128) + "\n"


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--seconds", "901", "argument --seconds: '901' is not a whole number from 1 to 900"),
        ("--memory", "64", "argument --memory: '64' is not a whole number from 128 to 10240"),
        ("--stories", "-1", "argument --stories: '-1' is not a whole number from 1 to 1000000000"),
        ("--stories", "many", "argument --stories: 'many' is not a whole number from 1 to 1000000000"),
    ],
)
def test_numbers_that_lambda_does_not_have_are_refused(
    option: str, value: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With one sentence."""
    with pytest.raises(SystemExit) as refused:
        main(["cost", option, value])

    assert refused.value.code == 2
    assert sentence in capsys.readouterr().err
