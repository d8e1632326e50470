"""Calls of the story function: what goes in, and how the tests read what comes out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
from httpx_sse import EventSource, ServerSentEvent

if TYPE_CHECKING:
    from lambda_runtime.response import Response

STREAM_HEADERS = {
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
    "x-environment": "warm",
}


def ask(
    query: dict[str, str] | None = None,
    *,
    method: str = "GET",
    path: str = "/sse",
    last_event_id: str | None = None,
) -> dict[str, Any]:
    """A function URL event with what the function reads of it."""
    return {
        "rawPath": path,
        "headers": {} if last_event_id is None else {"last-event-id": last_event_id},
        "queryStringParameters": query or {},
        "requestContext": {"http": {"method": method}},
    }


def chunks(response: Response) -> list[bytes]:
    return [response.body] if isinstance(response.body, bytes) else list(response.body)


def read(body: list[bytes]) -> list[ServerSentEvent]:
    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=b"".join(body))
    return list(EventSource(response).iter_sse())


def problem(response: Response) -> dict[str, Any]:
    """The body of a refusal, whose headers must be right."""
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    (body,) = chunks(response)
    document = json.loads(body)
    assert document["type"] == "about:blank"
    assert document["status"] == response.status_code
    return document
