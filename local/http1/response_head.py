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
_REMEMBERED_NAMES = 512
STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
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
        names, values = [_known(name) for name, _ in headers], [value for _, value in headers]
        if _NOT_A_VALUE.search(b"".join(values)):
            raise ValueError(f"one of {values} is no value of a header field")
        self.length = int(values[names.index(b"content-length")]) if b"content-length" in names else 0
        self.framing = _framing(status, names, is_head=is_head, http_version=http_version)
        self.keep_alive = keep_alive and self.framing is not Framing.UNTIL_CLOSE and not _says_close(names, values)
        lines = list(map(b": ".join, zip(names, values, strict=True)))
        if b"date" not in names:
            lines.append(_date_line(int(time.time())))
        if self.framing is Framing.CHUNKED:
            lines.append(b"transfer-encoding: chunked")
        if not self.keep_alive and b"connection" not in names:
            lines.append(b"connection: close")
        status_line = STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n".encode()
        self.bytes = status_line + b"\r\n".join([*lines, b"", b""])


def _framing(status: int, names: Sequence[bytes], *, is_head: bool, http_version: str) -> Framing:
    if is_head or status in BODYLESS:
        return Framing.NO_BODY
    if b"content-length" in names:
        return Framing.LENGTH
    return Framing.CHUNKED if http_version == "1.1" else Framing.UNTIL_CLOSE


def _says_close(names: Sequence[bytes], values: Sequence[bytes]) -> bool:
    return b"connection" in names and any(
        name == b"connection" and b"close" in value.lower() for name, value in zip(names, values, strict=True)
    )


@lru_cache(maxsize=_REMEMBERED_NAMES)
def _known(name: bytes) -> bytes:
    """The name of a header field in lower case. Raises `ValueError` for what can be none."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a header field")
    return name.lower()


@lru_cache(maxsize=1)
def _date_line(second: int) -> bytes:
    return time.strftime("date: %a, %d %b %Y %H:%M:%S GMT", time.gmtime(second)).encode()
