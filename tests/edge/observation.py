"""What a deployment answers to a fixed list of requests, in a form that can be compared.

What this is: `parity -> [observation] -> edge`. The list is short and ends: about twenty requests, the page's files
among them, and one stretch of the story at a pace that shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx
from httpx_sse import EventSource

from tests.edge.address import Address
from tests.edge.buffering import EVENTS, TRIES, Finding, judge
from tests.edge.page import files_of
from tests.edge.probe import UnmeasurableError, record

SEED = 7
SHORTEST_MS, LONGEST_MS = 100, 200
# CloudFront compresses files for whoever lets it, and the local edge none: that is no difference worth telling.
# Of a stream it would be one.
PLAIN, COMPRESSED = "identity", "gzip, deflate"
_QUICK = f"/sse?min_ms=0&max_ms=0&seed={SEED}"


@dataclass(frozen=True, slots=True)
class Case:
    """One request. Of an answer that a service gives in its own words, such as S3's errors, only the status counts."""

    name: str
    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    own_words: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; *body* in lines: a digest of a file, the text of a problem, a line for each event.

    None is the body of a service's own words.
    """

    status: int
    headers: Mapping[str, str]
    body: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Pace:
    """How the events of one seed came; *times* in seconds. Where it could not be measured, *failure* says why."""

    finding: Finding | None = None
    times: tuple[float, ...] = ()
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """All answers of one deployment by the names of their cases."""

    address: Address
    answers: Mapping[str, Answer]
    pace: Pace


CASES = (
    Case("HEAD /", "HEAD", "/"),
    Case("GET /nothing.html", "GET", "/nothing.html", own_words=True),
    Case("POST /", "POST", "/", own_words=True),
    Case("GET /sse", "GET", _QUICK),
    Case("GET /api/sse", "GET", f"/api{_QUICK}"),
    Case("GET /sse, from elsewhere", "GET", _QUICK, {"origin": "https://elsewhere.example"}),
    Case("GET /sse, another story", "GET", f"{_QUICK}&story=snail"),
    Case("GET /sse, Last-Event-ID 5", "GET", _QUICK, {"last-event-id": "5"}),
    Case("GET /sse, past the end", "GET", _QUICK, {"last-event-id": "100000"}),
    Case("HEAD /sse", "HEAD", "/sse"),
    Case("GET /sse?min_ms=many", "GET", "/sse?min_ms=many"),
    Case("GET /sse, Last-Event-ID five", "GET", "/sse", {"last-event-id": "five"}),
    Case("OPTIONS /sse", "OPTIONS", "/sse", {"origin": "https://elsewhere.example"}, own_words=True),
    Case("POST /sse", "POST", "/sse", own_words=True),
)


def observe(address: Address, *, tries: int = TRIES) -> Observation:
    """Send every request to *address*; the pace is the best of *tries*. Raises `httpx.TransportError`."""
    with address.client() as client:
        client.headers["accept-encoding"] = PLAIN
        files, _ = files_of(client)
        answers = {f"GET {path}": _answer(response) for path, response in files.items()}
        for case in CASES:
            offered = {"accept-encoding": COMPRESSED if "/sse" in case.target else PLAIN}
            response = client.request(case.method, case.target, headers={**offered, **case.headers})
            answers[case.name] = _answer(response, own_words=case.own_words)
    events = len(answers["GET /sse"].body or ())
    return Observation(address, answers, _pace(address, last_event_id=max(0, events - EVENTS), tries=tries))


def _answer(response: httpx.Response, *, own_words: bool = False) -> Answer:
    return Answer(response.status_code, dict(response.headers), None if own_words else _lines(response))


def _lines(response: httpx.Response) -> tuple[str, ...]:
    content_type = response.headers.get("content-type", "").partition(";")[0]
    if content_type == "text/event-stream":
        return tuple(f"{event.event} {event.id}: {event.data}" for event in EventSource(response).iter_sse())
    if content_type.endswith("json"):
        return tuple(response.text.splitlines())
    digest = hashlib.sha256(response.content).hexdigest()[:12]
    return (f"{len(response.content)} B, sha256 {digest}",) if response.content else ()


def _pace(address: Address, *, last_event_id: int, tries: int) -> Pace:
    pace = Pace()
    for _ in range(tries):  # who buffers, buffers every time
        try:
            trace = record(address, last_event_id=last_event_id, min_ms=SHORTEST_MS, max_ms=LONGEST_MS, seed=SEED)
            finding = judge(trace, pause_ms=SHORTEST_MS)
        except UnmeasurableError as error:
            return Pace(failure=str(error))
        pace = Pace(finding, tuple(arrival.at for arrival in trace.arrivals))
        if not finding.merged:
            break
    return pace
