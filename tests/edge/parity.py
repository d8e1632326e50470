"""The parity report: the same requests to two deployments, and what differs in the answers, as Markdown.

What this is: `make parity -> [parity] -> observation, twice`.

What differs between any two answers, on purpose or by nature:
1. values of the moment (dates, request ids, cache state) and how a body is framed are not looked at;
2. headers that change nothing for a viewer are shown, and do not count;
3. what a viewer or a browser acts upon counts: status, the headers listed below, bodies, events, and the pace;
4. of an answer in a service's own words (S3's errors, CloudFront's) only the status and CORS count.

`python -m tests.edge.parity LOCAL URL` exits with 0 when nothing that counts differs, 1 when something does, and 2
when one of the two does not answer.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from tests.edge.address import Address, AddressError, NoAnswerError
from tests.edge.buffering import Flow
from tests.edge.observation import Answer, Observation, Pace, observe
from tests.edge.pacing import drift_ms
from tests.edge.page import PageError

DRIFT_MS = 400  # between two tellings of one seed: networks may delay single events by as much
LONGEST_VALUE = 80
# fmt: off
_VOLATILE = frozenset((
    "age", "alt-svc", "connection", "content-length", "date", "etag", "keep-alive", "last-modified",
    "transfer-encoding", "via", "x-cache",
))
_COUNTING = frozenset((
    "allow", "cache-control", "content-encoding", "content-language", "content-security-policy", "content-type",
    "location", "referrer-policy", "retry-after", "set-cookie", "strict-transport-security", "www-authenticate",
    "x-accel-buffering", "x-content-type-options", "x-frame-options",
))
# fmt: on
_VOLATILE_PREFIXES = ("x-amz-", "x-amzn-")
_NONE = "none"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs: its values here and there, and whether that counts."""

    what: str
    one: str
    other: str
    counts: bool = True

    def markdown(self) -> str:
        """Its name and both values, on one line, safe inside a table."""
        return f"{self.what}: {_cell(self.one)} / {_cell(self.other)}" + ("" if self.counts else " (does not count)")


@dataclass(frozen=True, slots=True)
class Row:
    """One request, or the pace, and all that differs."""

    name: str
    status: str
    differences: tuple[Difference, ...]

    @property
    def counts(self) -> bool:
        """Whether anything differs that a viewer would notice."""
        return any(difference.counts for difference in self.differences)


def compare(one: Observation, other: Observation) -> list[Row]:
    """A row for every request that either of the two has answered, then one for the pace."""
    names = list(dict.fromkeys([*one.answers, *other.answers]))
    rows = [_row(name, one.answers.get(name), other.answers.get(name)) for name in names]
    return [*rows, Row("pace", "", tuple(_pace_differences(one.pace, other.pace)))]


def report(one: Observation, other: Observation, rows: list[Row]) -> str:
    """The report: what was compared, the table, and the sum in one sentence."""
    different = sum(row.counts for row in rows)
    lines = [
        "# Parity",
        "",
        f"{one.address} / {other.address}",
        "",
        "| request | status | | what differs |",
        "| --- | --- | --- | --- |",
        *(_markdown(row) for row in rows),
        "",
        f"{len(rows) - different} of {len(rows)} are the same in all that counts"
        + (f", {different} {'is' if different == 1 else 'are'} not." if different else "."),
    ]
    return "\n".join(lines)


def _markdown(row: Row) -> str:
    verdict = "**different**" if row.counts else "same"
    differences = "; ".join(difference.markdown() for difference in row.differences)
    return f"| {row.name} | {row.status} | {verdict} | {differences} |"


def _row(name: str, one: Answer | None, other: Answer | None) -> Row:
    if one is None or other is None:
        here, there = ("not part of the page" if answer is None else "there" for answer in (one, other))
        return Row(name, "", (Difference("file", here, there),))
    differences = [*_header_differences(one.headers, other.headers, own_words=one.body is None)]
    if one.body is not None and other.body is not None and one.body != other.body:
        differences.append(_body_difference(one.body, other.body))
    if one.status == other.status:
        return Row(name, str(one.status), tuple(differences))
    return Row(name, "", (Difference("status", str(one.status), str(other.status)), *differences))


def _header_differences(one: Mapping[str, str], other: Mapping[str, str], *, own_words: bool) -> Iterator[Difference]:
    for name in sorted(one.keys() | other.keys()):
        if name in _VOLATILE or name.startswith(_VOLATILE_PREFIXES) or one.get(name) == other.get(name):
            continue
        counts = name.startswith("access-control-") or (name in _COUNTING and not own_words)
        yield Difference(name, one.get(name, _NONE), other.get(name, _NONE), counts)


def _body_difference(one: tuple[str, ...], other: tuple[str, ...]) -> Difference:
    if len(one) != len(other) and min(len(one), len(other)):
        return Difference("body", f"{len(one)} events or lines", str(len(other)))
    pairs = [*zip(one, other, strict=False), (one[0] if one else _NONE, other[0] if other else _NONE)]
    return Difference("body", *next(pair for pair in pairs if pair[0] != pair[1]))


def _pace_differences(one: Pace, other: Pace) -> Iterator[Difference]:
    if _flow(one) != _flow(other):
        here, there = (pace.finding.text() if pace.finding else pace.failure for pace in (one, other))
        yield Difference("events", here, there)
    elif one.times and (drift := drift_ms(one.times, other.times)) > DRIFT_MS:
        here, there = (f"{(pace.times[-1] - pace.times[0]) * 1000:.0f} ms in all" for pace in (one, other))
        yield Difference(f"schedule of the same seed, {drift:.0f} ms apart", here, there)
    if one.finding and other.finding:
        yield Difference("gaps", _gaps(one.finding.gaps_ms), _gaps(other.finding.gaps_ms), counts=False)


def _flow(pace: Pace) -> tuple[Flow, int] | None:
    return (pace.finding.flow, pace.finding.events) if pace.finding else None


def _gaps(gaps_ms: tuple[float, ...]) -> str:
    ordered = sorted(gaps_ms)
    return f"{ordered[0]:.0f} to {ordered[-1]:.0f} ms, median {ordered[len(ordered) // 2]:.0f}"


def _cell(value: str) -> str:
    value = value if len(value) <= LONGEST_VALUE else value[: LONGEST_VALUE - 1] + "…"
    return value if value == _NONE else f"`{value}`".replace("|", "\\|")


def main(arguments: list[str] | None = None) -> int:
    """Observe both, print the report; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.edge.parity", description="Do two deployments answer alike?")
    parser.add_argument("one", metavar="LOCAL", help="one address, such as http://localhost:8080")
    parser.add_argument("other", metavar="URL", help="the other, such as https://d111111abcdef8.cloudfront.net")
    options = parser.parse_args(arguments)
    try:
        addresses = [Address.parse(text) for text in (options.one, options.other)]
        for address in addresses:
            address.check()
        with ThreadPoolExecutor(2) as pool:
            one, other = pool.map(observe, addresses)
    except (AddressError, NoAnswerError, PageError, httpx.TransportError) as error:
        print(f"parity: {error}", file=sys.stderr)
        return 2
    rows = compare(one, other)
    print(report(one, other, rows))
    return 1 if any(row.counts for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
