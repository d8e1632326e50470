"""A plain handler: a generator that may block, one event at a time."""

from __future__ import annotations

from events import CONTENT_TYPE, Asked, told
from lambda_runtime.response import Response


def handler(event: dict[str, object], context: object) -> Response:
    """The events that the query asks for."""
    query = event.get("queryStringParameters") or {}
    return Response(told(Asked(query)), headers={"content-type": CONTENT_TYPE})
