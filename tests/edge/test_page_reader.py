"""What `page` finds in documents, and what counts as a weak policy."""

from __future__ import annotations

import httpx
import pytest

from tests.edge.content_security_policy import weaknesses
from tests.edge.page import PageError, files_of, parts_of

HTML = """<!doctype html><link rel=icon href=favicon.svg><script type=module src="/app.js"></script>
<a href="/elsewhere">not loaded</a><img src=https://cdn.example/a.png><p>text</p>"""
CSS = """@import "more.css"; p { background: url( 'a.svg' ) } i { background: url(data:,x); mask: url(#clip) }"""
SCRIPT = """import { a } from "./a.js"; import "./b.js"; await import("/c.js"); import x from "bare";"""
STRICT = "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'none'"


@pytest.mark.parametrize(
    ("content_type", "text", "references"),
    [
        ("text/html; charset=utf-8", HTML, ["favicon.svg", "/app.js", "https://cdn.example/a.png"]),
        ("text/css", CSS, ["more.css", "a.svg"]),
        ("text/javascript", SCRIPT, ["./a.js", "./b.js", "/c.js"]),
        ("image/svg+xml", HTML, []),
    ],
)
def test_references(content_type: str, text: str, references: list[str]) -> None:
    """What a browser would load, as it is written."""
    assert parts_of(content_type, text).references == references


@pytest.mark.parametrize(
    ("html", "inline"),
    [
        ("<script>alert(1)</script>", ["script element"]),
        ("<style>p {}</style>", ["style element"]),
        ("<p style='color: red' onclick=go()>x", ["p style=", "p onclick="]),
        ("<script src=a.js></script><p>text</p>", []),
    ],
)
def test_inline(html: str, inline: list[str]) -> None:
    """What a policy without `unsafe-inline` leaves without effect."""
    assert parts_of("text/html", html).inline == inline


def test_files_of() -> None:
    """Each file once, found through all that refer to it; other web origins are named, and not asked."""
    documents = {
        "/": ("text/html", HTML),
        "/app.js": ("text/javascript", "import './parts/a.js'; import '/app.js'"),
        "/parts/a.js": ("text/javascript", "import '../app.js'"),
        "/favicon.svg": ("image/svg+xml", ""),
    }

    def answer(request: httpx.Request) -> httpx.Response:
        content_type, text = documents[request.url.path]
        return httpx.Response(200, headers={"content-type": content_type}, text=text)

    with httpx.Client(base_url="http://site.example", transport=httpx.MockTransport(answer)) as client:
        files, elsewhere = files_of(client)

    assert files.keys() == documents.keys()
    assert elsewhere == ["https://cdn.example/a.png"]


def test_a_page_without_end() -> None:
    """Given up after 50 files."""

    def answer(request: httpx.Request) -> httpx.Response:
        text = f"import './{len(request.url.path)}{request.url.path[1:]}'"
        return httpx.Response(200, headers={"content-type": "text/javascript"}, text=text)

    with (
        httpx.Client(base_url="http://site.example", transport=httpx.MockTransport(answer)) as client,
        pytest.raises(PageError, match="more than 50 files"),
    ):
        files_of(client)


@pytest.mark.parametrize(
    ("policy", "weak"),
    [
        (STRICT, []),
        (STRICT.replace("'self'", "'none'"), []),
        (STRICT.replace("'self'", "'self' 'unsafe-inline'"), ["default-src allows 'unsafe-inline'"]),
        (STRICT.replace("'self'", "'self' https:"), ["default-src allows https:"]),
        (STRICT.replace("'self'", "https://*.example"), ["default-src allows https://*.example"]),
        (STRICT.replace("base-uri 'none'; ", ""), ["base-uri is missing"]),
        (STRICT.replace("object-src 'none'; ", ""), ["object-src is not 'none'"]),
        (
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'; script-src 'self'",
            ["style-src is missing, and so is default-src", "connect-src is missing, and so is default-src"],
        ),
        ("", None),
    ],
)
def test_weaknesses(policy: str, weak: list[str] | None) -> None:
    """Nothing for a strict policy, a sentence for each hole in others."""
    found = weaknesses(policy)

    assert len(found) == 7 if weak is None else found == weak
