"""The parity report: the local stack beside itself, and beside itself behind proxies that spoil it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.edge import parity
from tests.edge.address import Address
from tests.edge.buffering import Finding, Flow
from tests.edge.conftest import Deployment
from tests.edge.observation import Answer, Observation, Pace
from tests.edge.parity import Row, compare, report

HEADERS = {"content-type": "text/html", "server": "AmazonS3", "date": "now", "x-amz-cf-id": "1"}
TIMES = tuple(number / 10 for number in range(14))
FINDING = Finding(14, 14, 14, Flow.ONE_BY_ONE, first_ms=9.0, gaps_ms=(100.0,) * 13)


def observation(**answers: Answer) -> Observation:
    """A deployment whose events come one by one."""
    return Observation(Address("http", "localhost", 8080), answers, Pace(FINDING, TIMES))


def page(
    headers: Mapping[str, str] = HEADERS, *, status: int = 200, body: tuple[str, ...] | None = ("9 B, sha256 f",)
) -> Observation:
    return observation(page=Answer(status, headers, body))


def only(row: Row) -> tuple[str, bool]:
    """The one difference of *row*, as it is printed, and whether it counts."""
    (difference,) = row.differences
    return difference.markdown(), difference.counts


@pytest.mark.parametrize(
    ("other", "printed", "counts"),
    [
        (page(status=403), "status: `200` / `403`", True),
        (page(body=("8 B, sha256 a",)), "body: `9 B, sha256 f` / `8 B, sha256 a`", True),
        (page(body=()), "body: `9 B, sha256 f` / none", True),
        (page({**HEADERS, "content-type": "a|b"}), "content-type: `text/html` / `a\\|b`", True),
        (page({**HEADERS, "access-control-allow-origin": "*"}), "access-control-allow-origin: none / `*`", True),
        (page({**HEADERS, "server": "CloudFront"}), "server: `AmazonS3` / `CloudFront` (does not count)", False),
        (page({**HEADERS, "x-new": "1"}), "x-new: none / `1` (does not count)", False),
        (observation(), "file: `there` / `not part of the page`", True),
    ],
)
def test_what_counts(other: Observation, printed: str, counts: bool) -> None:
    """Status, body, CORS and the headers that browsers act upon; other headers are shown."""
    row, _ = compare(page(), other)

    assert only(row) == (printed, counts)


def test_what_is_not_looked_at() -> None:
    """Values of the moment."""
    row, _ = compare(page(), page({**HEADERS, "date": "then", "age": "7", "x-amz-cf-id": "2", "x-cache": "Hit"}))

    assert row.differences == ()


def test_own_words_of_a_service() -> None:
    """S3 and its stand-in word an error as they like; what is said to other web origins still counts."""
    words = page({"content-type": "application/xml"}, status=404, body=None)
    others = page({"content-type": "text/html", "access-control-allow-origin": "*"}, status=404, body=None)

    row, _ = compare(words, others)

    assert [difference.what for difference in row.differences if difference.counts] == ["access-control-allow-origin"]


def test_events_that_differ() -> None:
    """The first of them, or how many there are."""
    story = ("message 1: Every", "message 2: evening")

    changed, _ = compare(page(body=story), page(body=(story[0], "message 2: morning")))
    shorter, _ = compare(page(body=story), page(body=story[:1]))

    assert only(changed) == ("body: `message 2: evening` / `message 2: morning`", True)
    assert only(shorter) == ("body: `2 events or lines` / `1`", True)


def test_pace_that_differs() -> None:
    """Another flow, or another schedule for the same seed."""
    merged = replace(page(), pace=Pace(replace(FINDING, flow=Flow.ALL_AT_ONCE, reads=1, bursts=1), TIMES))
    slower = replace(page(), pace=Pace(FINDING, tuple(at * 2 for at in TIMES)))
    absent = replace(page(), pace=Pace(failure="no stream"))

    assert [
        row.differences[0].markdown() for _, row in (compare(page(), other) for other in (merged, slower, absent))
    ] == [
        "events: `14 events one by one` / `14 events in 1 read`",
        "schedule of the same seed, 1300 ms apart: `1300 ms in all` / `2600 ms in all`",
        "events: `14 events one by one` / `no stream`",
    ]


def test_local_beside_itself(observations: dict[str, Observation]) -> None:
    """All requests are answered alike, and the events come alike."""
    rows = compare(observations["edge"], observations["edge again"])

    assert [row.name for row in rows if row.counts] == []
    assert {"GET /", "GET /sse", "GET /sse, past the end", "POST /sse", "pace"} <= {row.name for row in rows}


@pytest.mark.parametrize(
    ("hop", "different"),
    [
        ("passing", set()),
        ("collecting", {"pace"}),
        ("portioning", {"pace"}),
        (
            "compressing",
            {
                "GET /sse",
                "GET /api/sse",
                "GET /sse, from elsewhere",
                "GET /sse, another story",
                "GET /sse, Last-Event-ID 5",
                "pace",
            },
        ),
    ],
)
def test_local_beside_a_spoiled_one(observations: dict[str, Observation], hop: str, different: set[str]) -> None:
    """A proxy that collects differs in pace alone, one that compresses in the header of every stream as well."""
    rows = compare(observations["edge"], observations[hop])

    assert {row.name for row in rows if row.counts} == different


def test_report() -> None:
    """Markdown: a row a request, the values where they differ, the sum at the end."""
    other = page({**HEADERS, "server": "CloudFront"}, status=403)

    text = report(page(), other, compare(page(), other))

    assert text.splitlines()[2:] == [
        "http://localhost:8080 / http://localhost:8080",
        "",
        "| request | status | | what differs |",
        "| --- | --- | --- | --- |",
        "| page |  | **different** | status: `200` / `403`; server: `AmazonS3` / `CloudFront` (does not count) |",
        "| pace |  | same | gaps: `100 to 100 ms, median 100` / `100 to 100 ms, median 100` (does not count) |",
        "",
        "1 of 2 are the same in all that counts, 1 is not.",
    ]


def test_command(
    local_deployment: Deployment,
    observations: dict[str, Observation],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 0 for parity, 1 for a difference that counts, 2 with one sentence for no answer."""
    address = str(local_deployment.edge)
    seen = iter(observations[name] for name in ("edge", "edge again", "edge", "compressing"))
    monkeypatch.setattr(parity, "observe", lambda address: next(seen))

    assert parity.main([address, address]) == 0
    assert re.search(r"\n(\d\d) of \1 are the same in all that counts\.\n", capsys.readouterr().out)
    assert parity.main([address, address]) == 1
    assert "content-encoding: none / `gzip`" in capsys.readouterr().out
    assert parity.main([address, "http://127.0.0.1:9"]) == 2
    assert capsys.readouterr().err.startswith("parity: http://127.0.0.1:9 does not answer")
    assert parity.main([address, ""]) == 2
    assert capsys.readouterr().err.startswith("parity: '' is no address")
