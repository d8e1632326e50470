"""sse-starlette in a bare Starlette application."""

from __future__ import annotations

from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from events import asked, told_in_fields


async def stream(request: Request) -> EventSourceResponse:
    """The events that the query asks for; lines end as everybody else's do, so that they can be counted alike."""
    fields = told_in_fields(asked(request.url.query))
    return EventSourceResponse(({"id": identifier, "data": data} async for identifier, data in fields), sep="\n")


app = Starlette(routes=[Route("/{path}", stream)])
