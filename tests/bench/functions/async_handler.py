"""The same as an asynchronous handler."""

from __future__ import annotations

from events import CONTENT_TYPE, Asked, told_async
from lambda_runtime.response import Response


async def handler(event: dict[str, object], context: object) -> Response:
    """The events that the query asks for."""
    query = event.get("queryStringParameters") or {}
    return Response(told_async(Asked(query)), headers={"content-type": CONTENT_TYPE})
