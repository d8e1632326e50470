"""What every hop of the emulator has in common: it is an ASGI 3 callable that passes HTTP on.

What hop this is: none; it is the types and the manners of all of them. They call each other in one process, so a
`send` that blocks at the viewer's end blocks the hop before it, and so on up to the function: there is no other flow
control.

What is followed: https://asgi.readthedocs.io/en/stable/specs/www.html, and for headers that do not travel on
https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping, Set
from typing import Any, TypeAlias

from local.wire.headers import HOP_BY_HOP, Header

# A scope extension, so that no header of a viewer can forge it: https://asgi.readthedocs.io/en/stable/extensions.html
ORIGIN_ACCESS_CONTROL = "aws.origin_access_control"  # its value: {"source_arn": <the distribution's ARN>}
WHOLE_BODY = "local.whole_body"  # its value: {"body": <bytes>}; there when the request was whole as it began

BODY_SECONDS = 60.0  # for all of a request's body, so that one which never ends does not wait for ever

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Route: TypeAlias = tuple[str, str, ASGIApp]  # method, pattern of the whole path, who answers


class DisconnectedError(Exception):
    """The caller closed its connection before its request was whole."""


class NotMeantError(Exception):
    """A route matches, and the request is not about what is there; nothing of it was read or answered."""


class SlowRequestError(Exception):
    """The caller took too long to send the body of its request."""


def end_to_end(headers: Iterable[Header]) -> list[Header]:
    """The headers that travel on, names in lower case: none of one connection, and none that `Connection` names."""
    passed = [(name.lower(), value) for name, value in headers]
    dropped: Set[bytes] = HOP_BY_HOP
    if lists := [value for name, value in passed if name == b"connection"]:
        dropped = HOP_BY_HOP.union(token.strip().lower() for value in lists for token in value.split(b","))
    return [header for header in passed if header[0] not in dropped]


async def whole_body(scope: Scope, receive: Receive, *, limit: int) -> bytes | None:
    """The request's body; None when it has more than *limit* bytes.

    Raises `DisconnectedError`, and `SlowRequestError` when it is not there after `BODY_SECONDS`.
    """
    if whole := scope.get("extensions", {}).get(WHOLE_BODY):
        return whole["body"] if len(whole["body"]) <= limit else None
    try:
        async with asyncio.timeout(BODY_SECONDS):
            pieces, size, more = [], 0, True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise DisconnectedError
                pieces.append(message.get("body", b""))
                size += len(pieces[-1])
                if size > limit:
                    return None
                more = message.get("more_body", False)
            return b"".join(pieces)
    except TimeoutError as error:
        raise SlowRequestError from error


async def respond(send: Send, status: int, *, headers: Iterable[Header] = (), body: bytes = b"") -> None:
    """Sends a whole response; its `content-length` is added here."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def stream(send: Send, status: int, *, headers: Iterable[Header], chunks: AsyncIterator[bytes]) -> None:
    """Sends a response chunk by chunk, each as soon as it is there and the receiver has room for it."""
    await send({"type": "http.response.start", "status": status, "headers": [*headers]})
    async for chunk in chunks:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
