"""The buffering detector: tells from arrival times whether something merges events, and which hop it is.

What this is: `probe -> [buffering] -> one sentence and an exit code`.

What the real service does: nothing promises a function that its writes reach the viewer one by one. CloudFront sends
"as the object is received"
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html), but
a compressor, a proxy or a wrong invoke mode turns a stream into one lump, and status and content stay right.

How it judges, and why with these numbers:
1. The stream is asked for with equal pauses. Events that come less than a quarter of a pause apart belong to one
   burst: a hop that merges lets its events go within milliseconds, while a network would have to delay one event by
   three quarters of a pause, and not the next, to look like that.
2. One burst: all at once. Otherwise a tenth of the events may come in another's company (a lost packet does that);
   more than that is a stream in bursts.
3. Who buffers, buffers every time: of several tries the best one counts.
4. Events that all came in less than half of the time they were asked to take tell nothing: the sender did not pause.

`python -m tests.edge.buffering URL [--story-url URL [--sign]]` exits with 0 when events come one by one, 1 when
something merges them, and 2 when that cannot be told.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from enum import Enum

import httpx

from tests.edge.address import Address, AddressError, NoAnswerError
from tests.edge.probe import Trace, UnmeasurableError, record
from tests.edge.signing import SigningError, signed
from tests.edge.telling import EndlessError, hear

EVENTS = 14
FEWEST_EVENTS = 5
PAUSE_MS = 200
TRIES = 2
NEAR = 1 / 4  # of a pause
TOLERATED = 1 / 10  # of the events
FASTEST = 1 / 2  # of the time that the pauses take together


class Flow(Enum):
    """How events arrived."""

    ONE_BY_ONE = "one by one"
    IN_BURSTS = "in bursts"
    ALL_AT_ONCE = "all at once"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one trace shows: *reads* of the socket, *bursts* in time, milliseconds to the first event and between."""

    events: int
    reads: int
    bursts: int
    flow: Flow
    first_ms: float
    gaps_ms: tuple[float, ...]
    encoding: str = ""

    @property
    def merged(self) -> bool:
        """Whether something holds events back."""
        return self.flow is not Flow.ONE_BY_ONE

    def text(self) -> str:
        """How many events came how, in a few words."""
        match self.flow:
            case Flow.ONE_BY_ONE:
                how = "one by one"
            case Flow.IN_BURSTS:
                how = f"in {self.bursts} bursts"
            case Flow.ALL_AT_ONCE:
                how = "in 1 read" if self.reads == 1 else f"at once, in {self.reads} reads"
        return f"{self.events} events {how}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The detector's last word, and what a program should exit with."""

    sentence: str
    exit_code: int


def judge(trace: Trace, *, pause_ms: float) -> Finding:
    """How the events of *trace* came, which were sent with pauses of *pause_ms* or more.

    Raises `UnmeasurableError` for too few events, and for a sender that made no pauses.
    """
    arrivals = trace.arrivals
    if len(arrivals) < FEWEST_EVENTS:
        raise UnmeasurableError(f"{len(arrivals)} events are too few to judge by; it takes {FEWEST_EVENTS}.")
    took_ms, asked_ms = (arrivals[-1].at - trace.asked_at) * 1000, pause_ms * (len(arrivals) - 1)
    if took_ms < asked_ms * FASTEST:
        raise UnmeasurableError(
            f"{len(arrivals)} events came within {took_ms:.0f} ms, but were asked to take {asked_ms:.0f}: "
            "the sender makes no pauses, so nothing can be told."
        )
    gaps_ms = tuple((after.at - before.at) * 1000 for before, after in zip(arrivals, arrivals[1:], strict=False))
    bursts = 1 + sum(gap >= pause_ms * NEAR for gap in gaps_ms)
    return Finding(
        events=len(arrivals),
        reads=len({arrival.read for arrival in arrivals}),
        bursts=bursts,
        flow=_flow(len(arrivals), bursts),
        first_ms=(arrivals[0].at - trace.asked_at) * 1000,
        gaps_ms=gaps_ms,
        encoding=trace.encoding,
    )


def _flow(events: int, bursts: int) -> Flow:
    if bursts == 1:
        return Flow.ALL_AT_ONCE
    return Flow.IN_BURSTS if events - bursts > events * TOLERATED else Flow.ONE_BY_ONE


def name_the_hop(edge: Finding, story: Finding | None = None) -> Verdict:
    """Who merges, from what was seen at the *edge* and, behind it, at the *story*'s function URL."""
    if story is None:
        if not edge.merged:
            return Verdict(f"{edge.text()} at the edge: nothing on the way buffers", 0)
        where = "the edge or a hop behind it buffers; measure the function URL too, to tell which"
        return Verdict(f"{edge.text()} at the edge: {where}{_reason(edge)}", 1)
    behind = story.text().removeprefix(f"{edge.events} events ")
    seen = f"{edge.text()} at the edge, {behind} at the function URL"
    match edge.merged, story.merged:
        case False, False:
            return Verdict(f"{seen}: nothing on the way buffers", 0)
        case True, False:
            return Verdict(f"{seen}: the edge buffers{_reason(edge)}", 1)
        case True, True:
            return Verdict(f"{seen}: the function URL, or the function behind it, buffers{_reason(story)}", 1)
    return Verdict(f"{seen}, and no edge can undo that: measure again", 2)


def _reason(finding: Finding) -> str:
    if not finding.encoding:
        return ""
    return f" (content-encoding: {finding.encoding}; a compressor holds events back until its block is full)"


def measure(
    address: Address, *, pause_ms: int = PAUSE_MS, tries: int = TRIES, auth: httpx.Auth | None = None
) -> Finding:
    """The last events of the default story, at equal pauses; the best of up to *tries*.

    Raises `UnmeasurableError` where there is no such stream.
    """
    try:
        with address.client(auth=auth) as client:
            # How long the story is; and the function is warm after it, so a cold start is not measured.
            telling = hear(client)
    except (httpx.TransportError, EndlessError) as error:
        raise UnmeasurableError(f"{address} gives no story: {error}.") from error
    if telling.status != 200:
        raise UnmeasurableError(f"{address} answers {telling.status} instead of a stream.")
    last_event_id = max(0, len(telling.events) - EVENTS)
    for _ in range(tries):
        trace = record(address, last_event_id=last_event_id, min_ms=pause_ms, max_ms=pause_ms, auth=auth)
        finding = judge(trace, pause_ms=pause_ms)
        if not finding.merged:
            break
    return finding


def main(arguments: list[str] | None = None) -> int:
    """Measure, print a line an address and the verdict; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        edge_address = Address.parse(options.url)
        story_address = Address.parse(options.story_url) if options.story_url else None
        auth = signed(story_address) if story_address and options.sign else None
        edge = _told("edge", edge_address, options.pause_ms)
        story = _told("function URL", story_address, options.pause_ms, auth=auth) if story_address else None
    except (AddressError, NoAnswerError, SigningError, UnmeasurableError) as error:
        print(f"buffering: {error}", file=sys.stderr)
        return 2
    verdict = name_the_hop(edge, story)
    print(f"{verdict.sentence}.")
    return verdict.exit_code


def _told(name: str, address: Address, pause_ms: int, *, auth: httpx.Auth | None = None) -> Finding:
    address.check()
    finding = measure(address, pause_ms=pause_ms, auth=auth)
    gaps = f"{min(finding.gaps_ms):.0f} to {max(finding.gaps_ms):.0f}"
    print(
        f"{name:<13} events {finding.events}, reads {finding.reads}, bursts {finding.bursts}; "
        f"first after {finding.first_ms:.0f} ms, then {gaps} ms apart where {pause_ms} were asked for",
        flush=True,
    )
    return finding


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.edge.buffering", description="Which hop merges events?")
    parser.add_argument("url", metavar="URL", help="of the edge, such as https://d111111abcdef8.cloudfront.net")
    parser.add_argument("--story-url", metavar="URL", help="the story function's own URL, to tell the hops apart")
    parser.add_argument("--sign", action="store_true", help="sign requests to the function URL, as boto3 would")
    parser.add_argument("--pause-ms", type=int, default=PAUSE_MS, help=f"between events ({PAUSE_MS})")
    return parser


if __name__ == "__main__":
    sys.exit(main())
