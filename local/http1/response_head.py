"""How a response begins on the wire: the status line, the header fields, and how the end of the body will be known.

What hop this is: part of `http1.exchange`.

What the standard says: https://www.rfc-editor.org/rfc/rfc9112#section-6. A body without a `content-length` comes in
chunks; a client of HTTP/1.0 knows none, and reads until the connection ends.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from http import HTTPStatus

from local.wire.headers import Header

BODYLESS = (204, 304)
STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_NOT_A_NAME = re.compile(rb"[^!#$%&'*+\-.^_`|~0-9A-Za-z]|^$")
_NOT_A_VALUE = re.compile(rb"[\0-\x08\x0a-\x1f\x7f]")


class Framing(Enum):
    """How the other side knows where the body ends."""

    NO_BODY = "no body"
    LENGTH = "content-length"
    CHUNKED = "chunked"
    UNTIL_CLOSE = "until close"


class ResponseHead:
    """The head of a response with *status* and *headers*. Raises `ValueError` for what can be none.

    `keep_alive` says whether the connection can serve another request after it, `length` what `content-length` says.
    """

    def __init__(
        self, status: int, headers: Sequence[Header], *, is_head: bool, http_version: str, keep_alive: bool
    ) -> None:
        names = [name.lower() for name, _ in headers]
        self.length = int(headers[names.index(b"content-length")][1]) if b"content-length" in names else 0
        self.framing = _framing(status, names, is_head=is_head, http_version=http_version)
        self.keep_alive = keep_alive and self.framing is not Framing.UNTIL_CLOSE and not _says_close(headers, names)
        parts = [STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n".encode()]
        for name, (_, value) in zip(names, headers, strict=True):
            if _NOT_A_NAME.search(name) or _NOT_A_VALUE.search(value):
                raise ValueError(f"{name!r}: {value!r} is no header field")
            parts += (name, b": ", value, b"\r\n")
        if b"date" not in names:
            parts.append(_date_line(int(time.time())))
        if self.framing is Framing.CHUNKED:
            parts.append(b"transfer-encoding: chunked\r\n")
        if not self.keep_alive and b"connection" not in names:
            parts.append(b"connection: close\r\n")
        parts.append(b"\r\n")
        self.bytes = b"".join(parts)


def _framing(status: int, names: Sequence[bytes], *, is_head: bool, http_version: str) -> Framing:
    if is_head or status in BODYLESS:
        return Framing.NO_BODY
    if b"content-length" in names:
        return Framing.LENGTH
    return Framing.CHUNKED if http_version == "1.1" else Framing.UNTIL_CLOSE


def _says_close(headers: Sequence[Header], names: Sequence[bytes]) -> bool:
    return b"connection" in names and any(
        name == b"connection" and b"close" in value.lower() for name, (_, value) in zip(names, headers, strict=True)
    )


@lru_cache(maxsize=1)
def _date_line(second: int) -> bytes:
    return time.strftime("date: %a, %d %b %Y %H:%M:%S GMT\r\n", time.gmtime(second)).encode()
