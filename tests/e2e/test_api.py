"""The API over real HTTP: AWS's own runtime client, function URL and edge between it and the viewer."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import httpx
import pytest
from httpx_sse import EventSource

from tests.e2e.local_cloud import ROOT, LocalCloud

MOST_POLLS = 2000


def test_the_catalogue(viewer: httpx.Client) -> None:
    """Through the edge, with the security headers of the site."""
    response = viewer.get("/api/stories")

    assert response.status_code == 200
    assert [story["slug"] for story in response.json()["stories"]] == [
        "lighthouse", "postwoman", "postcard", "moon", "snail",
    ]  # fmt: skip
    assert "default-src 'self'" in response.headers["content-security-policy"]
    assert viewer.get("/api/stories/moon").json()["dir"] == "rtl"


def test_polling_to_the_end_tells_what_the_stream_tells(viewer: httpx.Client) -> None:
    """The same events, whoever asks early gets nothing, and the last answer is done."""
    query = {"story": "snail", "seed": "7", "min_ms": "5", "max_ms": "9"}
    with viewer.stream("GET", "/api/sse", params=query) as response:
        streamed = [(int(event.id), event.event, event.data) for event in EventSource(response).iter_sse()]

    answer = viewer.get("/api/poll", params=query).json()
    polled: list[dict[str, Any]] = answer["events"]
    for _ in range(MOST_POLLS):
        if answer["done"]:
            break
        going_on = {**query, "after": polled[-1]["id"], "started": answer["started"]}
        answer = viewer.get("/api/poll", params=going_on).json()
        assert [event["id"] for event in answer["events"]] == list(
            range(polled[-1]["id"] + 1, polled[-1]["id"] + 1 + len(answer["events"]))
        )
        polled += answer["events"]

    assert answer["done"] is True
    assert [(event["id"], event.get("event", "message"), event["data"]) for event in polled] == streamed


def test_the_stream_keeps_its_path(viewer: httpx.Client) -> None:
    """`/api/sse` fits the pattern of the API as well, and comes before it."""
    response = viewer.get("/api/sse", params={"min_ms": "0", "max_ms": "0"})

    assert response.headers["content-type"] == "text/event-stream"


def test_a_refusal_reaches_the_viewer_as_it_is(viewer: httpx.Client) -> None:
    """Byte for byte the one of the stream."""
    polled, streamed = (viewer.get(path, params={"min_ms": "many"}) for path in ("/api/poll", "/api/sse"))

    assert (polled.status_code, polled.content) == (400, streamed.content)
    assert polled.headers["content-type"] == streamed.headers["content-type"] == "application/problem+json"
    assert viewer.get("/api/nothing").json()["status"] == 404


def test_head(viewer: httpx.Client) -> None:
    response = viewer.head("/api/stories")

    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"] == "application/json"


def test_the_function_url_is_for_the_edge_only(cloud: LocalCloud, viewer: httpx.Client) -> None:
    (line,) = [line for line in cloud.lines if "ApiFunction" in line and ".lambda-url." in line]
    domain = line.split("http://")[1].split(":")[0]

    assert viewer.get("/api/stories", headers={"host": domain}).status_code == 403


def test_the_log_line_has_the_id_that_the_viewer_got(cloud: LocalCloud, viewer: httpx.Client) -> None:
    """So that a viewer's complaint leads to its line."""
    correlation_id = viewer.get("/api/health").headers["x-amz-cf-id"]

    line = cloud.wait_for(lambda line: correlation_id in line and "Request answered" in line)
    assert json.loads(line.partition("  ")[2])["path"] == "/api/health"


@pytest.mark.parametrize(("name", "key"), [("api-stories", "stories"), ("api-poll", "events")])
def test_invoke_prints_the_reply(name: str, key: str) -> None:
    """The API's event files, run one at a time."""
    command = [sys.executable, "-m", "local", "invoke", "ApiFunction", "--event", f"events/{name}.json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)

    assert json.loads(json.loads(done.stdout)["body"])[key]
