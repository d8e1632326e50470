"""One FastAPI application under Mangum and under `Streaming`: the same events, the same replies.

Where the two differ on purpose, the difference stands in `known`, or in a test of its own.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from fastapi import Cookie, Depends, FastAPI, Header, HTTPException, Query, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, StreamingResponse
from mangum import Mangum
from mangum.exceptions import ConfigurationError
from pydantic import BaseModel, Field

from lambda_asgi.scope import scope_of
from lambda_asgi.streaming import Streaming
from tests.function.asgi_calls import DOMAIN, Reply, given, rest_event, url_event
from tests.function.fake_runtime_api import serve

JSON = (("content-type", "application/json"),)
CONTEXT = SimpleNamespace(aws_request_id="r-1")


class Story(BaseModel):
    title: str = Field(min_length=1)
    words: int = 0


def application() -> FastAPI:
    """Everything that a buffered API commonly does."""
    app = FastAPI()
    app.add_middleware(CORSMiddleware, allow_origins=["https://a.example"], allow_credentials=True)
    app.add_middleware(GZipMiddleware, minimum_size=500)

    @app.get("/")
    def root() -> dict[str, str]:
        return {"hello": "world", "price": "5 €"}

    @app.get("/stories/{slug}")
    def story(slug: str) -> Story:
        if slug == "none":
            raise HTTPException(404, "no such story", headers={"x-reason": "gone"})
        return Story(title=slug)

    @app.get("/files/{path:path}")
    def file(path: str, request: Request) -> dict[str, str]:
        return {"path": path, "url": str(request.url), "base": str(request.base_url)}

    @app.post("/stories", status_code=201)
    def create(story: Story, response: Response) -> Story:
        response.headers["location"] = f"/stories/{story.title}"
        return story

    @app.put("/stories/{slug}", status_code=204)
    def replace(slug: str) -> None: ...

    @app.post("/echo")
    async def echo(request: Request) -> Response:
        return Response(await request.body(), media_type=request.headers["content-type"])

    @app.get("/query")
    def query(request: Request, tag: Annotated[list[str] | None, Query()] = None, n: int = 0) -> dict[str, Any]:
        return {"tag": tag, "n": n, "items": request.query_params.multi_items(), "raw": request.url.query}

    @app.get("/cookies")
    def cookies(response: Response, seen: Annotated[str | None, Cookie()] = None) -> dict[str, str | None]:
        # At fixed times: seconds from now would differ where two runs are on two sides of a second.
        response.set_cookie("a", "1", httponly=True, expires=datetime(2035, 5, 17, tzinfo=UTC))
        response.set_cookie("b", "x,y", path="/cookies")
        response.set_cookie("c", "", max_age=0, expires=datetime(1970, 1, 1, tzinfo=UTC))
        return {"seen": seen}

    @app.get("/headers")
    def headers(response: Response, x_tag: Annotated[str | None, Header()] = None) -> dict[str, str | None]:
        response.headers.append("vary", "accept")
        response.headers.append("vary", "cookie")
        response.headers.append("link", '</a,b>; rel="x"')
        response.headers.append("link", "</c>; rel=y")
        return {"x_tag": x_tag}

    @app.get("/redirect")
    def redirect() -> RedirectResponse:
        return RedirectResponse("/stories/ä b?c=d", 303)

    @app.get("/html")
    def html() -> HTMLResponse:
        return HTMLResponse("<p>Ünïcode</p>" * 100)

    @app.get("/latin")
    def latin() -> PlainTextResponse:
        return PlainTextResponse("é".encode("latin-1"), headers={"content-type": "text/plain; charset=latin-1"})

    @app.get("/binary")
    def binary() -> Response:
        return Response(bytes(range(256)), media_type="image/png")

    @app.get("/download")
    def download() -> FileResponse:
        return FileResponse(Path(__file__), filename="ü.py", headers={"etag": '"1"', "last-modified": "never"})

    @app.get("/streamed")
    def streamed() -> StreamingResponse:
        return StreamingResponse(iter(["Once ", "upon ", "a time"]), media_type="text/plain")

    @app.get("/empty")
    def empty() -> Response:
        return Response()

    @app.get("/untyped")
    def untyped() -> Response:
        return Response(b"<p>anything</p>")

    @app.get("/unchanged")
    def unchanged() -> Response:
        return Response(status_code=304, headers={"etag": '"1"'})

    @app.get("/teapot")
    def teapot(response: Response) -> str:
        response.status_code = 418
        return "short and stout"

    @app.get("/boom")
    def boom() -> None:
        raise LookupError("no story")

    def resource() -> Iterable[str]:
        yield "open"

    @app.get("/depends")
    def depends(state: Annotated[str, Depends(resource)]) -> str:
        return state

    @app.get("/client")
    def client(request: Request) -> dict[str, Any]:
        return {
            "client": request.client and request.client.host,
            "method": request.method,
            "scheme": request.url.scheme,
        }

    return app


@contextmanager
def own_event_loop() -> Iterator[None]:
    """Mangum takes the loop of its thread, or makes one and leaves it."""
    with asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())
        yield


def under_mangum(app: Any, event: dict[str, Any], **options: Any) -> Reply:
    with own_event_loop():
        document = Mangum(app, **options)(event, CONTEXT)
    body = document.pop("body")
    is_base64 = document.pop("isBase64Encoded")
    return Reply(document, base64.b64decode(body) if is_base64 else body.encode())


def under_streaming(app: Any, event: dict[str, Any], **options: Any) -> Reply:
    (request,) = serve(Streaming(app, **options), given(event))
    return Reply.of(request)


UNTYPED = {"/redirect", "/stories/moon/", "/empty", "/unchanged", "/untyped"}  # send no content type


def known(mangum: Reply, method: str, target: str) -> Reply:
    """What Mangum answers, with the differences that are meant.

    1. No `content-length`: a function URL would rename it, and the body is sent in chunks.
    2. A reply without a content type is not called JSON, but what the service calls it: bytes; a 304 stays without.
    3. `cookies` is always there.
    4. HEAD has no body, whatever the application sends.
    """
    headers = {name: value for name, value in mangum.prelude["headers"].items() if name != "content-length"}
    if target in UNTYPED:
        assert headers["content-type"] == "application/json"
        headers["content-type"] = "application/octet-stream"
    if mangum.prelude["statusCode"] == 304:
        del headers["content-type"]
    prelude = {"cookies": [], **mangum.prelude, "headers": headers}
    return Reply(prelude, b"" if method == "HEAD" else mangum.body)


REQUESTS: list[tuple[str, str, tuple[tuple[str, str], ...], bytes]] = [
    ("GET", "/", (), b""),
    ("HEAD", "/", (), b""),
    ("GET", "/stories/moon", (), b""),
    ("GET", "/stories/none", (), b""),
    ("GET", "/stories/a%2Fb", (), b""),
    ("GET", "/stories/caf%C3%A9%20%E2%82%AC", (), b""),
    ("GET", "/stories/100%25", (), b""),
    ("GET", "/stories/%zz", (), b""),
    ("GET", "/stories/a+b", (), b""),
    ("GET", "/nowhere", (), b""),
    ("DELETE", "/stories/moon", (), b""),
    ("POST", "/stories", JSON, b'{"title": "moon", "words": 3}'),
    ("POST", "/stories", JSON, b'{"title": "", "words": "many"}'),
    ("POST", "/stories", JSON, b"{"),
    ("POST", "/stories", (), b""),
    ("PUT", "/stories/moon", (), b""),
    ("POST", "/echo", (("content-type", "application/octet-stream"),), bytes(range(256))),
    ("POST", "/echo", (("content-type", "text/plain"),), "naïve €".encode()),
    ("GET", "/untyped", (), b""),
    ("GET", "/query?tag=a&tag=b&n=7", (), b""),
    ("GET", "/query?tag=a%20b&tag=c+d&tag=%26&x=&y&=z", (), b""),
    ("GET", "/query?tag=%C3%A9&tag=a,b", (), b""),
    ("GET", "/query?n=many", (), b""),
    ("GET", "/query?", (), b""),
    ("GET", "/cookies", (), b""),
    ("GET", "/cookies", (("cookie", "seen=yes; other=1"),), b""),
    ("GET", "/headers", (("x-tag", "a"), ("x-tag", "b")), b""),
    ("GET", "/redirect", (), b""),
    ("GET", "/stories/moon/", (), b""),
    ("GET", "/html", (), b""),
    ("GET", "/html", (("accept-encoding", "gzip"),), b""),
    ("GET", "/latin", (), b""),
    ("GET", "/binary", (), b""),
    ("GET", "/download", (), b""),
    ("GET", "/download", (("range", "bytes=3-9"),), b""),
    ("HEAD", "/download", (), b""),
    ("GET", "/streamed", (), b""),
    ("GET", "/empty", (), b""),
    ("GET", "/unchanged", (), b""),
    ("GET", "/teapot", (), b""),
    ("GET", "/boom", (), b""),
    ("GET", "/depends", (), b""),
    ("GET", "/client", (("x-forwarded-for", "198.51.100.1"),), b""),
    ("GET", "/", (("origin", "https://a.example"),), b""),
    ("OPTIONS", "/", (("origin", "https://a.example"), ("access-control-request-method", "GET")), b""),
    ("OPTIONS", "/", (("origin", "https://b.example"), ("access-control-request-method", "GET")), b""),
    ("GET", "/openapi.json", (), b""),
    ("GET", "/docs", (), b""),
]


@pytest.mark.parametrize(("method", "target", "headers", "body"), REQUESTS)
def test_reply_for_reply(method: str, target: str, headers: tuple[tuple[str, str], ...], body: bytes) -> None:
    """Status, headers, cookies and body are the same."""
    event = url_event(method, target, headers=headers, body=body)

    assert under_streaming(application(), event) == known(under_mangum(application(), event), method, target)


@pytest.mark.parametrize(
    ("method", "path", "query", "body"),
    [
        ("GET", "/", None, None),
        ("GET", "/stories/caf%C3%A9", None, None),
        ("GET", "/query", {"tag": ["a b", "&"], "n": ["7"]}, None),
        ("GET", "/cookies", None, None),
        ("GET", "/headers", None, None),
        ("GET", "/nowhere", None, None),
        ("POST", "/echo", None, bytes(range(256))),
        ("GET", "/binary", None, None),
        ("GET", "/client", None, None),
    ],
)
def test_reply_for_reply_behind_a_rest_api(
    method: str, path: str, query: dict[str, list[str]] | None, body: bytes | None
) -> None:
    """The same values for each header, which here are all in lists, where Mangum has lists for repeated ones."""
    event = rest_event(method, path, query=query, body=body, headers={"Content-Type": ["application/octet-stream"]})

    mangum, ours = under_mangum(application(), event), under_streaming(application(), event)
    lists = {name: [value] for name, value in mangum.prelude["headers"].items()} | mangum.prelude["multiValueHeaders"]
    del lists["content-length"]

    assert ours.prelude == {"statusCode": mangum.prelude["statusCode"], "multiValueHeaders": lists}
    assert ours.body == mangum.body


def scopes(event: dict[str, Any], **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The scopes that an application gets for *event*, under Mangum and from us."""
    seen: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body"})

    under_mangum(app, event, lifespan="off", **options)
    return seen[0], dict(scope_of(event, CONTEXT))


EVENTS = [
    url_event(),
    url_event("POST", "/a%20b/%C3%A9?c=d&c=e", headers=(("cookie", "a=1; b=2"), ("accept", "x")), body=b"{}"),
    json.loads((Path(__file__).parents[2] / "events/api-sse.json").read_text()),
    rest_event(),
    rest_event("POST", "/a%20b", query={"c": ["d", "e f"]}, headers={"Accept": ["x"]}, body=b"{}"),
]


@pytest.mark.parametrize("event", EVENTS)
def test_scope_field_for_field(event: dict[str, Any]) -> None:
    """Equal but for the fields that the docstring of `lambda_asgi.scope` names."""
    mangum, ours = scopes(event)
    meant = {"asgi", "raw_path", "extensions"}
    if "x-forwarded-port" not in event["headers"]:
        meant.add("server")

    assert {name: value for name, value in mangum.items() if name not in meant and name != "headers"} == {
        name: value for name, value in ours.items() if name not in meant and name != "headers"
    }
    assert sorted(tuple(header) for header in mangum["headers"]) == sorted(ours["headers"])
    assert (mangum["raw_path"], mangum["asgi"]["spec_version"]) == (None, "2.0")


def test_repeated_headers_of_a_rest_api_stay_apart() -> None:
    """Where Mangum joins them, cookies with a comma even."""
    mangum, ours = scopes(rest_event(headers={"X-Tag": ["a", "b"], "Cookie": ["c=1", "d=2"]}))

    assert [b"x-tag", b"a, b"] in mangum["headers"]
    assert [b"cookie", b"c=1, d=2"] in mangum["headers"]
    assert [value for name, value in ours["headers"] if name in (b"x-tag", b"cookie")] == [b"a", b"b", b"c=1", b"d=2"]


def test_a_header_in_latin_1_comes_as_it_was_sent() -> None:
    """Mangum makes UTF-8 of it, which the framework then reads as Latin-1."""
    event = url_event("GET", "/headers", headers=(("x-tag", "José"),))

    assert json.loads(under_streaming(application(), event).body) == {"x_tag": "José"}
    assert json.loads(under_mangum(application(), event).body) == {"x_tag": "JosÃ©"}


def test_a_header_in_latin_1_goes_as_it_was_meant() -> None:
    """Frameworks write header values in Latin-1; Mangum fails when they do."""
    event = url_event("POST", "/stories", headers=JSON, body='{"title": "Mönch"}'.encode())

    assert under_streaming(application(), event).prelude["headers"]["location"] == "/stories/Mönch"
    with pytest.raises(UnicodeDecodeError):
        under_mangum(application(), event)


def test_an_exception_is_logged_and_answered_by_the_framework(capsys: pytest.CaptureFixture[str]) -> None:
    """FastAPI sends its own 500 before it lets the exception out."""
    reply = under_streaming(application(), url_event(target="/boom"))

    assert (reply.prelude["statusCode"], reply.body) == (500, b"Internal Server Error")
    assert capsys.readouterr().out.count("[ERROR] LookupError: no story") == 1


def test_the_same_handler_name_takes_the_same_first_arguments() -> None:
    """So that one may be put in the other's place."""
    with own_event_loop():
        for adapter in (Mangum, Streaming):
            adapter(application(), lifespan="off")
            adapter(application(), "off")
            with pytest.raises((ConfigurationError, ValueError), match="lifespan"):
                adapter(application(), lifespan="never")


def test_url_for_under_a_root_path() -> None:
    """Behind the edge at /api: routes are found and absolute URLs begin there, though the application has no prefix."""
    event = url_event(target="/api/files/a")

    reply = under_streaming(application(), event, root_path="/api")

    assert json.loads(reply.body) == {
        "path": "a", "url": f"https://{DOMAIN}/api/files/a", "base": f"https://{DOMAIN}/api/",
    }  # fmt: skip
