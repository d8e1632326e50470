"""What a caller asks for: which function, with which event, and how.

What hop this is: `aws_endpoint -> [call] -> invoke, response_stream, event_queue`.

What the real service does: the event is the request's body and must be JSON, an empty one counts as `{}`; 6 MB at most,
1 MB where the caller does not wait. The client context is base64 in a header, at most 3,583 bytes of it
(https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html).

What differs here, on purpose:
1. durable executions and tenants do not exist: their headers are not looked at.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import parse_qsl

from local.asgi import Receive, Scope, whole_body
from local.config import Account
from local.dispatcher import Dispatcher, ThrottledError
from local.invocation import Invocation, trace_id_of
from local.invoke_api.refusal import constraint, invalid_content, throttled, too_large
from local.invoke_api.target import Target, find_target
from local.reports import LogTail

MAX_EVENT_BYTES = 6 * 1024 * 1024
MAX_QUEUED_EVENT_BYTES = 1024 * 1024
MAX_CLIENT_CONTEXT_BYTES = 3583


@dataclass(frozen=True, slots=True)
class Call:
    """One request to invoke *target*; *event* and *client_context* are JSON, the latter "" where there is none."""

    target: Target
    event: bytes
    invocation_type: str  # RequestResponse | Event | DryRun
    log_wanted: bool
    client_context: str
    trace_id: str

    def invocation(self, *, streamed: bool, request_id: str = "") -> Invocation:
        """What a dispatcher takes, new for each try."""
        invocation = Invocation(
            self.target.function,
            self.event,
            streamed=streamed,
            trace_id=self.trace_id,
            request_id=request_id,
            invoked_arn=self.target.arn,
            client_context=self.client_context,
        )
        invocation.log_tail = LogTail() if self.log_wanted else None
        return invocation

    def begin(self, dispatcher: Dispatcher, *, streamed: bool) -> Invocation:
        """Invoke the function. Raises `RefusedError` when it is throttled."""
        invocation = self.invocation(streamed=streamed)
        try:
            dispatcher.invoke(invocation)
        except ThrottledError as error:
            raise throttled() from error
        return invocation


async def read_call(account: Account, scope: Scope, receive: Receive, *, types: Sequence[str]) -> Call:
    """The request as a whole; *types* are the invocation types that are served, the first one being the default.

    Raises `RefusedError`, and `DisconnectedError` when the caller leaves before its end.
    """
    target = find_target(account, scope["path_params"]["name"], parameters(scope).get("Qualifier", ""))
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    invocation_type = _one_of(types, headers, "invocationType", b"x-amz-invocation-type")
    log_type = _one_of(("None", "Tail"), headers, "logType", b"x-amz-log-type")
    client_context = _client_context(headers.get(b"x-amz-client-context", ""))
    waits = invocation_type != "Event"  # a log and a client context belong to callers who wait for the reply
    return Call(
        target,
        await _event(scope, receive, MAX_EVENT_BYTES if waits else MAX_QUEUED_EVENT_BYTES),
        invocation_type,
        log_wanted=waits and log_type == "Tail",
        client_context=client_context if waits else "",
        trace_id=trace_id_of(headers.get(b"x-amzn-trace-id", "")),
    )


def parameters(scope: Scope) -> dict[str, str]:
    """The query of the request; of a parameter that is repeated the last value."""
    return dict(parse_qsl(scope["query_string"].decode("latin-1")))


def _one_of(allowed: Sequence[str], headers: Mapping[bytes, str], member: str, header: bytes) -> str:
    value = headers.get(header, allowed[0])
    if value not in allowed:
        raise constraint(member, value, f"satisfy enum value set: [{', '.join(allowed)}]")
    return value


async def _event(scope: Scope, receive: Receive, limit: int) -> bytes:
    event = await whole_body(scope, receive, limit=limit)
    if event is None:
        raise too_large(limit)
    if not event:
        return b"{}"
    try:
        json.loads(event.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise invalid_content(f"Could not parse request body into json: {error}") from error
    return event


def _client_context(encoded: str) -> str:
    """The context as JSON that fits into a header: on one line, in ASCII."""
    if not encoded:
        return ""
    if len(encoded) > MAX_CLIENT_CONTEXT_BYTES:
        raise invalid_content(f"Client context must have at most {MAX_CLIENT_CONTEXT_BYTES} bytes of base64.")
    try:
        context = json.loads(base64.b64decode(encoded, validate=True).decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        context = None
    if not isinstance(context, dict):
        raise invalid_content("Client context must be a valid Base64-encoded JSON object.")
    return json.dumps(context, separators=(",", ":"))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")  # Python takes NaN and Infinity for it
