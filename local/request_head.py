"""What the head of every request must be, before anyone asks for whom it is.

What hop this is: `viewer -> front, aws_endpoint -> [request_head]`.

What the real service does: refuses what HTTP says must be refused. That is a request with no host or two, or with one
that is no host (https://www.rfc-editor.org/rfc/rfc9112#section-3.2), and a version that is spoken otherwise
(https://www.rfc-editor.org/rfc/rfc9110#section-15.6.6).

What differs here, on purpose:
1. `OPTIONS *`, which asks a server about itself, is refused too: behind one port there are many;
2. the answers are in our own words, as AWS documents none.
"""

from __future__ import annotations

import re
from itertools import chain

from local.asgi import Scope, Send, respond

# A name, or an address of IPv6 in brackets, and a port: no user, no path, no list.
MAX_HOST_BYTES = len(":65535") + 255  # https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4
_HOST = re.compile(rb"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")


class BadHeadError(Exception):
    """A request that nobody may get; *status* is the answer, the text its reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def host_of(scope: Scope) -> str:
    """The host that the request is for, as it was sent; "" where HTTP/1.0 names none. Raises `BadHeadError`."""
    if scope["http_version"] not in ("1.1", "1.0"):
        raise BadHeadError(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here")
    if not scope["raw_path"].startswith(b"/"):
        raise BadHeadError(400, "The target of a request is a path that begins with a slash")
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if not hosts and scope["http_version"] == "1.0":
        return ""
    if len(hosts) != 1:
        raise BadHeadError(400, f"A request has one Host header, not {len(hosts)}")
    if len(hosts[0]) > MAX_HOST_BYTES or not _HOST.fullmatch(hosts[0]):
        raise BadHeadError(400, "The Host header names no host")
    return str(hosts[0].decode("ascii"))


def head_bytes(scope: Scope) -> int:
    """How long the request is without its body: request line, headers, and the empty line behind them."""
    query = scope["query_string"]
    line = len(scope["method"]) + len(scope["raw_path"]) + len(query) + bool(query) + len("  HTTP/1.1\r\n")
    headers = scope["headers"]
    return line + sum(map(len, chain.from_iterable(headers))) + len(": \r\n") * len(headers) + len("\r\n")


async def refuse(send: Send, error: BadHeadError) -> None:
    """Answer *error*; whatever else comes on the connection is not read."""
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await respond(send, error.status, headers=headers, body=f"{error.reason}.\n".encode())
