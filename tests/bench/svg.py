"""What the plots have in common: an SVG that needs nothing to be shown, words on it, and logarithmic scales."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

PAPER, INK, PALE_INK, GRID = "#fffdf8", "#222", "#555", "#ddd6c6"
BLUE, ORANGE = "#1f47b8", "#c2571a"


def document(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    """The file."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
            f'font-size="12"><title>{escape(title)}</title>',
            f'<rect width="{width}" height="{height}" fill="{PAPER}"/>',
            *parts,
            "</svg>\n",
        ]
    )


def text(x: float, y: float, words: str, *, anchor: str = "start", fill: str = INK, weight: str = "normal") -> str:
    """A line of text."""
    style = f'text-anchor="{anchor}" fill="{fill}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'


@dataclass(frozen=True, slots=True)
class LogScale:
    """Where a value lies between the places *start* and *end*; what is less than the lowest decade lies at *start*."""

    decades: range
    start: float
    end: float

    def place(self, value: float) -> float:
        low, high = self.decades[0], self.decades[-1]
        share = (math.log10(max(value, 10.0**low)) - low) / (high - low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        return [10.0**decade for decade in self.decades]


def decades(values: Sequence[float]) -> range:
    """The powers of ten that have all positive *values* between them, two at least."""
    positive = [value for value in values if value > 0] or [1.0]
    low, high = math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive)))
    return range(low, max(high, low + 1) + 1)
