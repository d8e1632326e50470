"""Invoke: one event, one answer.

What hop this is: `aws_endpoint -> [invoke] -> dispatcher, event_queue`.

What the real service does (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html): RequestResponse waits for
the reply and answers 200 also when the function failed, which `X-Amz-Function-Error` tells; Event answers 202 at once;
DryRun checks the request and answers 204.

What differs here, on purpose:
1. a reply that a runtime streams is collected as it is: the caller of an HTTP integration response gets prelude, NULs
   and body; what AWS does with one is not documented.
"""

from __future__ import annotations

from local.asgi import Receive, Scope, Send, respond
from local.config import Account
from local.dispatcher import Dispatcher
from local.invocation import CallerLeftError, FunctionError
from local.invoke_api.answer import (
    abandoned_when_caller_leaves,
    answer_dry_run,
    headers_of,
    log_result,
    whole_reply,
)
from local.invoke_api.call import Call, read_call
from local.invoke_api.event_queue import EventQueue
from local.wire.headers import Header

TYPES = ("RequestResponse", "Event", "DryRun")
_JSON = "application/json"


class Invoke:
    """ASGI: `POST /2015-03-31/functions/{name}/invocations`."""

    def __init__(self, account: Account, dispatcher: Dispatcher, queue: EventQueue) -> None:
        self._account = account
        self._dispatcher = dispatcher
        self._queue = queue

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = await read_call(self._account, scope, receive, types=TYPES)
        if call.invocation_type == "DryRun":
            await answer_dry_run(send)
        elif call.invocation_type == "Event":
            request_id = self._queue.put(call)
            await respond(send, 202, headers=[(b"x-amzn-requestid", request_id.encode())])
        else:
            await self._run(call, receive, send)

    async def _run(self, call: Call, receive: Receive, send: Send) -> None:
        invocation, extra = call.begin(self._dispatcher, streamed=False), list[Header]()
        async with abandoned_when_caller_leaves(receive, invocation):
            try:
                content_type, payload = await whole_reply(invocation)
            except FunctionError as error:
                content_type, payload = _JSON, error.failure.document
                extra.append((b"x-amz-function-error", b"Unhandled"))
            except CallerLeftError:
                return
            if log := await log_result(invocation):
                extra.append((b"x-amz-log-result", log.encode()))
            await respond(send, 200, headers=headers_of(invocation, content_type or _JSON) + extra, body=payload)
