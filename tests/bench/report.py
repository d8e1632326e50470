"""What is left of a run: a JSON file a workload, and made of all of them a page of tables, a plot each, and the
README's table of targets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tests.bench import plot, table
from tests.bench.result import Result, from_json, to_json

MARK = "<!-- targets: written by make bench -->"
PAGE = "README.md"


def section(result: Result) -> str:
    """One workload in Markdown."""
    parts = [f"## {result.title}", result.about, table.figures(result)]
    if result.targets:
        parts.append(table.targets([result]))
    if result.made:
        parts.append(f"Made by {result.made}")
    return "\n\n".join(parts) + "\n"


def keep(result: Result, folder: Path) -> None:
    """Write the result to *folder* and its plot beside it."""
    (folder / f"{result.name}.json").write_text(to_json(result))
    (folder / f"{result.name}.svg").write_text(plot.plot(result))


def kept(folder: Path, names: Sequence[str]) -> list[Result]:
    """The results in *folder* whose names begin with *names*, in that order: `lag` is `lag_1000`, too."""
    paths = [path for name in names for path in sorted(folder.glob(f"{name}*.json"))]
    return [from_json(path.read_text()) for path in paths]


def page(results: Sequence[Result]) -> str:
    """All that was found, to read."""
    head = (
        "# What `make bench` found\n\n"
        "Each figure is the median of several runs, with the smallest and the largest of them; all peers of a table "
        "took turns in one run, so read the ratios, not the milliseconds. How each is measured is told in the modules "
        "one folder above.\n"
    )
    plots = [f"![{result.title}]({result.name}.svg)\n" for result in results]
    sections = [f"{section(result)}\n{picture}" for result, picture in zip(results, plots, strict=True)]
    return "\n".join([head, "## Targets\n", table.targets(results) + "\n", *sections])


def with_targets(readme: str, results: Sequence[Result]) -> str:
    """The *readme* with the table of targets between its two marks renewed. Raises `ValueError` if it has none."""
    pattern = f"{re.escape(MARK)}.*?{re.escape(MARK)}"
    renewed = f"{MARK}\n{table.targets(results)}\n{MARK}"
    text, count = re.subn(pattern, lambda _: renewed, readme, count=1, flags=re.DOTALL)
    if not count:
        raise ValueError(f"no two lines {MARK}")
    return text
