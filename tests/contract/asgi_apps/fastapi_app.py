"""FastAPI with the three ways to send events that its users know."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import BackgroundTasks, FastAPI, Request
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from gate import steps
from sse_starlette.sse import EventSourceResponse as SseStarletteResponse

from lambda_asgi.streaming import Streaming


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    print("started")
    yield {"visits": []}
    print("shut down", flush=True)


app = FastAPI(lifespan=lifespan)


@app.get("/fastapi-sse", response_class=EventSourceResponse)
async def fastapi_sse() -> AsyncIterator[ServerSentEvent]:
    async for number in steps(3):
        yield ServerSentEvent(data=number, id=str(number))


@app.get("/streaming-response")
async def streaming_response() -> StreamingResponse:
    events = (f"id: {number}\ndata: {number}\n\n" async for number in steps(3))
    return StreamingResponse(events, media_type="text/event-stream")


@app.get("/sse-starlette")
async def sse_starlette() -> SseStarletteResponse:
    return SseStarletteResponse({"data": number, "id": str(number)} async for number in steps(3))


@app.get("/broken")
async def broken() -> StreamingResponse:
    async def events() -> AsyncIterator[str]:
        async for number in steps(2):
            if number == 2:
                raise LookupError("no more")
            yield f"id: {number}\ndata: {number}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


@app.get("/background")
async def background(tasks: BackgroundTasks) -> str:
    async def work() -> None:
        async for _ in steps(1):
            print("background work done", flush=True)

    tasks.add_task(work)
    return "whole"


@app.get("/visits")
async def visits(request: Request) -> tuple[int, int]:
    """The process that answers, and the how many-th visit it answers."""
    request.state.visits.append(request.url.path)
    return os.getpid(), len(request.state.visits)


handler = Streaming(app)
