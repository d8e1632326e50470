"""The CORS configuration of a function URL, from configuration and request headers to response headers."""

from __future__ import annotations

import pytest

from local import cors
from local.config import Cors
from local.wire.headers import Header

ORIGIN: Header = (b"origin", b"https://www.example.com")
ASKS: Header = (b"access-control-request-method", b"PUT")


def test_preflight_is_an_options_request_that_asks() -> None:
    """OPTIONS without the question is a request like any other, for the function."""
    assert cors.is_preflight("OPTIONS", [ORIGIN, ASKS])
    assert not cors.is_preflight("OPTIONS", [ORIGIN])
    assert not cors.is_preflight("OPTIONS", [ASKS])
    assert not cors.is_preflight("GET", [ORIGIN, ASKS])


def test_preflight_gets_everything_that_is_configured() -> None:
    """Lists joined with commas; credentials only where they are allowed."""
    configured = Cors(
        allow_origins=("https://www.example.com",),
        allow_methods=("GET", "PUT"),
        allow_headers=("last-event-id",),
        expose_headers=("x-seen",),
        allow_credentials=True,
        max_age_seconds=0,
    )

    assert cors.preflight_headers(configured, [ORIGIN, ASKS]) == [
        (b"access-control-allow-origin", b"https://www.example.com"),
        (b"access-control-allow-credentials", b"true"),
        (b"vary", b"Origin"),
        (b"access-control-allow-methods", b"GET,PUT"),
        (b"access-control-allow-headers", b"last-event-id"),
        (b"access-control-max-age", b"0"),
    ]


@pytest.mark.parametrize(
    ("allowed", "credentials", "answer"),
    [
        (("*",), False, b"*"),
        (("*",), True, b"https://www.example.com"),
        (("https://www.example.com",), False, b"https://www.example.com"),
        (("https://other.example", "https://www.example.com"), False, b"https://www.example.com"),
        (("https://*.example.com",), False, b"https://www.example.com"),
        (("https://www.example.com/",), False, None),
        (("http://www.example.com",), False, None),
        (("https://*.example.com.evil",), False, None),
        ((), False, None),
    ],
)
def test_allowed_origin(allowed: tuple[str, ...], credentials: bool, answer: bytes | None) -> None:
    """A web origin is compared letter for letter; with credentials a browser wants it by name."""
    headers = dict(cors.response_headers(Cors(allow_origins=allowed, allow_credentials=credentials), [ORIGIN]))

    assert headers.get(b"access-control-allow-origin") == answer


def test_star_does_not_match_less_than_nothing() -> None:
    """`a*a` needs two letters."""
    assert cors.response_headers(Cors(allow_origins=("https://a*a",)), [(b"origin", b"https://a")]) == []


def test_response_exposes_headers_and_varies() -> None:
    """Only what the browser needs on the response itself."""
    configured = Cors(allow_origins=("https://www.example.com",), allow_methods=("GET",), expose_headers=("x-a", "x-b"))

    assert cors.response_headers(configured, [ORIGIN]) == [
        (b"access-control-allow-origin", b"https://www.example.com"),
        (b"vary", b"Origin"),
        (b"access-control-expose-headers", b"x-a,x-b"),
    ]


def test_request_without_an_origin_is_left_alone() -> None:
    """curl, and a page of the same origin."""
    assert cors.response_headers(Cors(allow_origins=("*",)), []) == []


def test_duplicates_are_named() -> None:
    """A header that the function sets as well: the browser refuses such a response."""
    ours = cors.response_headers(Cors(allow_origins=("https://www.example.com",)), [ORIGIN])

    assert cors.duplicated(ours, [(b"access-control-allow-origin", b"*"), (b"vary", b"Accept")]) == [
        "access-control-allow-origin"
    ]
    assert cors.duplicated([], [(b"access-control-allow-origin", b"*")]) == []
