"""The Runtime API of one domain: which request is allowed when, and what it does. No bytes, no sockets.

What hop this is: `worker -> runtime_server -> [runtime_api] -> domain, invocation`.

What the real service does (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html; states, order of checks and
error bodies as in AWS's own runtime interface emulator, `internal/lambda/rapi`): a request id is checked before the
state is; a request that the state does not allow gets a 403 and changes nothing.

What differs here, on purpose:
1. a reply that echoes the invocation id of an earlier invocation gets a 410, as AWS's clients of 2026 expect; AWS's
   emulator of January 2026 does not know the header;
2. a reply with an unknown response mode, or one that is truncated, counts as sent; AWS's emulator refuses the `next`
   after it for good.
"""

from __future__ import annotations

import base64
import enum
import json
from collections.abc import Callable
from typing import NamedTuple

from local.environment.domain import Domain
from local.invocation import Failure, Invocation

MAX_BUFFERED_BYTES = 6 * 1024 * 1024 + 100
MAX_STREAMED_BYTES = 200 * 1024 * 1024
MAX_DOCUMENT_BYTES = 6 * 1024 * 1024


class State(enum.Enum):
    """AWS's names of what a runtime may be doing."""

    STARTED = "Started"
    INIT_ERROR = "InitError"
    RESTORING = "Restoring"
    RESTORE_ERROR = "RuntimeRestoreErrorState"
    READY = "Ready"
    RUNNING = "Running"
    INVOCATION_RESPONSE = "InvocationResponse"
    INVOCATION_ERROR_RESPONSE = "InvocationErrorResponse"
    RESPONSE_SENT = "RuntimeResponseSentState"


_TRANSITIONS: dict[State, tuple[State, ...]] = {
    State.STARTED: (State.READY, State.INIT_ERROR, State.RESTORING),
    State.INIT_ERROR: (),
    State.RESTORING: (State.READY, State.RESTORE_ERROR),
    State.RESTORE_ERROR: (),
    State.READY: (State.READY, State.RUNNING),
    State.RUNNING: (State.RUNNING, State.INVOCATION_RESPONSE, State.INVOCATION_ERROR_RESPONSE),
    State.INVOCATION_RESPONSE: (State.RESPONSE_SENT,),
    State.INVOCATION_ERROR_RESPONSE: (State.RESPONSE_SENT,),
    State.RESPONSE_SENT: (State.READY,),
}


class RefusedError(Exception):
    """A request that is not allowed; the fields are the answer."""

    def __init__(self, status: int, error_type: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = json.dumps({"errorMessage": message, "errorType": error_type}, separators=(",", ":")).encode()


class ReplyRequest(NamedTuple):
    """The head of a POST that answers an invocation; empty strings for headers that are not there."""

    request_id: str
    invocation_id: str = ""
    content_type: str = ""
    response_mode: str = ""
    error_type: str = ""


Answer = Callable[[Invocation], None]


class RuntimeApi:
    """What one domain's runtime may ask for. Methods raise `RefusedError`."""

    def __init__(self, domain: Domain) -> None:
        self.state = State.RESTORING if domain.restored else State.STARTED
        self._domain = domain
        self._invocation: Invocation | None = None

    @property
    def replying(self) -> bool:
        """Whether a reply is coming in."""
        return self.state is State.INVOCATION_RESPONSE

    def next(self, answer: Answer) -> Callable[[], None]:
        """Call *answer* with the next event, at the moment when there is one; what is returned withdraws the question.

        While an event is being worked on that is the same event again, as AWS does it.
        """
        if self.state is State.RUNNING and self._invocation:
            answer(self._invocation)
            return _nothing
        if self.state is not State.READY:
            self._move(State.READY)
            self._invocation = None
            self._domain.ready()

        def run(invocation: Invocation) -> None:
            self._invocation = invocation
            self._move(State.RUNNING)
            answer(invocation)

        return self._domain.take(run)

    def begin_response(self, reply: ReplyRequest) -> Reply:
        """A reply comes in; its body goes to what this returns."""
        invocation = self._checked(reply)
        self._move(State.INVOCATION_RESPONSE)
        if reply.response_mode not in ("", "streaming"):
            message = "Invalid function response mode"
            self._move(State.RESPONSE_SENT)
            invocation.end_reply(Failure.of("Runtime.InvalidResponseModeHeader", message))
            raise RefusedError(400, "InvalidFunctionResponseMode", message)
        return Reply(self, invocation, content_type=reply.content_type)

    def begin_error(self, reply: ReplyRequest) -> ErrorReply:
        """The handler failed before its reply began; the document about it goes to what this returns."""
        invocation = self._checked(reply)
        self._move(State.INVOCATION_ERROR_RESPONSE)
        return ErrorReply(self, invocation, reply.error_type or "Runtime.Unknown")

    def init_error(self, error_type: str, document: bytes) -> None:
        """The runtime could not initialize."""
        self._move(State.INIT_ERROR)
        self._domain.init_failed(Failure(error_type or "Runtime.Unknown", document))

    def restore_next(self) -> None:
        """The runtime has initialized and may be saved; it goes on at once, as if it had been restored."""
        self._move(State.RESTORING)
        self._domain.restoring()

    def restore_error(self, error_type: str, document: bytes) -> None:
        """The runtime cannot go on after it was restored."""
        self._move(State.RESTORE_ERROR)
        self._domain.init_failed(Failure(error_type or "Runtime.Unknown", document))

    def response_ended(self) -> None:
        """The reply has been read, whole or not; called by `Reply` and `ErrorReply`."""
        self._move(State.RESPONSE_SENT)

    def _checked(self, reply: ReplyRequest) -> Invocation:
        invocation = self._invocation
        if reply.invocation_id not in ("", invocation.invocation_id if invocation else ""):
            raise RefusedError(410, "InvokeTimeout", "Invoke timeout")
        if invocation is None or reply.request_id != invocation.request_id:
            raise RefusedError(400, "InvalidRequestID", "Invalid request ID")
        return invocation

    def _move(self, to: State) -> None:
        if to not in _TRANSITIONS[self.state]:
            message = (
                f"State transition from {self.state.value} to {to.value} failed for runtime. "
                "Error: State transition is not allowed"
            )
            raise RefusedError(403, "InvalidStateTransition", message)
        self.state = to


class Reply:
    """The body of one reply while it comes in."""

    def __init__(self, api: RuntimeApi, invocation: Invocation, *, content_type: str) -> None:
        self.buffer = invocation.reply
        self._api = api
        self._invocation = invocation
        self._content_type = content_type
        # What the caller can take decides, as in AWS's emulator; the mode that the runtime names does not.
        self._limit = MAX_STREAMED_BYTES if invocation.streamed else MAX_BUFFERED_BYTES
        self._begun = False

    def write(self, data: bytes, *, last: bool = False) -> None:
        """Take a piece of the body; the *last* one goes out with the end, of which the very next call must tell.

        Raises `RefusedError` past the size limit; the reply is cut there.
        """
        total = self.buffer.total_bytes + len(data)
        if total > self._limit:
            size = f"Response payload size ({total} bytes)"
            limit = f"maximum allowed payload size ({self._limit} bytes)."
            self._end(Failure.of("Function.ResponseSizeTooLarge", f"{size} exceeded {limit}"))
            raise RefusedError(413, "RequestEntityTooLarge", f"Exceeded {limit}")
        self.buffer.corked = last or not self._begun  # who waits for the reply to begin is to hear of both at once
        self.buffer.write(data)
        if not self._begun:
            self.buffer.corked = last
            self._begin()

    def end(self, error_type: str, error_body: str) -> None:
        """The body is whole; the two error trailers, where they came, say that the handler failed in the middle."""
        self._begin()
        self._end(Failure(error_type, _decoded(error_body)) if error_type else None)

    def truncated(self) -> None:
        """The connection was lost in the middle of the body."""
        self._end(Failure.of("Runtime.TruncatedResponse", "Response body was truncated"))

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self._invocation.begin_reply(self._content_type)

    def _end(self, failure: Failure | None) -> None:
        self._api.response_ended()
        self._invocation.end_reply(failure)


class ErrorReply:
    """A document about an error that comes in, in the place of a reply."""

    def __init__(self, api: RuntimeApi, invocation: Invocation, error_type: str) -> None:
        self.buffer = invocation.reply  # stays empty
        self._api = api
        self._invocation = invocation
        self._error_type = error_type
        self._document = bytearray()

    def write(self, data: bytes, *, last: bool = False) -> None:
        """Take a piece of it. Raises `RefusedError` past the size limit."""
        self._document += data
        if len(self._document) > MAX_DOCUMENT_BYTES:
            self.truncated()
            raise RefusedError(413, "RequestEntityTooLarge", f"Exceeded {MAX_DOCUMENT_BYTES} bytes")

    def end(self, error_type: str, error_body: str) -> None:
        """It is whole; trailers mean nothing here."""
        self._end(bytes(self._document))

    def truncated(self) -> None:
        """It does not come to its end: that the handler failed is all that is known."""
        self._end(Failure.of(self._error_type, "The error document was truncated").document)

    def _end(self, document: bytes) -> None:
        self._api.response_ended()
        self._invocation.end_reply(Failure(self._error_type, document))


def _nothing() -> None:
    pass


def _decoded(trailer: str) -> bytes:
    try:
        return base64.b64decode(trailer, validate=True)
    except ValueError:  # not base64, or not even ASCII
        return trailer.encode()
