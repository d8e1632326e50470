"""Pages that a distribution sends instead of errors."""

from __future__ import annotations

import asyncio

import pytest

from local.asgi import ASGIApp, Receive, Scope, Send, respond, whole_body
from local.config import Behavior, Distribution, ErrorPage, Origin
from local.edge.edge import Edge
from tests.local.asgi_viewer import ask
from tests.local.server import served

pytestmark = pytest.mark.anyio

PAGES = {404: ErrorPage("/app.html", 200), 502: ErrorPage("/sorry.html"), 403: ErrorPage("/missing.html", 404)}
OBJECTS = {"/app.html": b"the app", "/sorry.html": b"sorry", "/there": b"there"}
ANY_METHOD = ("GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE")


class Pages:
    """An origin with a few objects; for others 404, and for /forbidden 403."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, list[bytes]]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append((scope["method"], scope["path"], [name for name, _ in scope["headers"]]))
        body = OBJECTS.get(scope["path"])
        status = 200 if body else 403 if scope["path"] == "/forbidden" else 404
        await respond(send, status, headers=[(b"content-type", b"text/html")], body=body or b"<Error/>")


async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    """An origin that breaks down."""


def edge(pages: ASGIApp) -> Edge:
    origins = (Origin("pages", "pages.localhost"), Origin("broken", "broken.localhost"))
    behaviors = (Behavior("/broken/*", "broken", ANY_METHOD), Behavior("*", "pages", ANY_METHOD))
    distribution = Distribution("D", "arn", "localhost", origins=origins, behaviors=behaviors, error_pages=PAGES)
    return Edge(distribution, {"pages": pages, "broken": silent})


async def test_an_object_that_is_there_is_no_error() -> None:
    pages = Pages()
    answer = await ask(edge(pages), "GET", "/there?a=1")

    assert (answer.status, answer.body, len(pages.asked)) == (200, b"there", 1)


async def test_the_request_for_a_page_has_nothing_of_the_body_that_came() -> None:
    bodies: list[bytes | None] = []

    async def origin(scope: Scope, receive: Receive, send: Send) -> None:
        bodies.append(await whole_body(scope, receive, limit=10))
        await respond(send, 404)

    request = b"POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nConnection: close\r\n\r\nup"
    async with served(edge(origin)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        async with asyncio.timeout(5):
            assert (await reader.read()).startswith(b"HTTP/1.1 404 ")
        writer.close()

    assert bodies == [b"up", b""]


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
async def test_the_page_comes_with_the_status_that_is_wanted(method: str) -> None:
    """Asked for by a request of its own, whatever the viewer's was; of the error nothing is left."""
    pages = Pages()
    headers = [(b"range", b"bytes=0-1"), (b"if-none-match", b'"x"'), (b"accept", b"*/*")]

    answer = await ask(edge(pages), method, "/nothing", headers=headers, body=b"up" if method == "POST" else None)

    assert (answer.status, answer.body, answer.whole) == (200, b"" if method == "HEAD" else b"the app", True)
    assert answer.header("content-length") == "7"
    (_, first, _), (asked, path, names) = pages.asked
    assert (first, asked, path) == ("/nothing", "HEAD" if method == "HEAD" else "GET", "/app.html")
    assert b"accept" in names
    assert not {b"range", b"if-none-match", b"content-length"} & set(names)


async def test_what_the_edge_itself_refuses_has_a_page_too() -> None:
    """With the error's own status where no other is given; the page comes from the behavior of its path."""
    answer = await ask(edge(Pages()), "GET", "/broken/x")

    assert (answer.status, answer.body) == (502, b"sorry")
    assert answer.header("x-cache") == "Error from cloudfront"


async def test_a_page_that_is_not_there_is_no_loop() -> None:
    """Its own error is the answer."""
    pages = Pages()
    answer = await ask(edge(pages), "GET", "/forbidden")

    assert (answer.status, answer.body) == (404, b"<Error/>")
    assert [path for _, path, _ in pages.asked] == ["/forbidden", "/missing.html"]
