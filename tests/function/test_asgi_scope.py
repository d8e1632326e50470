"""Events as ASGI scopes: payload format 2.0 of a function URL, 1.0 of a REST API, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lambda_asgi.scope import UnsupportedEventError, body_of, payload_format, scope_of
from tests.function.asgi_calls import rest_event, url_event

EVENTS = Path(__file__).parents[2] / "events"
URL_HOST = "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6.lambda-url.eu-central-1.on.aws"


def test_the_whole_scope_of_a_function_urls_request() -> None:
    """Key by key, from the event file that shows what curl sends."""
    event, context = json.loads((EVENTS / "story.json").read_text()), object()

    assert scope_of(event, context) == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": "/sse",
        "raw_path": b"/sse",
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"accept", b"*/*"),
            (b"host", URL_HOST.encode()),
            (b"user-agent", b"curl/8.14.1"),
            (b"x-amzn-tls-cipher-suite", b"TLS_AES_128_GCM_SHA256"),
            (b"x-amzn-tls-version", b"TLSv1.3"),
            (b"x-amzn-trace-id", b"Root=1-6b0334af-1c4f8a2b6d0e3f5a7b9c1d2e"),
            (b"x-forwarded-for", b"203.0.113.25"),
            (b"x-forwarded-port", b"443"),
            (b"x-forwarded-proto", b"https"),
        ],
        "client": ("203.0.113.25", 0),
        "server": (URL_HOST, 443),
        "extensions": {},
        "aws.event": event,
        "aws.context": context,
    }


def test_the_whole_scope_of_a_rest_apis_request() -> None:
    """Repeated headers are apart, names in lower case, and the query is encoded again."""
    event, context = (
        rest_event(
            "POST",
            "/caf%C3%A9",
            headers={"X-Tag": ["a", "b"], "Cookie": ["k=1; l=2"]},
            query={"q": ["a b", "&"], "flag": [""]},
            body=b"\x00\xff",
        ),
        object(),
    )

    assert scope_of(event, context) == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "https",
        "path": "/café",
        "raw_path": b"/caf%C3%A9",
        "query_string": b"q=a+b&q=%26&flag=",
        "root_path": "",
        "headers": [
            (b"host", b"r5s6t7.execute-api.us-east-1.amazonaws.com"),
            (b"x-forwarded-proto", b"https"),
            (b"x-tag", b"a"),
            (b"x-tag", b"b"),
            (b"cookie", b"k=1; l=2"),
        ],
        "client": ("203.0.113.25", 0),
        "server": ("r5s6t7.execute-api.us-east-1.amazonaws.com", 443),
        "extensions": {},
        "aws.event": event,
        "aws.context": context,
    }
    assert body_of(event) == b"\x00\xff"


@pytest.mark.parametrize(
    ("target", "path", "raw_path", "query"),
    [
        ("/", "/", b"/", b""),
        ("/a%2Fb%20c", "/a/b c", b"/a%2Fb%20c", b""),
        ("/%C3%A9%E2%82%AC", "/é€", b"/%C3%A9%E2%82%AC", b""),
        ("/100%25", "/100%", b"/100%25", b""),
        ("/%zz", "/%zz", b"/%zz", b""),
        ("//double//", "//double//", b"//double//", b""),
        ("/a+b", "/a+b", b"/a+b", b""),
        ("/q?a=1&a=2&b=%20&c=+&d", "/q", b"/q", b"a=1&a=2&b=%20&c=+&d"),
        ("/q??x=%3F", "/q", b"/q", b"?x=%3F"),
    ],
)
def test_path_and_query(target: str, path: str, raw_path: bytes, query: bytes) -> None:
    """The path is decoded once, what came is kept beside it, and the query is not touched."""
    scope = scope_of(url_event(target=target), None)

    assert (scope["path"], scope["raw_path"], scope["query_string"]) == (path, raw_path, query)


def test_cookies_become_the_one_header_they_were() -> None:
    """A comma in one stays in it."""
    scope = scope_of(url_event(headers=(("cookie", "a=1; b=x,y"), ("cookie", "c=3"))), None)

    assert [value for name, value in scope["headers"] if name == b"cookie"] == [b"a=1; b=x,y; c=3"]


def test_a_cookie_header_beside_the_list_is_not_a_second_one() -> None:
    """Senders of test events leave both in."""
    event = {**url_event(), "headers": {"Cookie": "a=1"}, "cookies": ["a=1", "b=2"]}

    assert scope_of(event, None)["headers"] == [(b"cookie", b"a=1; b=2")]
    assert scope_of({**event, "cookies": []}, None)["headers"] == [(b"cookie", b"a=1")]


def test_header_values_are_the_bytes_that_came() -> None:
    """Latin-1 stays that; what is none, and so cannot have been a byte each, goes as UTF-8."""
    event = url_event()
    event["headers"] |= {"X-Name": "José", "X-Price": "€"}

    headers = dict(scope_of(event, None)["headers"])

    assert (headers[b"x-name"], headers[b"x-price"]) == (b"Jos\xe9", b"\xe2\x82\xac")


@pytest.mark.parametrize(
    ("headers", "server", "scheme"),
    [
        ({"host": "a.example", "x-forwarded-proto": "https", "x-forwarded-port": "443"}, ("a.example", 443), "https"),
        ({"host": "a.example"}, ("a.example", 443), "https"),
        ({"host": "a.example", "x-forwarded-proto": "http"}, ("a.example", 80), "http"),
        ({"host": "localhost:8080", "x-forwarded-port": "443"}, ("localhost", 8080), "https"),
        ({"host": "[::1]:8080"}, ("[::1]", 8080), "https"),
        ({"host": "[::1]"}, ("[::1]", 443), "https"),
        ({}, None, "https"),
    ],
)
def test_server_and_scheme(headers: dict[str, str], server: tuple[str, int] | None, scheme: str) -> None:
    scope = scope_of({**url_event(), "headers": headers}, None)

    assert (scope["server"], scope["scheme"]) == (server, scheme)


@pytest.mark.parametrize(
    ("protocol", "version"), [("HTTP/1.0", "1.0"), ("HTTP/1.1", "1.1"), ("HTTP/2.0", "2"), ("HTTP/2", "2"), ("", "1.1")]
)
def test_http_version_is_one_of_those_the_specification_names(protocol: str, version: str) -> None:
    event = url_event()
    event["requestContext"]["http"]["protocol"] = protocol

    assert scope_of(event, None)["http_version"] == version


def test_what_a_hand_written_event_may_leave_out() -> None:
    """Headers, query, body, source: an event need not come from AWS to be tried out."""
    event = {"version": "2.0", "rawPath": "/a", "requestContext": {"http": {"method": "GET", "path": "/a"}}}
    rest = {"httpMethod": "GET", "path": "/a", "requestContext": {}}

    for scope in (scope_of(event, None), scope_of(rest, None)):
        assert (scope["path"], scope["headers"], scope["query_string"]) == ("/a", [], b"")
        assert (scope["client"], scope["server"], scope["http_version"]) == (None, None, "1.1")
    assert body_of(event) == body_of(rest) == b""


def test_a_rest_api_without_lists() -> None:
    """Single values count where no list has the name, as some senders of test events leave the lists out."""
    event = {**rest_event(), "multiValueHeaders": None, "multiValueQueryStringParameters": None}
    event["headers"] = {"Accept": "text/plain"}
    event["queryStringParameters"] = {"a": "1", "b": "2 3"}

    scope = scope_of(event, None)

    assert (scope["headers"], scope["query_string"]) == ([(b"accept", b"text/plain")], b"a=1&b=2+3")


@pytest.mark.parametrize(
    ("root_path", "came", "path", "raw_path"),
    [
        ("", "/api/x", "/api/x", b"/api/x"),
        ("/api", "/api/x%20y", "/api/x y", b"/api/x%20y"),
        ("/api", "/api", "/api", b"/api"),
        ("/api", "/x%20y", "/api/x y", b"/api/x%20y"),
        ("/api", "/", "/api/", b"/api/"),
        ("/api", "/apiary", "/api/apiary", b"/api/apiary"),
        ("/café", "/caf%C3%A9/x", "/café/x", b"/caf%C3%A9/x"),
        ("/café", "/x", "/café/x", b"/caf%C3%A9/x"),
    ],
)
def test_the_path_includes_the_root_path(root_path: str, came: str, path: str, raw_path: bytes) -> None:
    """Whether it came that way, as through CloudFront, or somebody cut it off, as a REST API does with its stage."""
    scope = scope_of(url_event(target=came), None, root_path=root_path)

    assert (scope["root_path"], scope["path"], scope["raw_path"]) == (root_path, path, raw_path)


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"", (), b""),
        ("naïve €".encode(), (("content-type", "text/plain; charset=utf-8"),), "naïve €".encode()),
        (bytes(range(256)), (("content-type", "application/octet-stream"),), bytes(range(256))),
    ],
)
def test_body(body: bytes, headers: tuple[tuple[str, str], ...], expected: bytes) -> None:
    """As text and in base64."""
    assert body_of(url_event("POST", headers=headers, body=body)) == expected


@pytest.mark.parametrize(
    ("event", "what"),
    [
        ({}, "an object with the keys []"),
        ({"key": "value"}, "an object with the keys ['key']"),
        (["a"], "a list"),
        ("text", "a str"),
        (None, "a NoneType"),
        ({"Records": [], "version": "2.0"}, "['Records', 'version']"),
        ({"version": "2.0", "requestContext": {"routeKey": "$connect"}}, "['requestContext', 'version']"),
        (
            {"httpMethod": "GET", "path": "/", "requestContext": {"elb": {"targetGroupArn": "arn"}}},
            "['httpMethod', 'path', 'requestContext']",
        ),
    ],
)
def test_an_event_of_another_shape_is_refused_in_one_sentence(event: Any, what: str) -> None:
    """It names what is there, without the values, and what should be."""
    with pytest.raises(UnsupportedEventError) as caught:
        scope_of(event, None)

    assert what in str(caught.value)
    assert "a function URL (payload format 2.0) or a REST API (1.0)" in str(caught.value)


def test_payload_formats() -> None:
    assert (payload_format(url_event()), payload_format(rest_event())) == ("2.0", "1.0")
