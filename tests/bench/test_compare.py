"""The comparison of transports: it counts, and its plot is well formed."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.bench.compare import Run, billed_ms, measured, table
from tests.bench.compare_plot import plot
from tests.e2e.local_cloud import LocalCloud

SVG = "{http://www.w3.org/2000/svg}"


def test_both_transports_get_every_event() -> None:
    """The stream with one request, polling with about one a word; neither before it is due."""
    cloud = LocalCloud()
    try:
        (streamed, polled), offsets_ms = measured(cloud, "snail", 7, quick=True)
    finally:
        assert cloud.stop() == 0

    assert len(streamed.arrivals) == len(polled.arrivals) == len(offsets_ms)
    assert streamed.requests == 1
    assert 1 < polled.requests <= len(offsets_ms)
    assert polled.sent_bytes > streamed.sent_bytes
    assert streamed.billed_ms >= offsets_ms[-1]
    assert polled.billed_ms > 0


def test_lag_is_measured_from_the_first_word_on() -> None:
    """The first word is due when it comes; the others at their offsets from there."""
    run = Run("polling", arrivals=[10.0, 10.205, 10.5])

    assert run.lags_ms([0, 200, 500]) == [pytest.approx(5), pytest.approx(0)]


def test_only_reports_of_that_function_are_added_up() -> None:
    """And nothing else that it says."""
    report = '{"type": "platform.report", "record": {"metrics": {"billedDurationMs": %d}}}'
    lines = [f"A  {report % 5}", f"B  {report % 70}", "A  billedDurationMs", f"A  {report % 600}"]

    assert billed_ms(lines, "A") == 605


def test_table_has_a_column_for_each_run() -> None:
    """In Markdown."""
    runs = [Run(name, began=0, requests=1, arrivals=[0.001, 0.101]) for name in ("a", "b")]

    rows = table(runs, [0, 100]).splitlines()

    assert rows[0] == "|  | a | b |"
    assert rows[5] == "| time to the first word | 1.0 ms | 1.0 ms |"
    assert {row.count("|") for row in rows} == {4}


def test_plot_is_an_svg_with_a_line_for_each_transport() -> None:
    """Lags below the scale, and none at all, are drawn too."""
    root = ElementTree.fromstring(plot([("server-sent <events>", [-0.5, 0.0, 3.0]), ("polling", [900.0, 20.0, 7.0])]))

    lines = root.findall(f"{SVG}polyline")
    assert [len(line.attrib["points"].split()) for line in lines] == [3, 3]
    assert "server-sent <events>" in [text.text for text in root.iter(f"{SVG}text")]
