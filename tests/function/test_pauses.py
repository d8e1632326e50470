"""The pauses between words, and the seeds that repeat them."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest

from stories.pauses import default_bounds, random_pauses, random_seed


def test_pauses_are_whole_milliseconds_and_both_bounds_are_reached() -> None:
    """200 and 800 occur, nothing beyond them does, and all are ints."""
    pauses = list(islice(random_pauses(7, min_ms=200, max_ms=800), 20_000))

    assert {type(pause) for pause in pauses} == {int}
    assert (min(pauses), max(pauses)) == (200, 800)


def test_pauses_are_uniform() -> None:
    """Chi-square of 601 equally likely values is about 600; five standard deviations are 173."""
    expected = 100
    counts = Counter(islice(random_pauses(7, min_ms=200, max_ms=800), 601 * expected))

    chi_square = sum((counts[pause] - expected) ** 2 / expected for pause in range(200, 801))

    assert 427 < chi_square < 773


def test_one_possible_pause_is_the_only_one() -> None:
    assert list(islice(random_pauses(7, min_ms=300, max_ms=300), 5)) == [300] * 5


def test_same_seed_same_pauses() -> None:
    """And another seed gives others."""
    first, again, other = (
        list(islice(random_pauses(seed, min_ms=200, max_ms=800), 50)) for seed in (2**63 - 1, 2**63 - 1, 0)
    )

    assert first == again
    assert first != other


def test_a_seed_by_chance_is_exact_in_javascript_and_another_each_time() -> None:
    seeds = {random_seed() for _ in range(50)}

    assert len(seeds) == 50
    assert all(0 <= seed < 2**32 for seed in seeds)


@pytest.mark.parametrize(
    ("environ", "bounds"),
    [
        ({}, (200, 800)),
        ({"STORY_MIN_MS": "", "STORY_MAX_MS": ""}, (200, 800)),
        ({"STORY_MIN_MS": "0", "STORY_MAX_MS": "5000"}, (0, 5000)),
        ({"STORY_MAX_MS": "200"}, (200, 200)),
    ],
)
def test_a_deployment_may_set_the_pauses(environ: dict[str, str], bounds: tuple[int, int]) -> None:
    """One of them, both or none."""
    assert default_bounds(environ) == bounds


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        (
            {"STORY_MIN_MS": "soon"},
            "STORY_MIN_MS must be a whole number of milliseconds from 0 to 5000, not 'soon'.",
        ),
        (
            {"STORY_MAX_MS": "5001"},
            "STORY_MAX_MS must be a whole number of milliseconds from 0 to 5000, not '5001'.",
        ),
        (
            {"STORY_MAX_MS": "800.5"},
            "STORY_MAX_MS must be a whole number of milliseconds from 0 to 5000, not '800.5'.",
        ),
        ({"STORY_MIN_MS": "801"}, "STORY_MIN_MS (801) must not be greater than STORY_MAX_MS (800)."),
    ],
)
def test_pauses_that_are_none_are_refused_with_a_sentence(environ: dict[str, str], sentence: str) -> None:
    """In the log of a function that does not start, so it has to say all that is needed."""
    with pytest.raises(ValueError) as refused:
        default_bounds(environ)

    assert str(refused.value) == sentence
