"""The plot of a result: a bar a peer for its first figure, ours in another color, with a line from low to high."""

from __future__ import annotations

from tests.bench.result import Result, Row
from tests.bench.samples import spread
from tests.bench.svg import BLUE, GRID, INK, ORANGE, PALE_INK, LogScale, decades, document, text
from tests.bench.table import number

WIDTH, LEFT, RIGHT, TOP, BOTTOM, LINE, BAR = 720, 240, 76, 52, 28, 24, 14


def plot(result: Result) -> str:
    """The scale is logarithmic; a peer that could not take part has its reason instead of a bar."""
    figure = result.figures[0]
    all_runs = [value for row in result.rows for value in row.runs.get(figure.name, ())]
    scale = LogScale(decades(all_runs), LEFT, WIDTH - RIGHT)
    bottom = TOP + LINE * len(result.rows)
    better = "more is better" if figure.higher_is_better else "less is better"
    parts = [
        text(12, 20, result.title, weight="bold"),
        text(12, 38, f"{figure.name}, {figure.unit}: {better}, and the scale is logarithmic", fill=PALE_INK),
    ]
    for tick in scale.ticks():
        x = scale.place(tick)
        parts.append(f'<path d="M{x:.1f} {TOP - 4}V{bottom}" stroke="{GRID}"/>')
        parts.append(text(x, bottom + 16, f"{tick:,g}" if tick < 1 else f"{tick:,.0f}", anchor="middle", fill=PALE_INK))
    for position, row in enumerate(result.rows):
        parts += _bar(row, figure.name, scale, TOP + position * LINE)
    return document(WIDTH, bottom + BOTTOM, result.title, parts)


def _bar(row: Row, figure: str, scale: LogScale, y: float) -> list[str]:
    ours = row.peer.startswith("**")
    middle = y + LINE / 2
    name = row.peer.replace("**", "").replace("`", "")
    parts = [text(LEFT - 10, middle + 4, name, anchor="end", weight="bold" if ours else "normal")]
    if not row.runs.get(figure):
        return [*parts, text(LEFT + 6, middle + 4, row.note, fill=PALE_INK)]
    runs = spread(row.runs[figure])
    end = scale.place(runs.median)
    top = middle - BAR / 2
    low, high = scale.place(runs.low), scale.place(runs.high)
    color = BLUE if ours else ORANGE
    return [
        *parts,
        f'<rect x="{LEFT}" y="{top:.1f}" width="{end - LEFT:.1f}" height="{BAR}" fill="{color}" opacity="0.8"/>',
        f'<path d="M{low:.1f} {middle:.1f}H{high:.1f}" stroke="{INK}" stroke-width="1.5"/>',
        text(max(end, high) + 6, middle + 4, number(runs.median)),
    ]
