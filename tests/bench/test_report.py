"""Results are kept, and shown as tables and plots."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.bench import report, table
from tests.bench.plot import plot
from tests.bench.result import Figure, Result, Row, Target, from_json, to_json

SVG = "{http://www.w3.org/2000/svg}"
RESULT = Result(
    "lag",
    "Lag",
    "How late.",
    [Figure("p50", "µs"), Figure("p99", "µs")],
    [
        Row("**ours**: `x`", {"p50": [20.0, 10.0, 1234.5], "p99": [2.0, 2.0, 2.0]}),
        Row("theirs <1>", {"p50": [40.0, 40.0, 50.0], "p99": [0.5, 0.25, 0.75]}),
        Row("buffering", note="sends one block"),
    ],
    "theirs <1>",
    [Target("lag", "at most", 3, 0.5), Target("pace", "at least", 5, 4.9, "ms")],
    "`make bench`, on a machine",
)


def test_table_has_median_extremes_and_ratio() -> None:
    """And the reason of a peer that could not take part, where its numbers would be."""
    assert table.figures(RESULT).splitlines() == [
        "|  | p50, µs | p99, µs | against theirs <1> |  |",
        "| --- | ---: | ---: | ---: | --- |",
        "| **ours**: `x` | 20.0 (10.0–1,234) | 2.00 | 0.50x |  |",
        "| theirs <1> | 40.0 (40.0–50.0) | 0.50 (0.25–0.75) | 1.00x |  |",
        "| buffering | - | - | - | sends one block |",
    ]


def test_nothing_to_compare_with_is_no_ratio() -> None:
    """A baseline of zero, or one that was not measured."""
    for baseline in ("idle", "absent"):
        row, idle = Row("a", {"cpu": [1.0]}), Row("idle", {"cpu": [0.0]})
        result = Result("idle", "Idle", "", [Figure("cpu", "ms/s")], [row, idle], baseline)

        assert table.figures(result).splitlines()[2] == "| a | 1.00 | - |"


def test_targets_are_met_or_not() -> None:
    """Each in the sense that it was meant."""
    assert table.targets([RESULT]).splitlines()[2:] == [
        "| lag | at most 3.00x | 0.50x | met |",
        "| pace | at least 5.00 ms | 4.90 ms | **not met** |",
    ]


def test_result_is_kept_as_it_was() -> None:
    """Through JSON and back, but for digits that nobody needs."""
    kept = from_json(to_json(RESULT))

    assert table.figures(kept) == table.figures(RESULT)
    assert (kept.targets, kept.made, kept.baseline) == (list(RESULT.targets), RESULT.made, RESULT.baseline)
    assert from_json(to_json(kept)) == kept


def test_plot_has_a_bar_a_peer() -> None:
    """A reason instead of a bar for who did not take part, and no letters of Markdown."""
    root = ElementTree.fromstring(plot(RESULT))

    bars = root.findall(f"{SVG}rect")[1:]
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert len(bars) == 2
    assert float(bars[0].attrib["width"]) < float(bars[1].attrib["width"])
    assert {"ours: x", "theirs <1>", "buffering", "sends one block"} <= set(words)


def test_plot_draws_nothing_measured_as_nothing() -> None:
    """A peer that needs no processor time has a bar without width."""
    idle = Result(
        "idle", "Idle", "", [Figure("cpu", "ms/s")], [Row("a", {"cpu": [0.0]}), Row("b", {"cpu": [3.0]})], "b"
    )

    bars = ElementTree.fromstring(plot(idle)).findall(f"{SVG}rect")[1:]

    assert float(bars[0].attrib["width"]) == 0
    assert float(bars[1].attrib["width"]) > 0


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    """In the order asked for; what was never measured is left out."""
    report.keep(RESULT, tmp_path)

    assert [result.name for result in report.kept(tmp_path, ["drift", "lag"])] == ["lag"]
    assert (tmp_path / "lag.svg").read_text() == plot(RESULT)


def test_page_has_each_table_its_targets_and_its_plot() -> None:
    """And by which command it was made."""
    page = report.page([RESULT])

    assert "## Lag\n\nHow late.\n\n|" in page
    assert "![Lag](lag.svg)" in page
    assert "Made by `make bench`, on a machine" in page
    assert page.count("**not met**") == 2


def test_readme_gets_the_targets_between_its_marks() -> None:
    """What is around them stays."""
    readme = f"before\n{report.MARK}\nold\n{report.MARK}\nafter\n"

    renewed = report.with_targets(readme, [RESULT])

    assert renewed == f"before\n{report.MARK}\n{table.targets([RESULT])}\n{report.MARK}\nafter\n"
    with pytest.raises(ValueError, match="no two lines"):
        report.with_targets("before\n", [RESULT])
