"""The measurement of many environments at once: with fifty of them, at a tenth of the pauses, for no figure."""

from __future__ import annotations

import asyncio

import pytest

from tests.bench.thousand import RESULTS, ROOT, Viewer, figures, judge, table


def test_fifty_stories_at_once_each_in_an_environment_of_its_own() -> None:
    """Every story is complete and in order, which is checked on the way, and nothing is left over."""
    told = figures(50, (20, 80))

    assert told["stories told, complete and in order"] == 50
    assert told["execution environments restored"] >= 50
    assert told["processes and folders left over after Ctrl-C"] == 0


def test_the_table_has_the_median_of_the_runs_and_their_extremes() -> None:
    lines = table(
        [{"lag, ms": 2.0, "stories": 1000}, {"lag, ms": 1.25, "stories": 1000}, {"lag, ms": 123.4, "stories": 1000}]
    )

    assert lines.splitlines()[2:] == ["| lag, ms | 2 | 1.25 | 123 |", "| stories | 1,000 | 1,000 | 1,000 |"]


def story(*reads: tuple[float, str]) -> Viewer:
    """A viewer of two words and the end, due a second after each other, who read so much at those times."""

    async def make() -> Viewer:
        return Viewer("/sse", "localhost", [0.0, 1.0, 2.0], 10.0, [(at, text.encode()) for at, text in reads])

    return asyncio.run(make())


ONE, TWO, END = "id: 1\ndata: Once\n\n", "id: 2\ndata: upon\n\n", "id: 3\nevent: end-of-stream\ndata: ended\n\n"


def test_lag_is_what_comes_on_top_of_the_least_late_event_once_all_run() -> None:
    """The first story runs before the second has begun: its word of that time does not count."""
    early = story((10.5, "retry: 1\n" + ONE), (11.6, TWO), (12.5, END))
    late = story((11.8, ONE[:9]), (12.0, ONE[9:]), (13.0, TWO), (14.25, END))

    told = judge([early, late], ["Once", "upon"])

    assert told.ready == pytest.approx(2.0)
    assert told.first == [pytest.approx(0.5), pytest.approx(2.0)]
    assert told.lags == [pytest.approx(0), pytest.approx(0), pytest.approx(0.25)]
    assert (told.events, told.seconds) == (6, pytest.approx(4.25))


@pytest.mark.parametrize("reads", [[ONE, END], [TWO, ONE, END], [ONE, TWO], [ONE, TWO.replace("upon", "a"), END], []])
def test_a_story_that_is_not_whole_ends_the_measurement(reads: list[str]) -> None:
    broken = story(*((10.0 + number, text) for number, text in enumerate(reads)))

    with pytest.raises(SystemExit, match="/sse"):
        judge([broken], ["Once", "upon"])


def test_the_table_of_the_readme_is_what_was_measured() -> None:
    written = (RESULTS / "thousand.md").read_text()

    assert written[written.index("| | median") :].strip() in (ROOT / "README.md").read_text()
