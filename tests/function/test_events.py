"""The event files: their shape, and what the story function answers to each."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from story import handler
from tests.function.calls import STREAM_HEADERS, chunks, problem, read

if TYPE_CHECKING:
    from tests.function.conftest import FakeClock, FakeContext

EVENTS = Path(__file__).parents[2] / "events"


def load(name: str) -> dict[str, Any]:
    return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "first", "count"), [("story", "1", 46), ("api-sse", "1", 46), ("quick", "1", 46), ("resume", "6", 41)]
)
def test_event_files_that_are_answered_with_a_story(
    name: str, first: str, count: int, clock: FakeClock, context: FakeContext
) -> None:
    response = handler(load(name), context, clock=clock)
    events = read(chunks(response))

    assert (response.status_code, response.headers) == (200, STREAM_HEADERS)
    assert (events[0].id, len(events), events[-1].event) == (first, count, "end-of-stream")


def test_the_quick_event_waits_for_nothing(clock: FakeClock, context: FakeContext) -> None:
    chunks(handler(load("quick"), context, clock=clock))

    assert clock.sleeps == []


@pytest.mark.parametrize(("name", "status", "field"), [("bad-query", 400, "min_ms"), ("method-not-allowed", 405, None)])
def test_event_files_that_are_refused(name: str, status: int, field: str | None, context: FakeContext) -> None:
    document = problem(handler(load(name), context))

    assert (document["status"], document.get("field")) == (status, field)


def test_every_event_file_is_listed() -> None:
    listed = (EVENTS / "README.md").read_text(encoding="utf-8")

    for path in EVENTS.glob("*.json"):
        assert f"`{path.name}`" in listed


@pytest.mark.parametrize(
    "path", [path for path in EVENTS.glob("*.json") if not path.stem.startswith("site-")], ids=lambda path: path.stem
)
def test_event_files_have_the_shape_of_payload_format_2(path: Path) -> None:
    """Every key the format always has, lower-case headers, and parts that say the same thing twice agree."""
    event = load(path.stem)
    context = event["requestContext"]
    query = event.get("queryStringParameters", {})
    made = datetime.fromtimestamp(context["timeEpoch"] / 1000, UTC)

    assert {"version", "routeKey", "rawPath", "rawQueryString", "headers", "isBase64Encoded"} <= set(event)
    assert set(context) == {
        "accountId", "apiId", "authentication", "authorizer", "domainName", "domainPrefix", "http", "requestId",
        "routeKey", "stage", "time", "timeEpoch",
    }  # fmt: skip
    assert set(context["http"]) == {"method", "path", "protocol", "sourceIp", "userAgent"}
    assert all(name == name.lower() for name in event["headers"])
    assert event["rawQueryString"] == "&".join(f"{name}={value}" for name, value in query.items())
    assert event["rawPath"] == context["http"]["path"]
    assert event["headers"]["host"] == context["domainName"]
    assert event["headers"]["user-agent"] == context["http"]["userAgent"]
    assert made.strftime("%d/%b/%Y:%H:%M:%S +0000") == context["time"]
