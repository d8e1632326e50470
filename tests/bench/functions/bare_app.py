"""An ASGI application with nothing around it; uvicorn serves it directly, and `asgi_handler` on Lambda."""

from __future__ import annotations

from events import CONTENT_TYPE, asked, told_async


async def app(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
    """The events that the query asks for, each in a message of its own."""
    if scope["type"] != "http":
        raise ValueError(f"{scope['type']} is not spoken here")
    headers = [(b"content-type", CONTENT_TYPE.encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    async for event in told_async(asked(scope["query_string"].decode())):
        await send({"type": "http.response.body", "body": event.encode(), "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
