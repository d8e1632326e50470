"""The prelude of an HTTP integration response: status, headers and cookies before the body.

What hop this is: `runtime_server -> invocation -> [prelude] -> function_url`.

What the real service does: a reply of type `application/vnd.awslambda.http-integration-response` begins with JSON,
then exactly eight NUL bytes, then the body
(https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html). Nothing is promised
about how these are cut into chunks, so the parser takes them in any pieces.

What differs here, on purpose:
1. the delimiter must come within the first 16 KiB, which is documented for API Gateway; for function URLs no limit is
   documented.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache

from local.wire.headers import Header, HeaderError, encode_header

CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"
DELIMITER = b"\0" * 8
MAX_BYTES = 16 * 1024
_REMEMBERED = 64  # preludes: a function mostly sends the same one again


class PreludeError(ValueError):
    """The reply does not begin with a prelude; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Prelude:
    """Status and headers of the reply; each cookie is a `set-cookie` header of its own."""

    status: int
    headers: tuple[Header, ...]


class PreludeParser:
    """Collects chunks until the prelude is whole."""

    def __init__(self) -> None:
        self._seen = b""

    def feed(self, data: bytes) -> tuple[Prelude, bytes] | None:
        """The prelude and the body bytes behind it, once they are there; None before. Raises `PreludeError`."""
        start = max(0, len(self._seen) - len(DELIMITER) + 1)
        self._seen += data
        end = self._seen.find(DELIMITER, start)
        # Not found yet: all but the last byte of one may be there.
        if (end if end >= 0 else len(self._seen) - len(DELIMITER) + 1) > MAX_BYTES:
            raise PreludeError(f"no prelude delimiter (8 NUL bytes) within the first {MAX_BYTES} bytes of the reply")
        if end < 0:
            return None
        return parse(self._seen[:end]), self._seen[end + len(DELIMITER) :]

    @property
    def empty(self) -> bool:
        """Whether nothing has come yet."""
        return not self._seen

    def unfinished(self) -> PreludeError:
        """What to raise when the reply is over and no prelude has come."""
        return PreludeError(f"the reply ended after {len(self._seen)} bytes without a prelude delimiter (8 NUL bytes)")


@lru_cache(maxsize=_REMEMBERED)
def parse(document: bytes) -> Prelude:
    """The prelude that *document*, JSON, describes. Raises `PreludeError`."""
    try:
        fields = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise PreludeError(f"the prelude is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise PreludeError(f"the prelude is a JSON {type(fields).__name__}, not an object")
    try:
        return Prelude(_status(fields.get("statusCode", 200)), tuple(headers_of(fields)))
    except HeaderError as error:
        raise PreludeError(str(error)) from error


def headers_of(fields: dict[str, object]) -> list[Header]:
    """The headers that `headers`, `multiValueHeaders` and `cookies` of a reply stand for.

    Raises `HeaderError` for what cannot be a header.
    """
    result = [encode_header(name, value) for name, value in _mapping(fields, "headers").items()]
    for name, values in _mapping(fields, "multiValueHeaders").items():
        if not isinstance(values, list):
            raise HeaderError(f"multiValueHeaders: {name} must be a list")
        result += [encode_header(name, value) for value in values]
    cookies = fields.get("cookies") or []
    if not isinstance(cookies, list):
        raise HeaderError("cookies must be a list")
    return result + [encode_header("set-cookie", cookie) for cookie in cookies]


def _mapping(fields: dict[str, object], name: str) -> dict[str, object]:
    value = fields.get(name) or {}
    if not isinstance(value, dict):
        raise HeaderError(f"{name} must be an object")
    return value


def _status(value: object) -> int:
    # Below 200 a status only announces another one: https://www.rfc-editor.org/rfc/rfc9110#section-15.2
    if isinstance(value, bool) or not isinstance(value, int) or not 200 <= value <= 599:
        raise HeaderError(f"statusCode must be a whole number from 200 to 599, not {value!r}")
    return value
