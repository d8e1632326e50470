"""What the answers to all ways of invoking have in common.

What hop this is: `caller <- [answer] <- invoke, response_stream, event_queue`.

What the real service does: names request, trace and version in headers; adds the end of the log when asked for, 4 KB in
base64 (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_ResponseSyntax); lets the function run
on when the caller closes its connection.
"""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from local.asgi import Receive, Send
from local.invocation import Invocation
from local.invoke_api.target import LATEST
from local.wire.headers import Header


async def whole_reply(invocation: Invocation) -> tuple[str, bytes]:
    """Content type and body of the reply. Raises as `Invocation.started` and `ReplyBuffer.read` do."""
    content_type, payload = await invocation.started(), bytearray()
    while (data := await invocation.reply.read()) is not None:
        payload += data
    return content_type, bytes(payload)


def headers_of(invocation: Invocation, content_type: str) -> list[Header]:
    """The headers of an answer whose body is of *content_type*."""
    return [
        (b"content-type", content_type.encode("latin-1")),
        (b"x-amzn-requestid", invocation.request_id.encode()),
        (b"x-amzn-trace-id", invocation.trace_id.encode()),
        (b"x-amz-executed-version", LATEST.encode()),
    ]


async def log_result(invocation: Invocation) -> str:
    """The end of the log, once the REPORT line is in it; "" for a caller who did not ask."""
    if invocation.log_tail is None:
        return ""
    await invocation.completed.wait()
    return base64.b64encode(invocation.log_tail.read()).decode()


async def answer_dry_run(send: Send) -> None:
    """The request could be served; a 204 has neither a body nor its length."""
    headers = [(b"x-amzn-requestid", str(uuid.uuid4()).encode())]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


@asynccontextmanager
async def abandoned_when_caller_leaves(receive: Receive, invocation: Invocation) -> AsyncIterator[None]:
    """Meanwhile, look out for a caller that closes its connection; the function runs on without it."""

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        invocation.abandon()

    watcher = asyncio.get_running_loop().create_task(watch())
    try:
        yield
    finally:
        watcher.cancel()
