"""The `Cors` property of a function URL: preflights answered, headers added.

What hop this is: part of `function_url`, before and after the function.

What the real service does: answers a preflight at the URL, without invoking the function, and adds the configured
headers to every response (https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html#urls-cors). When the
function sets the same headers, both go out, and a browser refuses the pair.

What differs here, on purpose:
1. the function's own duplicate is passed on too, with a warning in the emulator's output;
2. what a preflight of an origin that is not allowed gets is not documented: here a 200 without CORS headers.
"""

from __future__ import annotations

from collections.abc import Iterable

from local.config import Cors
from local.wire.headers import Header

_PREFIX = b"access-control-"


def is_preflight(method: str, headers: Iterable[Header]) -> bool:
    """Whether the request is a browser's question and not a request for the function."""
    return method == "OPTIONS" and {b"origin", b"access-control-request-method"} <= {name for name, _ in headers}


def preflight_headers(cors: Cors, headers: Iterable[Header]) -> list[Header]:
    """The headers of the answer to a preflight; none when its origin is not allowed."""
    allowed = _origin_headers(cors, headers)
    if not allowed:
        return []
    lists = {b"methods": cors.allow_methods, b"headers": cors.allow_headers}
    answer = [(_PREFIX + b"allow-" + name, ",".join(values).encode()) for name, values in lists.items() if values]
    if cors.max_age_seconds is not None:
        answer.append((_PREFIX + b"max-age", str(cors.max_age_seconds).encode()))
    return [*allowed, *answer]


def response_headers(cors: Cors, headers: Iterable[Header]) -> list[Header]:
    """What is added to the function's response to a request with *headers*."""
    allowed = _origin_headers(cors, headers)
    if allowed and cors.expose_headers:
        return [*allowed, (_PREFIX + b"expose-headers", ",".join(cors.expose_headers).encode())]
    return allowed


def duplicated(ours: Iterable[Header], functions: Iterable[Header]) -> list[str]:
    """The CORS headers that both the URL's configuration and the function set: a browser refuses the response."""
    names = {name for name, _ in ours if name.startswith(_PREFIX)}
    return sorted(name.decode() for name in names & {name for name, _ in functions})


def _origin_headers(cors: Cors, headers: Iterable[Header]) -> list[Header]:
    origin = next((value for name, value in headers if name == b"origin"), None)
    if origin is None or not _allows(cors, origin.decode("latin-1")):
        return []
    anyone = "*" in cors.allow_origins and not cors.allow_credentials
    answer = [(_PREFIX + b"allow-origin", b"*" if anyone else origin)]
    if cors.allow_credentials:
        answer.append((_PREFIX + b"allow-credentials", b"true"))
    return answer if anyone else [*answer, (b"vary", b"Origin")]


def _allows(cors: Cors, origin: str) -> bool:
    return any(allowed in ("*", origin) or _matches(allowed, origin) for allowed in cors.allow_origins)


def _matches(pattern: str, origin: str) -> bool:
    """An allowed origin may have one `*` in it, such as `https://*.example.com`."""
    before, star, after = pattern.partition("*")
    return bool(star) and len(origin) >= len(before + after) and origin.startswith(before) and origin.endswith(after)
