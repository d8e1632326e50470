"""FastAPI's own server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import FastAPI, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from events import asked, told_in_fields

app = FastAPI()


@app.get("/{path}", response_class=EventSourceResponse)
async def stream(request: Request) -> AsyncIterator[ServerSentEvent]:
    """The events that the query asks for."""
    async for identifier, data in told_in_fields(asked(request.url.query)):
        yield ServerSentEvent(id=identifier, raw_data=data)
