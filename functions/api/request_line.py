"""The request line, made what the routes behind it understand.

What this is: `Mangum -> [request line] -> FastAPI`: an ASGI application around another.

What the real service does that we follow: a function URL joins repeated query fields with a comma
(https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads). The story function reads them so;
here, where FastAPI would silently take the last one, they are joined too, and refused in the same words.
HEAD is GET without the body (https://www.rfc-editor.org/rfc/rfc9110#name-head), for every route at once.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class RequestLine:
    """*app*, for whom every field comes once and no request is a HEAD."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "query_string": joined(scope["query_string"])}
            if scope["method"] == "HEAD":
                scope, send = {**scope, "method": "GET"}, _without_body(send)
        await self._app(scope, receive, send)


def joined(query_string: bytes) -> bytes:
    """The query string with each field once, the values of repeated ones joined with a comma."""
    fields: dict[str, str] = {}
    for name, value in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True):
        fields[name] = f"{fields[name]},{value}" if name in fields else value
    return urlencode(fields).encode("latin-1")


def _without_body(send: Send) -> Send:
    async def send_without_body(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return send_without_body
