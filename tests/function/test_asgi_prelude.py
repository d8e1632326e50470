"""`http.response.start` as status, headers and cookies of a reply."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambda_asgi.prelude import response_of
from tests.function.asgi_calls import start


def prelude(payload_format: str, *headers: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    document, delimiter, rest = response_of(start(status, *headers), payload_format).prelude().partition(b"\0" * 8)
    assert (delimiter, rest) == (b"\0" * 8, b"")
    return json.loads(document)


HEADERS = (
    (b"Content-Type", b"text/plain"),
    (b"vary", b"accept"),
    (b"set-cookie", b"a=1; Path=/"),
    (b"Vary", b"cookie"),
    (b"Set-Cookie", b"b=2; Expires=Wed, 09 Jun 2027 10:18:14 GMT"),
)


def test_for_a_function_url() -> None:
    """Each cookie stays whole in a list of its own; another repeated header is joined with a comma."""
    assert prelude("2.0", *HEADERS, status=201) == {
        "statusCode": 201,
        "headers": {"content-type": "text/plain", "vary": "accept,cookie"},
        "cookies": ["a=1; Path=/", "b=2; Expires=Wed, 09 Jun 2027 10:18:14 GMT"],
    }


def test_for_a_rest_api() -> None:
    """Every header is a list."""
    assert prelude("1.0", *HEADERS, status=201) == {
        "statusCode": 201,
        "multiValueHeaders": {
            "content-type": ["text/plain"],
            "vary": ["accept", "cookie"],
            "set-cookie": ["a=1; Path=/", "b=2; Expires=Wed, 09 Jun 2027 10:18:14 GMT"],
        },
    }


def test_without_a_content_type() -> None:
    """The reply says what the service would make of it anyway, in both formats."""
    assert prelude("2.0")["headers"] == {"content-type": "application/octet-stream"}
    assert prelude("1.0")["multiValueHeaders"] == {"content-type": ["application/octet-stream"]}
    assert prelude("2.0", status=304)["headers"] == {}
    assert prelude("1.0", status=304)["multiValueHeaders"] == {}


@pytest.mark.parametrize("payload_format", ["2.0", "1.0"])
def test_headers_of_the_connection_are_left_out(payload_format: str) -> None:
    """So is the length: a function URL would rename it, and the body goes in chunks."""
    names = [b"Connection", b"content-length", b"Keep-Alive", b"proxy-connection", b"TE", b"Trailer"]
    names += [b"Transfer-Encoding", b"upgrade"]
    document = prelude(payload_format, *((name, b"5") for name in names), (b"x-kept", b"yes"))

    assert set(document.get("headers") or document["multiValueHeaders"]) == {"content-type", "x-kept"}


def test_header_values_that_are_not_ascii() -> None:
    """UTF-8 is read as that, anything else byte for byte."""
    document = prelude("2.0", (b"x-utf8", "é€".encode()), (b"x-latin1", b"Jos\xe9"))

    assert (document["headers"]["x-utf8"], document["headers"]["x-latin1"]) == ("é€", "José")


def test_headers_may_be_missing_and_of_any_iterable() -> None:
    """Some applications send lists, some generators, some nothing."""
    assert response_of({"type": "http.response.start", "status": 204}, "2.0").headers == {}
    assert response_of({**start(200), "headers": iter([[b"a", b"1"]])}, "2.0").headers == {"a": "1"}


@pytest.mark.parametrize("status", [99, 103, 600, "200"])
def test_a_status_that_is_none(status: Any) -> None:
    with pytest.raises(ValueError, match="status_code must be an int from 200 to 599"):
        response_of(start(status), "2.0")


@pytest.mark.parametrize(
    ("payload_format", "expected"),
    [
        ("2.0", {"statusCode": 200, "headers": {"vary": "a,b"}, "cookies": ["c=1", "d=2"]}),
        (
            "1.0",
            {
                "statusCode": 200,
                "multiValueHeaders": {
                    "vary": ["a", "b"],
                    "set-cookie": ["c=1", "d=2"],
                    "content-type": ["application/octet-stream"],
                },
            },
        ),
    ],
)
def test_the_buffered_document_speaks_the_same_format(payload_format: str, expected: dict[str, Any]) -> None:
    """Where the caller cannot stream, status and headers have the names they have in the prelude."""
    headers = [(b"vary", b"a"), (b"set-cookie", b"c=1"), (b"vary", b"b"), (b"set-cookie", b"d=2")]

    assert response_of(start(200, *headers), payload_format).metadata() == expected
