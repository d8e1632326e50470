"""The detector on traces made up for it, and on real hops that buffer."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence

import pytest

from tests.edge import buffering
from tests.edge.address import Address
from tests.edge.buffering import Finding, Flow, judge, name_the_hop
from tests.edge.conftest import Deployment
from tests.edge.observation import Observation
from tests.edge.probe import Arrival, Trace, UnmeasurableError
from tests.edge.proxies import collecting, proxy

PAUSE_MS = 200
EVENTS = 14
SENT = [PAUSE_MS * number for number in range(EVENTS)]
END = SENT[-1]


def trace(arrivals_ms: Sequence[float], *, reads: Sequence[int] | None = None, encoding: str = "") -> Trace:
    """Events that came so many milliseconds after the request; without *reads*, each in one of its own."""
    numbers = reads or range(1, len(arrivals_ms) + 1)
    arrivals = (Arrival(100 + at / 1000, read) for at, read in zip(arrivals_ms, numbers, strict=True))
    return Trace(100.0, tuple(arrivals), encoding)


def finding(arrivals_ms: Sequence[float], **options: object) -> Finding:
    return judge(trace(arrivals_ms, **options), pause_ms=PAUSE_MS)  # type: ignore[arg-type]


def held(*, portion: int) -> list[float]:
    """Each event comes with the last one of its portion."""
    return [SENT[min(number // portion * portion + portion - 1, EVENTS - 1)] for number in range(EVENTS)]


ONE_BY_ONE = finding(SENT)
AT_ONCE = finding([END] * EVENTS, reads=[1] * EVENTS)


@pytest.mark.parametrize(
    ("arrivals_ms", "flow", "bursts"),
    [
        (SENT, Flow.ONE_BY_ONE, 14),
        ([at + 3000 for at in SENT], Flow.ONE_BY_ONE, 14),  # far away, or a cold start
        ([at + 120 * (number % 2) for number, at in enumerate(SENT)], Flow.ONE_BY_ONE, 14),  # every other one late
        ([at + 180 * (number == 5) for number, at in enumerate(SENT)], Flow.ONE_BY_ONE, 13),  # one lost packet
        (held(portion=2), Flow.IN_BURSTS, 7),
        (held(portion=4), Flow.IN_BURSTS, 4),
        ([0, *[END] * (EVENTS - 1)], Flow.IN_BURSTS, 2),  # the first one through, the rest held
        ([END + number for number in range(EVENTS)], Flow.ALL_AT_ONCE, 1),
        ([END] * EVENTS, Flow.ALL_AT_ONCE, 1),
    ],
)
def test_flow(arrivals_ms: list[float], flow: Flow, bursts: int) -> None:
    """Told by time alone: late or jittery is not merged, and merged is, in however many reads."""
    found = finding(arrivals_ms)

    assert (found.flow, found.bursts) == (flow, bursts)


@pytest.mark.parametrize(("gap_ms", "bursts"), [(49, 13), (51, 14)])
def test_a_quarter_of_a_pause_separates_bursts(gap_ms: float, bursts: int) -> None:
    """Nearer than that is company."""
    assert finding([SENT[1] - gap_ms, *SENT[1:]]).bursts == bursts


def test_what_was_found() -> None:
    """Reads with events in them, the wait for the first event, the gaps after it."""
    found = finding([700, 900, 1000, 1500, 1700], reads=[3, 4, 4, 5, 7])

    assert (found.events, found.reads, found.bursts) == (5, 4, 5)
    assert found.first_ms == pytest.approx(700)
    assert found.gaps_ms == pytest.approx((200, 100, 500, 200))


@pytest.mark.parametrize(
    ("arrivals_ms", "says"),
    [(SENT[:4], "4 events are too few"), ([30] * EVENTS, "came within 30 ms, but were asked to take 2600")],
)
def test_nothing_can_be_told(arrivals_ms: list[float], says: str) -> None:
    """Of too few events, and of a sender that made no pauses: nobody on the way is blamed for it."""
    with pytest.raises(UnmeasurableError, match=says):
        finding(arrivals_ms)


@pytest.mark.parametrize(
    ("edge", "story", "exit_code", "sentence"),
    [
        (ONE_BY_ONE, None, 0, "14 events one by one at the edge: nothing on the way buffers"),
        (
            AT_ONCE,
            ONE_BY_ONE,
            1,
            "14 events in 1 read at the edge, one by one at the function URL: the edge buffers",
        ),
        (
            finding(held(portion=4)),
            ONE_BY_ONE,
            1,
            "14 events in 4 bursts at the edge, one by one at the function URL: the edge buffers",
        ),
        (
            finding([END] * EVENTS, reads=[1] * 7 + [2] * 7, encoding="gzip"),
            ONE_BY_ONE,
            1,
            "14 events at once, in 2 reads at the edge, one by one at the function URL: the edge buffers "
            "(content-encoding: gzip; a compressor holds events back until its block is full)",
        ),
        (
            AT_ONCE,
            AT_ONCE,
            1,
            "14 events in 1 read at the edge, in 1 read at the function URL: "
            "the function URL, or the function behind it, buffers",
        ),
        (
            AT_ONCE,
            None,
            1,
            "14 events in 1 read at the edge: "
            "the edge or a hop behind it buffers; measure the function URL too, to tell which",
        ),
        (
            ONE_BY_ONE,
            ONE_BY_ONE,
            0,
            "14 events one by one at the edge, one by one at the function URL: nothing on the way buffers",
        ),
        (
            ONE_BY_ONE,
            AT_ONCE,
            2,
            "14 events one by one at the edge, in 1 read at the function URL, and no edge can undo that: measure again",
        ),
    ],
)
def test_the_hop_is_named(edge: Finding, story: Finding | None, exit_code: int, sentence: str) -> None:
    """By the innermost place at which events are merged."""
    verdict = name_the_hop(edge, story)

    assert (verdict.sentence, verdict.exit_code) == (sentence, exit_code)


@pytest.mark.parametrize(
    ("hop", "flow", "reads", "encoding"),
    [
        ("passing", Flow.ONE_BY_ONE, (13, 14), ""),  # one event may be late on a busy machine
        ("collecting", Flow.ALL_AT_ONCE, (1,), ""),
        ("portioning", Flow.IN_BURSTS, (3, 4), ""),
        ("compressing", Flow.ALL_AT_ONCE, (1,), "gzip"),
    ],
)
def test_real_hops(
    observations: dict[str, Observation], hop: str, flow: Flow, reads: tuple[int, ...], encoding: str
) -> None:
    """A proxy before the local edge is found out, and one that does no harm is not; the edge behind them is clean."""
    before, behind = observations[hop].pace.finding, observations["edge"].pace.finding
    assert before is not None
    assert behind is not None

    assert (before.flow, before.encoding) == (flow, encoding)
    assert before.reads in reads
    assert name_the_hop(before, behind).exit_code == (0 if hop == "passing" else 1)
    assert ("the edge buffers" in name_the_hop(before, behind).sentence) == (hop != "passing")


def test_command(
    local_deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line an address, the function URL's with a signature, then the verdict, and exit code 1 for what is merged."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")  # the keys that functions get here
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    with proxy(local_deployment.edge, collecting) as spoiled:
        code = buffering.main([str(spoiled), "--pause-ms", "60", "--story-url", str(local_deployment.story), "--sign"])

    edge, story, verdict = capsys.readouterr().out.splitlines()
    assert code == 1
    assert edge.startswith("edge          events 14, reads 1, bursts 1; first after ")
    assert re.match(r"function URL  events 14, reads 1[0-4], ", story)
    assert verdict.startswith("14 events in 1 read at the edge, ")


def test_command_without_a_stream(local_deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and one sentence: for an address that refuses, one that is none, one that cannot be signed for."""
    assert local_deployment.story is not None
    refusing, edge = str(local_deployment.story), str(local_deployment.edge)
    with socket.create_server(("127.0.0.1", 0)) as server:
        silent = str(Address("http", "127.0.0.1", server.getsockname()[1]))

    codes = [
        buffering.main([refusing]),
        buffering.main(["localhost"]),
        buffering.main([silent]),
        buffering.main([edge, "--story-url", edge, "--sign"]),
    ]

    said = capsys.readouterr().err.splitlines()
    assert codes == [2, 2, 2, 2]
    assert said[0] == f"buffering: {refusing} answers 403 instead of a stream."
    assert said[1].startswith("buffering: 'localhost' is no address")
    assert said[2].startswith(f"buffering: {silent} does not answer")
    assert said[3] == f"buffering: {edge} is no function URL, so nothing is signed for it."
