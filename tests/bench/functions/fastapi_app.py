"""FastAPI's `StreamingResponse`; uvicorn serves it directly, and `fastapi_handler` on Lambda."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from events import CONTENT_TYPE, asked, told_async

app = FastAPI()


@app.get("/{path}")
async def stream(request: Request) -> StreamingResponse:
    """The events that the query asks for."""
    return StreamingResponse(told_async(asked(request.url.query)), media_type=CONTENT_TYPE)
