"""Signatures made by botocore are accepted, and every change of what was signed is noticed."""

from __future__ import annotations

import time
from calendar import timegm
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.signature import SignatureError, is_signed, verify
from local.wire.http_event import HttpRequest

SECRETS = {"AKIDLOCAL": "the secret"}


def signed(
    method: str = "GET",
    url: str = "http://abc.lambda-url.us-east-1.localhost:8080/sse",
    body: bytes = b"",
    *,
    query: bool = False,
    key: str = "AKIDLOCAL",
    secret: str = "the secret",
    service: str = "lambda",
    headers: dict[str, str] | None = None,
) -> HttpRequest:
    """The request as botocore's signer leaves it, in the header or in the query."""
    request = AWSRequest(method=method, url=url, data=body, headers=headers or {})
    (SigV4QueryAuth if query else SigV4Auth)(Credentials(key, secret), service, "us-east-1").add_auth(request)
    prepared = request.prepare()
    parts = urlsplit(prepared.url)
    fields = [(name.lower().encode(), _bytes(value)) for name, value in prepared.headers.items()]
    fields.append((b"host", parts.netloc.encode()))
    return HttpRequest(method, parts.path, parts.query, fields, body, "127.0.0.1")


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def with_header(request: HttpRequest, name: bytes, value: bytes) -> HttpRequest:
    kept = [header for header in request.headers if header[0] != name]
    return replace(request, headers=[*kept, (name, value)])


def check(request: HttpRequest) -> str:
    return verify(request, region="us-east-1", secrets=SECRETS)


@pytest.mark.parametrize("query", [False, True], ids=["header", "presigned"])
@pytest.mark.parametrize(
    "path", ["/", "/sse?min_ms=0&max_ms=0", "/a%20b/%C3%A9?b=2&a=1&a=0&c=%20z+q&d", "/a//b/../c?x=%2F", "/?=&&="]
)
def test_botocore_signs_and_we_agree(path: str, query: bool) -> None:
    """Any path and query, encoded however."""
    assert check(signed(url=f"http://abc.lambda-url.us-east-1.localhost:8080{path}", query=query)) == "AKIDLOCAL"


def test_body_and_extra_headers_are_signed() -> None:
    """As by a client that sends JSON and a session token."""
    request = signed(
        "POST", body=b'{"a": 1}', headers={"content-type": "application/json", "x-amz-security-token": "t"}
    )

    assert check(request) == "AKIDLOCAL"


def test_only_signed_headers_count() -> None:
    """What a proxy adds on the way does not matter."""
    assert check(with_header(signed(), b"x-forwarded-for", b"203.0.113.7")) == "AKIDLOCAL"


@pytest.mark.parametrize(
    "change",
    [
        lambda request: replace(request, method="PUT"),
        lambda request: replace(request, path="/other"),
        lambda request: replace(request, query="story=moon"),
        lambda request: replace(request, body=b"{}"),
        lambda request: with_header(request, b"host", b"evil.example"),
        lambda request: with_header(request, b"content-type", b"text/plain"),
    ],
    ids=["method", "path", "query", "body", "host", "signed header"],
)
def test_any_change_is_noticed(change: object) -> None:
    """Each part that the signature covers."""
    request = signed("POST", body=b"{}x", headers={"content-type": "application/json"})

    with pytest.raises(SignatureError) as caught:
        check(change(request))  # type: ignore[operator]

    assert caught.value.error_type == "InvalidSignatureException"
    assert caught.value.message.startswith("The request signature we calculated does not match")


def test_hash_header_must_be_the_hash_of_the_body() -> None:
    """Lambda takes no unsigned payload."""
    request = signed("POST", body=b"{}", headers={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})

    with pytest.raises(SignatureError, match="x-amz-content-sha256"):
        check(request)


@pytest.mark.parametrize(
    ("made", "error_type", "says"),
    [
        (lambda: signed(key="AKIDOTHER"), "UnrecognizedClientException", "token included in the request is invalid"),
        (lambda: signed(secret="wrong"), "InvalidSignatureException", "does not match"),
        (lambda: signed(service="s3"), "InvalidSignatureException", "us-east-1/lambda/aws4_request"),
        (
            lambda: with_header(signed(), b"authorization", b"Bearer x"),
            "IncompleteSignatureException",
            "AWS4-HMAC-SHA256",
        ),
        (
            lambda: with_header(signed(), b"authorization", b"AWS4-HMAC-SHA256 x"),
            "IncompleteSignatureException",
            "credential",
        ),
        (lambda: with_header(signed(), b"x-amz-date", b""), "IncompleteSignatureException", "date"),
        (lambda: with_header(signed(), b"x-amz-date", b"yesterday"), "InvalidSignatureException", "scoped"),
    ],
    ids=["unknown key", "wrong secret", "other service", "no SigV4", "no parts", "no date", "odd date"],
)
def test_bad_signatures(made: Callable[[], HttpRequest], error_type: str, says: str) -> None:
    """Each has AWS's error type, and a sentence. It is signed now: after five minutes a signature is no longer good."""
    with pytest.raises(SignatureError, match=says) as caught:
        check(made())

    assert caught.value.error_type == error_type


@pytest.mark.parametrize(
    ("offset", "says"), [(-301, "Signature expired"), (301, "Signature not yet current"), (-290, None), (290, None)]
)
def test_five_minutes_of_skew(monkeypatch: pytest.MonkeyPatch, offset: int, says: str | None) -> None:
    """Not more, in either direction."""
    request = signed()
    signed_at = timegm(time.strptime(dict(request.headers)[b"x-amz-date"].decode(), "%Y%m%dT%H%M%SZ"))
    monkeypatch.setattr("local.signature.time.time", lambda: signed_at - offset)
    if says is None:
        assert check(request) == "AKIDLOCAL"
    else:
        with pytest.raises(SignatureError, match=says):
            check(request)


def test_is_signed() -> None:
    """In the header, or in the query."""
    assert is_signed(signed())
    assert is_signed(signed(query=True))
    assert not is_signed(HttpRequest("GET", "/", "", [], b"", "127.0.0.1"))
