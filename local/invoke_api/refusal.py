"""Requests that are refused, in the words of the Lambda API.

What hop this is: `caller <- [refusal] <- invoke_api`.

What the real service does: the error's name travels in a header, the rest as JSON; whether the text is in `message` or
in `Message` is a matter of the error (https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html).

What differs here, on purpose:
1. the texts that AWS does not document are in our own words.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping

from local.asgi import ASGIApp, DisconnectedError, Receive, Scope, Send, SlowRequestError, respond
from local.wire.headers import Header


class RefusedError(Exception):
    """A request that is not served: *document* is the body, *error_type* the name of the error."""

    def __init__(self, status: int, error_type: str, document: Mapping[str, str], *headers: Header) -> None:
        super().__init__(f"{error_type}: {document}")
        self.status = status
        self.error_type = error_type
        self.document = document
        self.headers = headers


def not_found(message: str) -> RefusedError:
    """There is no such function, or it has no such part."""
    return RefusedError(404, "ResourceNotFoundException", {"Type": "User", "Message": message})


def invalid_parameter(message: str) -> RefusedError:
    """Parameters that do not go together, or a value that means nothing."""
    return RefusedError(400, "InvalidParameterValueException", {"Type": "User", "message": message})


def invalid_content(message: str) -> RefusedError:
    """What should be JSON is none."""
    return RefusedError(400, "InvalidRequestContentException", {"Type": "User", "message": message})


def constraint(member: str, value: str, wanted: str) -> RefusedError:
    """A value that the service's model does not allow."""
    message = f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must "
    return RefusedError(400, "ValidationException", {"message": message + wanted})


def too_large(limit: int) -> RefusedError:
    """An event of more than *limit* bytes."""
    message = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
    return RefusedError(413, "RequestTooLargeException", {"Type": "User", "message": message})


def unserved(method: str, path: str, logical_id: str) -> RefusedError:
    """An operation that is not emulated for a function that runs here."""
    message = f"{method} {path} is not emulated: {logical_id} is what its template says, and is changed there"
    return RefusedError(501, "NotImplementedException", {"Type": "User", "Message": message})


def throttled() -> RefusedError:
    """The function's reserved concurrency is used up."""
    reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
    document = {"Reason": reason, "Type": "User", "message": "Rate Exceeded."}
    return RefusedError(429, "TooManyRequestsException", document, (b"retry-after", b"1"))


def refusing(operation: ASGIApp) -> ASGIApp:
    """*operation*, whose `RefusedError` becomes the answer."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await operation(scope, receive, send)
        except RefusedError as error:
            headers = [
                (b"content-type", b"application/json"),
                (b"x-amzn-requestid", str(uuid.uuid4()).encode()),
                (b"x-amzn-errortype", error.error_type.encode()),
                *error.headers,
            ]
            await respond(send, error.status, headers=headers, body=json.dumps(error.document).encode())
        except DisconnectedError:
            pass
        except SlowRequestError:
            await respond(send, 408, headers=[(b"connection", b"close")])

    return app
