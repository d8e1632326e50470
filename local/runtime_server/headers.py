"""What an event and a reply carry beside their bodies: headers to fields, and back.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html; `Lambda-Runtime-Invocation-Id` is in AWS's clients only.
"""

from __future__ import annotations

from local.http1.request_reader import RequestHead
from local.invocation import Invocation
from local.runtime_api import ReplyRequest
from local.wire.headers import Header


def reply_request(head: RequestHead, request_id: str = "") -> ReplyRequest:
    """The head of a POST that answers the invocation *request_id*, or none."""
    value = dict(head.headers).get
    return ReplyRequest(
        request_id,
        invocation_id=value(b"lambda-runtime-invocation-id", b"").decode("latin-1"),
        content_type=value(b"content-type", b"").decode("latin-1"),
        response_mode=value(b"lambda-runtime-function-response-mode", b"").decode("latin-1"),
        error_type=value(b"lambda-runtime-function-error-type", b"").decode("latin-1"),
    )


def invocation_headers(invocation: Invocation) -> list[Header]:
    """What comes with the event of *invocation*."""
    fields = {
        b"Lambda-Runtime-Aws-Request-Id": invocation.request_id,
        b"Lambda-Runtime-Invocation-Id": invocation.invocation_id,
        b"Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
        b"Lambda-Runtime-Invoked-Function-Arn": invocation.invoked_arn,
        b"Lambda-Runtime-Trace-Id": invocation.trace_id,
        b"Lambda-Runtime-Client-Context": invocation.client_context,
    }
    return [(name, value.encode()) for name, value in fields.items() if value]
