"""The plot of `compare`: how late each word was, by transport."""

from __future__ import annotations

from tests.bench.svg import BLUE, GRID, INK, ORANGE, PALE_INK, LogScale, decades, document, text

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 300, 64, 16, 40, 44
COLORS = (BLUE, ORANGE)
LOWEST_MS = 0.1


def plot(series: list[tuple[str, list[float]]]) -> str:
    """Each of *series* is a name and the lag of each word in milliseconds; the scale of lags is logarithmic."""
    highest_ms = max(1.0, *(lag for _, lags in series for lag in lags))
    scale = LogScale(decades([LOWEST_MS, highest_ms]), HEIGHT - BOTTOM, TOP)
    words = max(len(lags) for _, lags in series)
    parts = []
    for tick in scale.ticks():
        y = scale.place(tick)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{GRID}"/>')
        parts.append(text(LEFT - 8, y + 4, f"{tick:g} ms", anchor="end", fill=PALE_INK))
    for number, (name, lags) in enumerate(series):
        color = COLORS[number % len(COLORS)]
        points = " ".join(f"{_x(word, words):.1f},{scale.place(lag):.1f}" for word, lag in enumerate(lags))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.5"/>')
        x = LEFT + number * 200
        parts.append(f'<rect x="{x}" y="14" width="12" height="12" fill="{color}"/>')
        parts.append(text(x + 18, 24, name, fill=INK))
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(text(middle, HEIGHT - 12, "lag behind the schedule, word by word", anchor="middle", fill=PALE_INK))
    return document(WIDTH, HEIGHT, "Lag of each word, by transport", parts)


def _x(word: int, words: int) -> float:
    return LEFT + word * (WIDTH - LEFT - RIGHT) / max(1, words - 1)
