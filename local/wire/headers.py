"""HTTP header fields: which may pass a hop, and which a function may not set.

What hop this is: a codec between `function_url` and the viewer's side.

What the real service does: headers that belong to one connection do not travel on
(https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1); a function URL renames some that a function sets to
`x-amzn-remapped-...` (AWS publishes no list for function URLs; `content-length`, in a streamed reply, and
`www-authenticate` were observed).
"""

from __future__ import annotations

import re

Header = tuple[bytes, bytes]

HOP_BY_HOP = frozenset(
    [b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"]
)
REMAPPED = frozenset([b"content-length", b"www-authenticate", b"date", b"server"])

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(r"[\0-\x08\x0a-\x1f\x7f]")  # all but the tab


class HeaderError(ValueError):
    """A name or value that cannot be a header field."""


def encode_header(name: str, value: object) -> Header:
    """One field as bytes, its name in lower case. Raises `HeaderError`, so that no line break gets onto the wire."""
    if not _NAME.fullmatch(name):
        raise HeaderError(f"{name!r} is not a header name")
    if isinstance(value, bool):
        value = str(value).lower()
    if not isinstance(value, (str, int, float)):
        raise HeaderError(f"the value of header {name} must be a string, not {type(value).__name__}")
    text = str(value).strip(" \t")
    if _CONTROL.search(text):
        raise HeaderError(f"the value of header {name} has a control character")
    try:
        return name.lower().encode(), text.encode()
    except UnicodeEncodeError as error:
        raise HeaderError(f"the value of header {name} has half a surrogate pair") from error


def leaving_function(headers: tuple[Header, ...] | list[Header]) -> list[Header]:
    """The headers a function's reply keeps behind its URL: without those of a connection, some of them renamed."""
    return [
        (b"x-amzn-remapped-" + name if name in REMAPPED else name, value)
        for name, value in headers
        if name not in HOP_BY_HOP
    ]
