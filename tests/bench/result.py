"""What one workload found: a row for each peer, and which targets it meets. Kept as JSON, shown as tables and plots."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

from tests.bench.samples import ratio, spread

Sense = Literal["at most", "at least"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A column: what is measured of each peer."""

    name: str
    unit: str
    higher_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One peer: a number a run for each figure; none at all where *note* says why it cannot do this."""

    peer: str
    runs: Mapping[str, Sequence[float]] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What we want, and what it came to."""

    wanted: str
    sense: Sense
    limit: float
    measured: float
    unit: str = "x"

    @property
    def met(self) -> bool:
        return self.measured <= self.limit if self.sense == "at most" else self.measured >= self.limit


@dataclass(frozen=True, slots=True)
class Result:
    """One workload. The ratios are those of the first figure, against the peer *baseline*."""

    name: str
    title: str
    about: str
    figures: Sequence[Figure]
    rows: Sequence[Row]
    baseline: str
    targets: Sequence[Target] = ()
    made: str = ""  # when, on what, by which command

    def runs(self, peer: str, figure: str = "") -> Sequence[float]:
        """What *peer* came to, run by run; by default in the first figure. Raises `KeyError` if it was not measured."""
        row = next((row for row in self.rows if row.peer == peer), None)
        if row is None or not row.runs:
            raise KeyError(peer)
        return row.runs[figure or self.figures[0].name]

    def median(self, peer: str, figure: str = "") -> float:
        """The median of its runs."""
        return spread(self.runs(peer, figure)).median

    def ratio(self, peer: str, against: str, figure: str = "") -> float:
        """The median of *peer* against that of another."""
        return ratio(self.runs(peer, figure), self.runs(against, figure))

    def compared(self, wanted: str, sense: Sense, limit: float, peer: str, against: str) -> Target:
        """The target that is about the ratio of these two."""
        return Target(wanted, sense, limit, self.ratio(peer, against))

    def with_targets(self, *targets: Target) -> Result:
        """The same with what it says about these."""
        return replace(self, targets=targets)

    def made_by(self, made: str) -> Result:
        """The same with when, on what and by which command."""
        return replace(self, made=made)


def to_json(result: Result) -> str:
    """The result as it is kept; numbers have as many digits as anybody needs."""
    return json.dumps(_rounded(asdict(result)), indent=1, ensure_ascii=False) + "\n"


def from_json(text: str) -> Result:
    """The result that was kept."""
    kept = json.loads(text)
    kept["figures"] = [Figure(**figure) for figure in kept["figures"]]
    kept["rows"] = [Row(**row) for row in kept["rows"]]
    kept["targets"] = [Target(**target) for target in kept["targets"]]
    return Result(**kept)


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, Mapping):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return value
