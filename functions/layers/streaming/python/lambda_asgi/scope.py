"""An HTTP event as an ASGI scope.

What this is: `streaming -> [scope] -> cycle -> application`.

What the real service does: a function URL sends payload format 2.0
(https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads), a REST API, which streams too, format
1.0 (https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html). Both leave the
path percent-encoded; a REST API decodes the query. What a scope is:
https://asgi.readthedocs.io/en/latest/specs/www.html#http-connection-scope.

`spec_version` is 2.4, whose promise is that `send` raises an `OSError` once the reply has lost its way, see `cycle`.
Starlette then sends from the application's own task; told less, it would start a second one to listen for a disconnect.

What differs from Mangum, on purpose:
1. `raw_path` is the path as it came, and `path` is decoded from it; Mangum has none;
2. `root_path` is set where the application is mounted, and `path` includes it, as ASGI servers have it;
3. a REST API's repeated headers stay apart, as the specification asks; Mangum joins them;
4. header values are bytes in Latin-1, as frameworks decode them, where Mangum has UTF-8;
5. `http_version` is the request's, the port in `server` follows from the scheme where no header names it, and `client`
   and `server` are None where nothing is known of them.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlencode

if TYPE_CHECKING:
    from lambda_asgi.asgi import Header, Scope

FUNCTION_URL, REST_API = "2.0", "1.0"  # payload formats
_VERSIONS = {"HTTP/1.0": "1.0", "HTTP/2": "2", "HTTP/2.0": "2"}


class UnsupportedEventError(ValueError):
    """The event is no HTTP request of a function URL or of a REST API; the text says what it is instead."""


@dataclass(frozen=True, slots=True)
class _Request:
    """What both payload formats say, each in its own words."""

    method: str
    path: str  # percent-encoded
    query: str
    protocol: str
    source_ip: str | None
    headers: list[Header]


def payload_format(event: Any) -> str:
    """`FUNCTION_URL` or `REST_API`. Raises `UnsupportedEventError`."""
    context = event.get("requestContext") if isinstance(event, dict) else None
    if isinstance(context, dict):
        if event.get("version") == FUNCTION_URL and "http" in context:
            return FUNCTION_URL
        if "httpMethod" in event and "elb" not in context:  # a load balancer's event looks alike, but it cannot stream
            return REST_API
    what = f"an object with the keys {sorted(event)}" if isinstance(event, dict) else f"a {type(event).__name__}"
    raise UnsupportedEventError(
        f"This event is no HTTP request of a function URL (payload format 2.0) or a REST API (1.0), but {what}. "
        "To try the function out, send it one of those."
    )


def scope_of(event: Any, context: Any, *, root_path: str = "") -> Scope:
    """The scope of the request that *event* is. Raises `UnsupportedEventError`."""
    request = _function_url(event) if payload_format(event) == FUNCTION_URL else _rest_api(event)
    named = dict(request.headers)
    scheme = named.get(b"x-forwarded-proto", b"https").decode("latin-1")
    path, raw_path = unquote(request.path), _bytes(request.path)
    if not f"{path}/".startswith(f"{root_path}/"):  # cut off on the way, as a REST API does with its stage
        path, raw_path = root_path + path, _bytes(quote(root_path)) + raw_path
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": _VERSIONS.get(request.protocol, "1.1"),
        "method": request.method,
        "scheme": scheme,
        "path": path,
        "raw_path": raw_path,
        "query_string": _bytes(request.query),
        "root_path": root_path,
        "headers": request.headers,
        "client": (request.source_ip, 0) if request.source_ip else None,
        "server": _server(named, scheme),
        "extensions": {},
        "aws.event": event,
        "aws.context": context,
    }


def body_of(event: Any) -> bytes:
    """The body of the request."""
    body = event.get("body") or ""
    return binascii.a2b_base64(body) if event.get("isBase64Encoded") else body.encode()


def _function_url(event: Any) -> _Request:
    http = event["requestContext"]["http"]
    headers = [(_name(name), _bytes(value)) for name, value in (event.get("headers") or {}).items()]
    if cookies := event.get("cookies"):
        headers = [header for header in headers if header[0] != b"cookie"]
        headers.append((b"cookie", _bytes("; ".join(cookies))))
    return _Request(
        http["method"], event["rawPath"], event.get("rawQueryString") or "", http.get("protocol", ""),
        http.get("sourceIp"), headers,
    )  # fmt: skip


def _rest_api(event: Any) -> _Request:
    context = event["requestContext"]
    single, multiple = event.get("headers") or {}, event.get("multiValueHeaders") or {}
    headers = [(_name(name), _bytes(value)) for name, values in multiple.items() for value in values]
    known = {name for name, _ in headers}
    headers += [(_name(name), _bytes(value)) for name, value in single.items() if _name(name) not in known]
    query = event.get("multiValueQueryStringParameters") or event.get("queryStringParameters") or {}
    return _Request(
        event["httpMethod"], event["path"], urlencode(query, doseq=True), context.get("protocol", ""),
        (context.get("identity") or {}).get("sourceIp"), headers,
    )  # fmt: skip


def _server(headers: dict[bytes, bytes], scheme: str) -> tuple[str, int] | None:
    host, port = headers.get(b"host", b"").decode("latin-1"), headers.get(b"x-forwarded-port", b"").decode("latin-1")
    name, colon, own_port = host.rpartition(":")
    if colon and own_port.isdecimal():
        host, port = name, own_port
    if not host:
        return None
    return host, int(port) if port.isdecimal() else 443 if scheme == "https" else 80


def _name(name: str) -> bytes:
    return _bytes(name.lower())


def _bytes(text: str) -> bytes:
    """What *text* was before it was put into JSON: a byte for each character, where that can be."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()
