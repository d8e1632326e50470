"""An HTTP request as a function sees it: payload format 2.0, and back from a buffered reply.

What hop this is: a codec of `function_url`.

What the real service does: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html. Repeated headers and
query parameters are joined with a comma, cookies come as a list, a binary body in base64. A reply without `statusCode`
is the body of a 200 as it is.

What differs here, on purpose:
1. which content types count as text is not documented; here a body is text when its type says so (`text/*`, JSON, XML,
   JavaScript, a form) and it is UTF-8.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeGuard
from urllib.parse import parse_qsl

from local.wire.headers import Header, leaving_function
from local.wire.prelude import DELIMITER, headers_of

_STREAMED = "the function streams and its URL buffers: set InvokeMode of the URL to RESPONSE_STREAM"
_TEXT = re.compile(r"text/|application/(.+\+)?(json|xml)\b|application/(javascript|x-www-form-urlencoded)\b", re.I)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request; *path* and *query* as they came, percent-encoded."""

    method: str
    path: str
    query: str
    headers: list[Header]
    body: bytes
    source_ip: str
    http_version: str = "1.1"


@dataclass(frozen=True, slots=True)
class BufferedReply:
    """What a buffered function's reply stands for."""

    status: int
    headers: list[Header]
    body: bytes


class MalformedReplyError(ValueError):
    """The function returned what is no HTTP reply; the text says why."""


def event_of(
    request: HttpRequest, *, url_id: str, domain: str, account_id: str, request_id: str, access_key: str | None = None
) -> dict[str, object]:
    """The event in payload format 2.0. *domain* is what the function sees as its own.

    *access_key* is that of a caller who signed the request, and is told in `authorizer.iam`.
    """
    fields = [(name.decode("latin-1").lower(), value.decode("latin-1").strip(" \t")) for name, value in request.headers]
    headers = _joined(fields)
    has_cookies = headers.pop("cookie", None) is not None
    now = time.time()
    event: dict[str, object] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": {
            "accountId": account_id,
            "apiId": url_id,
            **(_authorizer(account_id, access_key) if access_key else {}),
            "domainName": domain,
            "domainPrefix": url_id,
            "http": {
                "method": request.method,
                "path": request.path,
                "protocol": f"HTTP/{request.http_version}",
                "sourceIp": request.source_ip,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": request_id,
            "routeKey": "$default",
            "stage": "$default",
            "time": _in_words(int(now)),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": False,
    }
    if has_cookies and (cookies := _cookies(fields)):
        event["cookies"] = cookies
    if request.query:
        event["queryStringParameters"] = _joined(_parameters(request.query))
    if request.body:
        event["body"], event["isBase64Encoded"] = _body_of(request.body, headers.get("content-type", ""))
    return event


def reply_of(document: bytes) -> BufferedReply:
    """What a buffered function's JSON *document* stands for. Raises `MalformedReplyError`."""
    try:
        fields = json.loads(document)
    except (ValueError, RecursionError) as error:
        if DELIMITER in document:  # the end of a prelude; no JSON has a NUL in it
            raise MalformedReplyError(_STREAMED) from error
        raise MalformedReplyError(f"the reply is not JSON: {error}") from error
    if not _has_status(fields):
        return BufferedReply(200, [(b"content-type", b"application/json")], document)
    try:
        status = _whole(fields["statusCode"])
        headers = leaving_function(headers_of(fields))
        content = _content(fields)
    except ValueError as error:  # HeaderError among them
        raise MalformedReplyError(f"the reply is no HTTP response: {error}") from error
    if not 200 <= status <= 599:
        raise MalformedReplyError(f"statusCode {status} is not from 200 to 599")
    if not any(name == b"content-type" for name, _ in headers):
        headers.append((b"content-type", b"application/json"))
    return BufferedReply(status, headers, content)


def is_reply(document: bytes) -> bool:
    """Whether *document* is one that `reply_of` takes apart, rather than a body as it is."""
    try:
        return _has_status(json.loads(document))
    except (ValueError, RecursionError):
        return False


def _has_status(fields: object) -> TypeGuard[dict[str, object]]:
    return isinstance(fields, dict) and "statusCode" in fields


def _whole(status: object) -> int:
    """A status as a number or, as some write it, a string of digits. Raises `ValueError`."""
    try:
        whole = int(status)  # type: ignore[call-overload]  # of what is no number it says so
    except (TypeError, ValueError, OverflowError):
        whole = None
    if whole is None or (isinstance(status, float) and whole != status):
        shown = f"a {type(status).__name__}" if isinstance(status, (list, dict)) else json.dumps(status)[:40]
        raise ValueError(f"statusCode must be a whole number, not {shown}")
    return int(whole)


def _content(fields: dict[str, object]) -> bytes:
    """The bytes that `body` and `isBase64Encoded` stand for. Raises `ValueError`."""
    body = fields.get("body") or ""
    if not isinstance(body, str):
        raise ValueError("body must be a string; json.dumps makes one of anything else")
    try:
        return base64.b64decode(body, validate=True) if fields.get("isBase64Encoded") else body.encode()
    except UnicodeEncodeError as error:
        raise ValueError("body has half a surrogate pair") from error
    except ValueError as error:
        raise ValueError(f"isBase64Encoded is true and body is no base64: {error}") from error


def _parameters(query: str) -> list[tuple[str, str]]:
    """Each parameter of *query*, decoded, in its order."""
    if "%" in query or "+" in query:
        return parse_qsl(query, keep_blank_values=True)
    pairs = [field.partition("=") for field in query.split("&") if field]  # the same, where nothing is encoded
    return [(name, value) for name, _, value in pairs]


@lru_cache(maxsize=1)
def _in_words(second: int) -> str:
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(second))


def _cookies(fields: list[tuple[str, str]]) -> list[str]:
    """Each cookie of the request; a comma may be part of one."""
    lists = [value.split(";") for name, value in fields if name == "cookie"]
    return [cookie.strip() for cookies in lists for cookie in cookies if cookie.strip()]


def _authorizer(account_id: str, access_key: str) -> dict[str, object]:
    user = f"arn:aws:iam::{account_id}:user/local"
    identity = {"accessKey": access_key, "accountId": account_id, "callerId": "local", "cognitoIdentity": None}
    return {"authorizer": {"iam": {**identity, "principalOrgId": None, "userArn": user, "userId": "local"}}}


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _body_of(body: bytes, content_type: str) -> tuple[str, bool]:
    """The event's `body` and `isBase64Encoded`."""
    if _TEXT.match(content_type):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), True
