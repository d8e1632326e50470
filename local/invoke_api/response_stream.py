"""InvokeWithResponseStream: the reply, piece by piece while the function makes it.

What hop this is: `aws_endpoint -> [response_stream] -> dispatcher, invocation`.

What the real service does (https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html): answers
200 with an Amazon event stream of PayloadChunk events and one InvokeComplete, which tells of an error; `Content-Type`
is that of the data in it. How the function's chunks are cut into events is not promised.

What differs here, on purpose:
1. a function that fails before the first byte has an InvokeComplete and nothing else; what AWS sends then, and what it
   puts into ErrorCode and ErrorDetails, is not documented: here they are the error's type and its JSON document;
2. an HTTP integration response is passed on as it is, prelude and NULs included.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import suppress

from local.asgi import Receive, Scope, Send, stream
from local.config import Account
from local.dispatcher import Dispatcher
from local.invocation import CallerLeftError, FunctionError, Invocation
from local.invoke_api.answer import abandoned_when_caller_leaves, answer_dry_run, headers_of, log_result
from local.invoke_api.call import read_call
from local.wire.amazon_eventstream import event

TYPES = ("RequestResponse", "DryRun")
_BYTES = "application/octet-stream"


class InvokeWithResponseStream:
    """ASGI: `POST /2021-11-15/functions/{name}/response-streaming-invocations`."""

    def __init__(self, account: Account, dispatcher: Dispatcher) -> None:
        self._account = account
        self._dispatcher = dispatcher

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = await read_call(self._account, scope, receive, types=TYPES)
        if call.invocation_type == "DryRun":
            await answer_dry_run(send)
            return
        invocation = call.begin(self._dispatcher, streamed=True)
        async with abandoned_when_caller_leaves(receive, invocation):
            with suppress(CallerLeftError):
                headers = headers_of(invocation, await _content_type(invocation))
                await stream(send, 200, headers=headers, chunks=_frames(invocation))


async def _content_type(invocation: Invocation) -> str:
    try:
        return await invocation.started() or _BYTES
    except FunctionError:
        return _BYTES


async def _frames(invocation: Invocation) -> AsyncIterator[bytes]:
    """One for each piece that is there, and one for the end; each waits until the caller has taken the one before."""
    complete = {}
    try:
        await invocation.started()
        while (data := await invocation.reply.read()) is not None:
            if data:
                yield event("PayloadChunk", data, content_type=_BYTES)
    except FunctionError as error:
        details = error.failure.document.decode(errors="replace")
        complete = {"ErrorCode": error.failure.error_type, "ErrorDetails": details}
    if log := await log_result(invocation):
        complete["LogResult"] = log
    yield event("InvokeComplete", json.dumps(complete).encode(), content_type="application/json")
