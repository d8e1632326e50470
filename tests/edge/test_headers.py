"""What the edge says about the page and the stream besides their content: security, web origins, caching."""

from __future__ import annotations

import httpx
import pytest

from tests.edge.address import Address
from tests.edge.conftest import ELSEWHERE, Deployment
from tests.edge.content_security_policy import weaknesses
from tests.edge.telling import PATH, Telling, hear

pytestmark = pytest.mark.edge

YEAR_SECONDS = 365 * 24 * 60 * 60


@pytest.fixture(params=["page", "stream"])
def headers(request: pytest.FixtureRequest) -> httpx.Headers:
    """Those of the page, and those of the stream."""
    if request.param == "stream":
        whole: Telling = request.getfixturevalue("whole")
        return whole.headers
    edge: httpx.Client = request.getfixturevalue("edge")
    return edge.get("/", headers={"origin": ELSEWHERE}).headers


def test_content_security_policy(headers: httpx.Headers) -> None:
    """Strict: nothing inline, nothing from elsewhere, nothing left open."""
    assert weaknesses(headers["content-security-policy"]) == []


def test_security_headers(headers: httpx.Headers) -> None:
    """No guessing of types, no frames, no referrer, and HTTPS for a year."""
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert f"max-age={YEAR_SECONDS}" in headers["strict-transport-security"]


def test_other_web_origins_are_let_in_nowhere(headers: httpx.Headers) -> None:
    """Page and stream share one web origin, so no CORS header goes out unless the template was told a WebOrigin."""
    assert [name for name in headers if name.startswith("access-control-")] == []


def test_preflight(edge: httpx.Client) -> None:
    """A page from elsewhere that asks whether it may send Last-Event-ID hears no yes."""
    asked = {
        "origin": ELSEWHERE,
        "access-control-request-method": "GET",
        "access-control-request-headers": "last-event-id",
    }
    response = edge.options(PATH, headers=asked)

    assert [name for name in response.headers if name.startswith("access-control-")] == []


def test_nobody_keeps_the_stream(whole: Telling) -> None:
    """Neither browser nor edge may answer with a story that was told before, nor change it on the way."""
    told = {part.strip() for part in whole.headers["cache-control"].split(",")}

    assert told & {"no-cache", "no-store"}
    assert "no-transform" in told
    assert not whole.headers.get("x-cache", "").startswith("Hit")
    assert "age" not in whole.headers


@pytest.mark.parametrize("offered", ["gzip, deflate, br, zstd", "gzip", "br", "identity"])
def test_the_stream_is_never_compressed(edge: httpx.Client, offered: str) -> None:
    """Whatever a reader offers to take: a compressor holds words back until its block is full."""
    with edge.stream("GET", PATH, params={"min_ms": 0, "max_ms": 0}, headers={"accept-encoding": offered}) as response:
        assert response.status_code == 200
        assert response.headers.get("content-encoding", "identity") == "identity"


def test_https_only(deployment: Deployment) -> None:
    """Over HTTP the page is a redirect to HTTPS, and the stream is not told at all."""
    if deployment.edge.scheme != "https":
        pytest.skip("HTTPS: needs a deployed edge; make test-edge URL=https://...")
    with Address("http", deployment.edge.host, 80).client() as client:
        page = client.get("/")
        stream = hear(client)

    assert page.status_code in (301, 302, 307, 308)
    assert page.headers["location"] == f"{deployment.edge}/"
    assert stream.status != 200
