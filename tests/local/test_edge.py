"""The edge: behaviors, headers, and a response that passes chunk by chunk."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from local.asgi import ASGIApp, Message, Receive, Scope, Send
from local.config import Behavior, Distribution, Origin
from local.edge.edge import ORIGIN_ACCESS_CONTROL, Edge
from local.edge.path_pattern import compile_pattern, normalized
from local.errors import EmulatorError
from tests.local.asgi_viewer import Answer, ask, http_scope
from tests.local.server import served

pytestmark = pytest.mark.anyio

ARN = "arn:aws:cloudfront::123456789012:distribution/E1LOCAL"
DEADLINE_SECONDS = 5


class RecordingOrigin:
    """Keeps the scopes it is asked with; answers 200, its name and some headers."""

    def __init__(self, name: str, *headers: tuple[bytes, bytes], status: int = 200) -> None:
        self.name = name
        self.headers = headers
        self.status = status
        self.scopes: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        await send({"type": "http.response.start", "status": self.status, "headers": list(self.headers)})
        await send({"type": "http.response.body", "body": self.name.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def seen(self, name: str) -> list[str]:
        """The values of a request header in the last request."""
        return [value.decode() for key, value in self.scopes[-1]["headers"] if key == name.encode()]


def edge_before(app: ASGIApp, *, origin: Origin | None = None, **behavior: object) -> Edge:
    """An edge with one behavior and one origin."""
    origin = origin or Origin("story", "abc.lambda-url.eu-central-1.localhost")
    only = Behavior("*", origin.origin_id, **behavior)
    return Edge(Distribution("D", ARN, "localhost", origins=(origin,), behaviors=(only,)), {origin.origin_id: app})


def edge_with_two_origins(page: ASGIApp, story: ASGIApp) -> Edge:
    behaviors = (
        Behavior("/sse", "story", allowed_methods=("GET", "HEAD", "OPTIONS")),
        Behavior("api/*", "story", allowed_methods=("GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE")),
        Behavior("/api/private/*", "page"),
        Behavior("*", "page"),
    )
    origins = (Origin("page", "page.s3.localhost", "s3"), Origin("story", "abc.localhost", "lambda"))
    distribution = Distribution("D", ARN, "localhost", "index.html", origins, behaviors)
    return Edge(distribution, {"page": page, "story": story})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/sse", b"story"),
        ("/sse/", b"page"),
        ("/SSE", b"page"),
        ("/api/sse", b"story"),
        ("/api/private/x", b"story"),  # the earlier behavior wins
        ("/api", b"page"),
        ("/style.css", b"page"),
        ("//sse", b"story"),
        ("/x/../sse", b"story"),
        ("/%73se", b"story"),
        ("/%2Fsse", b"page"),
    ],
)
async def test_first_behavior_that_matches_decides(path: str, expected: bytes) -> None:
    """Behaviors are tried in order, on the normalized path, and the default one comes last."""
    edge = edge_with_two_origins(RecordingOrigin("page"), RecordingOrigin("story"))

    answer = await ask(edge, "GET", path)

    assert (answer.status, answer.body) == (200, expected)


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*", "/", True),
        ("*.jpg", "/images/cat.jpg", True),
        ("/images/*.jpg", "/images/a/b.jpg", True),
        ("images/*", "/images/cat", True),
        ("/images/*", "/images", False),
        ("/a?c", "/abc", True),
        ("/a?c", "/ac", False),
        ("/a?c", "/abbc", False),
        ("/a.c", "/abc", False),
        ("/sse", "/sse2", False),
        ("/sse", "/x/sse", False),
    ],
)
def test_path_pattern(pattern: str, path: str, matches: bool) -> None:
    """`*` is any characters, `?` is one, everything else is itself."""
    assert bool(compile_pattern(pattern).fullmatch(path)) is matches


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("/", "/"),
        ("/plain/path.css", "/plain/path.css"),
        ("/a//b///c", "/a/b/c"),
        ("/a/b/..", "/a/"),
        ("/a/./b", "/a/b"),
        ("/../../etc", "/etc"),
        ("/%2e%2E/x", "/x"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/a%2fb", "/a%2Fb"),
        ("/.well-known/x", "/.well-known/x"),
        ("/50%", "/50%"),
    ],
)
def test_path_is_normalized_for_matching(raw: str, expected: str) -> None:
    """RFC 3986, plus merged slashes."""
    assert normalized(raw) == expected


async def test_origin_gets_the_raw_path_and_query() -> None:
    """Normalization is for matching only."""
    story = RecordingOrigin("story")
    edge = edge_with_two_origins(RecordingOrigin("page"), story)

    await ask(edge, "GET", "/api//%7Ea/../b?x=%20&x=2")

    assert story.scopes[0]["raw_path"] == b"/api//%7Ea/../b"
    assert story.scopes[0]["path"] == "/api//~a/../b"
    assert story.scopes[0]["query_string"] == b"x=%20&x=2"


@pytest.mark.parametrize(("target", "expected"), [("/", "/index.html"), ("/?a=1", "/index.html"), ("/sub/", "/sub/")])
async def test_default_root_object_is_for_the_root_only(target: str, expected: str) -> None:
    """As on CloudFront, a folder has no index document."""
    page = RecordingOrigin("page")

    await ask(edge_with_two_origins(page, RecordingOrigin("story")), "GET", target)

    assert (page.scopes[0]["path"], page.scopes[0]["raw_path"]) == (expected, expected.encode())


async def test_origin_path_comes_before_the_request_path() -> None:
    """OriginPath is added on the way to the origin."""
    story = RecordingOrigin("story")

    await ask(edge_before(story, origin=Origin("story", "abc.localhost", path="/v1")), "GET", "/a%20b")

    assert (story.scopes[0]["path"], story.scopes[0]["raw_path"]) == ("/v1/a b", b"/v1/a%20b")


async def test_method_outside_the_behavior_is_refused() -> None:
    """403 from the edge itself; the origin never hears of it."""
    page = RecordingOrigin("page")

    answer = await ask(edge_with_two_origins(page, RecordingOrigin("story")), "POST", "/form", body=b"x")

    assert answer.status == 403
    assert answer.header("x-cache") == "Error from cloudfront"
    assert answer.header("server") == "CloudFront"
    assert answer.header("content-length") == str(len(answer.body))
    assert b"The behavior * allows GET, HEAD, and not POST." in answer.body
    assert page.scopes == []


async def test_get_with_a_body_is_refused() -> None:
    """CloudFront answers 403 to it; an empty body is none."""
    story = RecordingOrigin("story")

    assert (await ask(edge_before(story), "GET", "/", body=b"x")).status == 403
    assert (await ask(edge_before(story), "GET", "/", body=b"")).status == 200


async def test_headers_on_the_way_to_a_custom_origin() -> None:
    """All viewer headers but Host and those of the connection, plus what the edge adds."""
    story = RecordingOrigin("story")
    headers = [
        (b"accept", b"text/event-stream"),
        (b"last-event-id", b"5"),
        (b"cookie", b"a=b"),
        (b"authorization", b"Bearer x"),
        (b"connection", b"keep-alive, X-Mine"),
        (b"x-mine", b"1"),
        (b"te", b"trailers"),
        (b"upgrade", b"h2c"),
        (b"x-forwarded-for", b"203.0.113.1"),
        (b"via", b"1.0 proxy"),
        (b"x-amz-cf-id", b"forged"),
    ]

    answer = await ask(edge_before(story), "GET", "/sse", headers=headers)

    assert story.seen("host") == ["abc.lambda-url.eu-central-1.localhost"]
    assert story.seen("accept") == ["text/event-stream"]
    assert story.seen("last-event-id") == ["5"]
    assert story.seen("cookie") == ["a=b"]
    assert story.seen("authorization") == ["Bearer x"]
    assert story.seen("x-forwarded-for") == ["203.0.113.1, 192.0.2.7"]
    [via] = story.seen("via")
    assert via.startswith("1.0 proxy, 1.1 ")
    assert via.endswith(".cloudfront.net (CloudFront)")
    assert story.seen("x-amz-cf-id") == [answer.header("x-amz-cf-id")]
    for name in ("connection", "x-mine", "te", "upgrade"):
        assert story.seen(name) == []


async def test_headers_that_the_distribution_adds_for_an_origin() -> None:
    """In the place of the viewer's, so that no viewer can pretend to come through the distribution."""
    story = RecordingOrigin("story")
    origin = Origin("story", "abc.lambda-url.eu-central-1.localhost", headers=(("X-Origin-Verify", "s3cret"),))
    forged = [(b"x-origin-verify", b"forged"), (b"accept", b"*/*")]

    await ask(edge_before(story, origin=origin), "GET", "/", headers=forged)

    assert story.seen("x-origin-verify") == ["s3cret"]
    assert story.seen("accept") == ["*/*"]


async def test_viewer_host_is_forwarded_where_the_policy_says_so() -> None:
    """The managed policy AllViewer lets it through."""
    story = RecordingOrigin("story")

    await ask(edge_before(story, forwards_viewer_host=True), "GET", "/")

    assert story.seen("host") == ["localhost:8080"]


@pytest.mark.parametrize(("kind", "cookies"), [("lambda", ["a=b"]), ("s3", [])])
async def test_origin_access_control_marks_the_call(kind: str, cookies: list[str]) -> None:
    """The next hop learns which distribution calls; what the viewer signed stays behind."""
    origin = RecordingOrigin("origin")
    edge = edge_before(origin, origin=Origin("origin", "x.localhost", kind))

    await ask(edge, "GET", "/", headers=[(b"authorization", b"AWS4"), (b"cookie", b"a=b"), (b"range", b"bytes=0-1")])

    assert origin.scopes[0]["extensions"] == {ORIGIN_ACCESS_CONTROL: {"source_arn": ARN}}
    assert origin.seen("authorization") == []
    assert origin.seen("cookie") == cookies
    assert origin.seen("range") == ["bytes=0-1"]


async def test_without_origin_access_control_the_call_is_not_marked() -> None:
    """An origin that checks who calls must not find a mark."""
    story = RecordingOrigin("story")

    await ask(edge_before(story), "GET", "/", headers=[(b"aws.origin_access_control", ARN.encode())])

    assert ORIGIN_ACCESS_CONTROL not in story.scopes[0].get("extensions", {})


async def test_headers_on_the_way_to_the_viewer() -> None:
    """The response headers policy, the edge's own marks, and nothing of the connection to the origin."""
    story = RecordingOrigin(
        "story",
        (b"content-type", b"text/event-stream"),
        (b"x-frame-options", b"SAMEORIGIN"),
        (b"referrer-policy", b"origin"),
        (b"transfer-encoding", b"chunked"),
        (b"connection", b"close"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
        (b"via", b"1.1 inner"),
    )
    policy = (
        ("X-Frame-Options", "DENY", True),
        ("Referrer-Policy", "no-referrer", False),
        ("X-Content-Type-Options", "nosniff", False),
    )

    answer = await ask(edge_before(story, response_headers=policy), "GET", "/sse")

    via, request_id = answer.header("via"), answer.header("x-amz-cf-id")
    assert via is not None
    assert via.startswith("1.1 inner, 1.1 ")
    assert via.endswith(".cloudfront.net (CloudFront)")
    assert request_id is not None
    assert len(request_id) == 56
    assert answer.headers == [
        (b"content-type", b"text/event-stream"),
        (b"referrer-policy", b"origin"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
        (b"x-frame-options", b"DENY"),
        (b"x-content-type-options", b"nosniff"),
        (b"via", via.encode()),
        (b"x-cache", b"Miss from cloudfront"),
        (b"x-amz-cf-id", request_id.encode()),
    ]


@pytest.mark.parametrize(("status", "expected"), [(304, "Miss"), (404, "Error"), (502, "Error")])
async def test_x_cache_tells_an_error_of_the_origin(status: int, expected: str) -> None:
    """The origin's status and body pass; x-cache tells that it is an error."""
    answer = await ask(edge_before(RecordingOrigin("story", status=status)), "GET", "/")

    assert (answer.status, answer.body, answer.header("x-cache")) == (status, b"story", f"{expected} from cloudfront")


async def test_head_has_no_body() -> None:
    """Whatever the origin sends, and also when the edge itself answers."""
    edge = edge_with_two_origins(RecordingOrigin("page", (b"content-length", b"4")), RecordingOrigin("story"))

    page, refused = await ask(edge, "HEAD", "/"), await ask(Edge(None, {}), "HEAD", "/")

    assert (page.status, page.chunks, page.whole, page.header("content-length")) == (200, [], True, "4")
    assert (refused.status, refused.chunks, refused.whole) == (404, [], True)


async def test_each_chunk_arrives_before_the_next_is_made() -> None:
    """The origin makes a chunk only after the viewer has seen the one before: a buffer anywhere would deadlock."""
    answer, seen = Answer(), asyncio.Event()

    async def origin(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for word in (b"one", b"two", b"three"):
            await send({"type": "http.response.body", "body": word, "more_body": True})
            await seen.wait()
            seen.clear()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def send(message: Message) -> None:
        answer.take(message)
        if message.get("body"):
            asyncio.get_running_loop().call_soon(seen.set)

    async with asyncio.timeout(DEADLINE_SECONDS):
        await edge_before(origin)(http_scope("GET", "/sse"), _never, send)

    assert answer.chunks == [b"one", b"two", b"three"]
    assert answer.whole


async def test_slow_viewer_holds_the_origin_back() -> None:
    """The origin's second `send` does not return while the viewer has not taken the second chunk."""
    made: list[int] = []
    blocked, room = asyncio.Event(), asyncio.Event()

    async def origin(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(5):
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            made.append(number)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def send(message: Message) -> None:
        if len(made) == 1 and not room.is_set():
            blocked.set()
            await room.wait()

    async with asyncio.timeout(DEADLINE_SECONDS):
        request = asyncio.create_task(edge_before(origin)(http_scope("GET", "/sse"), _never, send))
        await blocked.wait()
        await _some_turns()
        assert made == [0]
        room.set()
        await request
    assert made == [0, 1, 2, 3, 4]


async def test_viewer_who_leaves_is_noticed_by_the_origin() -> None:
    """`receive` passes through, so the origin is told."""
    told: list[str] = []

    async def origin(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        told.append((await receive())["type"])

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async with asyncio.timeout(DEADLINE_SECONDS):
        await edge_before(origin)(http_scope("GET", "/sse"), receive, _ignore)

    assert told == ["http.disconnect"]


async def test_body_that_the_origin_cuts_off_stays_cut_off() -> None:
    """No last message is invented, so the server closes the connection without a clean end."""

    async def origin(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half a st", "more_body": True})

    answer = await ask(edge_before(origin), "GET", "/sse")

    assert (answer.status, answer.chunks, answer.whole) == (200, [b"half a st"], False)


async def test_body_that_is_cut_off_is_an_error_to_a_real_client() -> None:
    """The server in front closes the connection in the middle of the chunked body."""

    async def origin(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half a st", "more_body": True})

    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        served(edge_before(origin)) as port,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
            await client.get(f"http://127.0.0.1:{port}/sse")


async def test_origin_that_fails_before_its_answer_is_502() -> None:
    """Its reason is shown, as text and not as markup."""

    async def origin(scope: Scope, receive: Receive, send: Send) -> None:
        raise EmulatorError("The page <b> could not be published.")

    answer = await ask(edge_before(origin), "GET", "/")

    assert (answer.status, answer.whole, answer.header("x-cache")) == (502, True, "Error from cloudfront")
    assert b"The page &lt;b&gt; could not be published." in answer.body


async def test_origin_that_fails_within_its_answer_cuts_the_body_off() -> None:
    """The status is sent already; all that is left is not to end well."""

    async def origin(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        raise EmulatorError("gone")

    answer = await ask(edge_before(origin), "GET", "/")

    assert (answer.status, answer.chunks, answer.whole) == (200, [b"x"], False)


async def test_origin_without_an_answer_is_502() -> None:
    """It returned, and said nothing."""

    async def origin(scope: Scope, receive: Receive, send: Send) -> None:
        return

    answer = await ask(edge_before(origin), "GET", "/")

    assert (answer.status, b"The origin story ended without an answer." in answer.body) == (502, True)


async def test_origin_that_is_not_served_here_is_502() -> None:
    """A distribution may name a server elsewhere in the world; the edge does not go there."""
    distribution = Distribution(
        "D", ARN, "localhost", origins=(Origin("else", "example.com"),), behaviors=(Behavior("*", "else"),)
    )

    answer = await ask(Edge(distribution, {}), "GET", "/")

    assert answer.status == 502
    assert b"The origin else is neither a bucket nor a function URL of this template." in answer.body


async def test_silent_origin_is_504() -> None:
    """The origin response timeout, before the first byte."""

    async def origin(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    answer = await ask(edge_before(origin, origin=Origin("story", "x", response_timeout_seconds=0)), "GET", "/")

    assert (answer.status, b"The origin story was silent for 0 seconds." in answer.body) == (504, True)


class SilentOrigin:
    """Answers nothing to its first *silent* requests."""

    def __init__(self, silent: int) -> None:
        self.silent = silent
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        self.bodies.append(message.get("body", b""))
        if len(self.bodies) <= self.silent:
            await asyncio.Event().wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"at last", "more_body": False})


async def asked_of_silent(
    silent: int, method: str = "GET", *, attempts: int = 3
) -> tuple[Answer, SilentOrigin, list[str]]:
    """The answer of an edge whose origin is silent that often, the origin, and what the edge noted."""
    app, notes = SilentOrigin(silent), list[str]()
    origin = Origin("story", "x", response_timeout_seconds=0, attempts=attempts)
    only = Behavior("*", "story", allowed_methods=("GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"))
    distribution = Distribution("D", ARN, "localhost", origins=(origin,), behaviors=(only,))
    return await ask(Edge(distribution, {"story": app}, note=notes.append), method, "/"), app, notes


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_silent_origin_is_asked_again(method: str) -> None:
    """It reads the same request, and the log says what that costs."""
    answer, origin, notes = await asked_of_silent(2, method)

    assert (answer.status, len(origin.bodies)) == (200, 3)
    assert notes == [
        f"The origin story was silent for 0 s; the edge asks it again, as CloudFront does ({attempt} of 3). "
        "That invokes its function once more, while the first invocation runs on."
        for attempt in (2, 3)
    ]


@pytest.mark.parametrize(("method", "attempts", "asked"), [("GET", 2, 2), ("GET", 1, 1), ("POST", 3, 1)])
async def test_an_origin_that_stays_silent_is_given_up(method: str, attempts: int, asked: int) -> None:
    """After its connection attempts; what is no GET or HEAD is sent once."""
    answer, origin, notes = await asked_of_silent(9, method, attempts=attempts)

    assert (answer.status, len(origin.bodies), len(notes)) == (504, asked, asked - 1)


async def test_an_origin_that_has_begun_is_not_asked_again() -> None:
    asked = 0

    async def origin(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal asked
        asked += 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.Event().wait()

    silent = Origin("story", "x", response_timeout_seconds=0, attempts=3)
    answer = await ask(edge_before(origin, origin=silent), "GET", "/")

    assert (answer.status, answer.whole, asked) == (200, False, 1)


async def test_origin_that_falls_silent_is_cut_off() -> None:
    """The same timeout counts between two chunks."""

    async def origin(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await asyncio.Event().wait()

    answer = await ask(edge_before(origin, origin=Origin("story", "x", response_timeout_seconds=0)), "GET", "/")

    assert (answer.status, answer.chunks, answer.whole) == (200, [b"one"], False)


async def test_slow_viewer_is_not_a_silent_origin() -> None:
    """While a chunk waits for the viewer, the origin cannot speak: its time stands still."""
    answer = Answer()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            await _some_turns()
        answer.take(message)

    edge = edge_before(RecordingOrigin("story"), origin=Origin("story", "x", response_timeout_seconds=0))
    async with asyncio.timeout(DEADLINE_SECONDS):
        await edge(http_scope("GET", "/"), _never, send)

    assert (answer.status, answer.body, answer.whole) == (200, b"story", True)


async def test_origins_own_timeout_error_is_not_the_edges() -> None:
    """A bug in an origin must not look like a silent origin."""

    async def origin(scope: Scope, receive: Receive, send: Send) -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await ask(edge_before(origin), "GET", "/")


async def test_without_a_distribution_the_edge_says_where_to_go() -> None:
    """404 in a sentence that names the function URLs."""
    answer = await ask(Edge(None, {}, function_urls=["http://abc.localhost:8080/"]), "GET", "/")

    assert answer.status == 404
    assert b"No AWS::CloudFront::Distribution is deployed" in answer.body
    assert b"the function URLs are http://abc.localhost:8080/." in answer.body


def test_edge_side_loads_nothing_heavy() -> None:
    """The first story must not wait for clients it does not need."""
    program = (
        "import sys, local.edge.edge, local.site, local.aws_services, local.aws_endpoint, local.custom_resources\n"
        "print([name for name in ('httpx', 'anyio', 'moto', 'botocore', 'werkzeug') if name in sys.modules])"
    )
    root = Path(__file__).parents[2]

    run = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, timeout=30, check=True
    )

    assert run.stdout == "[]\n"


async def _never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


async def _some_turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def _ignore(message: Message) -> None:
    pass
