"""Results as Markdown: one table of figures a workload, one of all targets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.bench.result import Figure, Result, Row
from tests.bench.samples import spread


def figures(result: Result) -> str:
    """A row a peer: for each figure the median, with the smallest and the largest run, and the ratio."""
    head = ["", *(_heading(figure) for figure in result.figures), f"against {result.baseline}"]
    noted = any(row.note for row in result.rows)
    lines = [[*head, ""] if noted else head]
    for row in result.rows:
        cells = [row.peer, *(_cell(row, figure) for figure in result.figures), _against(result, row)]
        lines.append([*cells, row.note] if noted else cells)
    return _markdown(lines)


def targets(results: Iterable[Result]) -> str:
    """A row a target: wanted, measured, met or not."""
    lines = [["target", "wanted", "measured", ""]]
    for result in results:
        for target in result.targets:
            limit = f"{target.sense} {amount(target.limit, target.unit)}"
            verdict = "met" if target.met else "**not met**"
            lines.append([target.wanted, limit, amount(target.measured, target.unit), verdict])
    return _markdown(lines)


def amount(value: float, unit: str) -> str:
    """Three digits that count, with the unit; a ratio with two places."""
    return f"{value:.2f}x" if unit == "x" else f"{number(value)} {unit}"


def number(value: float) -> str:
    """Three digits that count, and all those before the point."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _heading(figure: Figure) -> str:
    return f"{figure.name}, {figure.unit}"


def _cell(row: Row, figure: Figure) -> str:
    if not row.runs.get(figure.name):
        return "-"
    runs = spread(row.runs[figure.name])
    if runs.low == runs.high:
        return number(runs.median)
    return f"{number(runs.median)} ({number(runs.low)}–{number(runs.high)})"


def _against(result: Result, row: Row) -> str:
    try:
        return amount(result.ratio(row.peer, result.baseline), "x")
    except (KeyError, ZeroDivisionError):  # it did not take part, or there is nothing to compare with
        return "-"


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    rule = ["---", *("---:" for _ in lines[0][1:])]
    if lines[0][-1] == "":
        rule[-1] = "---"
    return "\n".join("| " + " | ".join(line) + " |" for line in [lines[0], rule, *lines[1:]])
