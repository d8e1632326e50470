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
from typing import NamedTuple

from local.wire.headers import Header

BODYLESS = (204, 304)
_REMEMBERED = 128  # sets of names: an application has few
STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CLOSES = re.compile(rb"connection: .*close", re.I)
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
        names, values = _names(tuple([name for name, _ in headers])), [value for _, value in headers]
        if _NOT_A_VALUE.search(b"".join(values)):
            raise ValueError(f"one of {values} is no value of a header field")
        length_at = names.places.get(b"content-length")
        self.length = int(values[length_at]) if length_at is not None else 0
        if is_head or status in BODYLESS:
            self.framing = Framing.NO_BODY
        elif length_at is not None:
            self.framing = Framing.LENGTH
        else:
            self.framing = Framing.CHUNKED if http_version == "1.1" else Framing.UNTIL_CLOSE
        lines = [name + value for name, value in zip(names.beginnings, values, strict=True)]
        says_close = b"connection" in names.places and any(_CLOSES.match(line) for line in lines)
        self.keep_alive = keep_alive and self.framing is not Framing.UNTIL_CLOSE and not says_close
        if b"date" not in names.places:
            lines.append(_date_line(int(time.time())))
        if self.framing is Framing.CHUNKED:
            lines.append(b"transfer-encoding: chunked")
        if not self.keep_alive and b"connection" not in names.places:
            lines.append(b"connection: close")
        status_line = STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n".encode()
        self.bytes = status_line + b"\r\n".join([*lines, b"", b""])


class _Names(NamedTuple):
    """The names of a response's header fields: where each is for the first time, and how their lines begin."""

    places: dict[bytes, int]
    beginnings: list[bytes]


@lru_cache(maxsize=_REMEMBERED)
def _names(names: tuple[bytes, ...]) -> _Names:
    """Raises `ValueError` for what can be no name."""
    for name in names:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a header field")
    lower = [name.lower() for name in names]
    return _Names({name: lower.index(name) for name in lower}, [name + b": " for name in lower])


@lru_cache(maxsize=1)
def _date_line(second: int) -> bytes:
    return time.strftime("date: %a, %d %b %Y %H:%M:%S GMT", time.gmtime(second)).encode()
