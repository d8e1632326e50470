"""The plot of `compare`: how late each word was, by transport, as an SVG that needs nothing to be shown."""

from __future__ import annotations

import math
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 300, 64, 16, 40, 44
COLORS = ("#1f47b8", "#c2571a")


def plot(series: list[tuple[str, list[float]]]) -> str:
    """Each of *series* is a name and the lag of each word in milliseconds; the scale of lags is logarithmic."""
    highest = max(1.0, *(lag for _, lags in series for lag in lags))
    decades = range(-1, math.ceil(math.log10(highest)) + 1)
    words = max(len(lags) for _, lags in series)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="12"><title>Lag of each word, by transport</title>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fffdf8"/>',
    ]
    for decade in decades:
        y = _y(10.0**decade, decades)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd6c6"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#555">{10.0**decade:g} ms</text>')
    for number, (name, lags) in enumerate(series):
        color = COLORS[number % len(COLORS)]
        points = " ".join(f"{_x(word, words):.1f},{_y(lag, decades):.1f}" for word, lag in enumerate(lags))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.5"/>')
        x = LEFT + number * 200
        parts.append(f'<rect x="{x}" y="14" width="12" height="12" fill="{color}"/>')
        parts.append(f'<text x="{x + 18}" y="24" fill="#222">{escape(name)}</text>')
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}" text-anchor="middle" fill="#555">'
        "lag behind the schedule, word by word</text></svg>"
    )
    return "\n".join(parts) + "\n"


def _x(word: int, words: int) -> float:
    return LEFT + word * (WIDTH - LEFT - RIGHT) / max(1, words - 1)


def _y(lag_ms: float, decades: range) -> float:
    """Less than the lowest line is on it."""
    low, high = decades[0], decades[-1]
    share = (math.log10(max(lag_ms, 10.0**low)) - low) / (high - low)
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
