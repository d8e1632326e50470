"""The Runtime API, one method for each thing a runtime may say.

What this is: `loop, replies -> [client] -> Runtime API at AWS_LAMBDA_RUNTIME_API`.

What the real service does (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html and
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming): the runtime asks
for the next event and waits as long as it takes; it sends its reply as the body of an HTTP *request*, a streamed one
in chunks, with errors that come too late for `/error` in trailers that were announced at the start, and closes the
connection after a streamed reply. `Lambda-Runtime-Invocation-Id`, where the service gives one, is sent back, so that
an answer to a timed-out invocation can be told from an answer to the current one; such a late answer gets a 410.

What differs here, on purpose:
1. a streamed reply uses the connection that brought the event and a new one is opened for the next event: one
   connection for each invocation, and none is opened on the way to the first byte.
"""

from __future__ import annotations

import sys

from lambda_runtime.http1 import Connection, chunk, field_lines, last_chunk, request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lambda_runtime.faults import Fault
    from lambda_runtime.http1 import Fields, Headers

BURST_SECONDS = 0.001  # a chunk that follows another within this time belongs to a burst
MAX_HELD_BYTES = 64 * 1024  # of a burst, before it is sent
_BASE = "/2018-06-01/runtime"
_ERROR_TYPE = b"Lambda-Runtime-Function-Error-Type"
_ERROR_BODY = b"Lambda-Runtime-Function-Error-Body"
_STREAMED = field_lines(
    {
        b"Lambda-Runtime-Function-Response-Mode": b"streaming",
        b"Transfer-Encoding": b"chunked",
        b"Trailer": _ERROR_TYPE + b", " + _ERROR_BODY,
    }
)


class RuntimeApiError(Exception):
    """The Runtime API is gone or in a state it calls non-recoverable: the runtime should exit promptly."""


class ReplyLostError(Exception):
    """A streamed reply did not get through: the Runtime API hung up, as it does when the invocation timed out."""


class Invocation:
    """One event and what came with it; all values as the headers of the answer to `next` gave them."""

    __slots__ = (
        "client_context",
        "cognito_identity",
        "content_type",
        "deadline_ms",
        "event",
        "function_arn",
        "invocation_id",
        "request_id",
        "tenant_id",
        "trace_id",
    )

    def __init__(self, headers: Headers, event: bytes) -> None:
        given = headers.get
        self.event = event
        self.content_type = given("content-type") or "application/json"
        self.request_id = given("lambda-runtime-aws-request-id", "")
        self.invocation_id = given("lambda-runtime-invocation-id", "")
        self.deadline_ms = int(given("lambda-runtime-deadline-ms") or 0)
        self.function_arn = given("lambda-runtime-invoked-function-arn", "")
        self.trace_id = given("lambda-runtime-trace-id", "")
        self.client_context = given("lambda-runtime-client-context", "")
        self.cognito_identity = given("lambda-runtime-cognito-identity", "")
        self.tenant_id = given("lambda-runtime-aws-tenant-id", "")


class Client:
    """Speaks to the Runtime API at *address* (`host:port`)."""

    def __init__(self, address: str) -> None:
        self._connection: Connection | None = None
        self.move(address)

    def move(self, address: str) -> None:
        """Speak to the Runtime API at *address* from now on."""
        self._common = field_lines(
            {
                b"Host": address.encode(),
                b"User-Agent": b"lambda_runtime/0.1 python/%d.%d" % sys.version_info[:2],
            }
        )
        self._address = address
        if self._connection:
            self._connection.close()
            self._connection = None

    def next(self) -> Invocation:
        """Wait for the next event. Raises `RuntimeApiError` when there is no Runtime API to ask any more."""
        status, headers, event = self._get("/invocation/next")
        if status != 200:
            raise RuntimeApiError(f"the Runtime API refused to give an event: {status} {event!r}")
        return Invocation(headers, event)

    def init_error(self, fault: Fault, error_type: str = "") -> None:
        """Report that the handler could not be loaded; *error_type*, where given, says more than that of *fault*."""
        self._post("/init/error", self._error_fields(fault, error_type), fault.document())

    def restore_next(self) -> None:
        """Let a snapshot be taken, and return where it is restored. Raises `RuntimeApiError` when there is none."""
        status, _, answer = self._get("/restore/next")
        if status != 200:
            raise RuntimeApiError(f"the Runtime API refused to take a snapshot: {status} {answer!r}")

    def restore_error(self, fault: Fault, error_type: str) -> None:
        """Report that the environment was not fit for use after its restore."""
        self._post("/restore/error", self._error_fields(fault, error_type), fault.document())

    def invocation_error(self, invocation: Invocation, fault: Fault) -> None:
        """Report that the handler failed; legal only before any of the reply was sent."""
        fields = {**self._error_fields(fault), **_echo(invocation)}
        self._post(f"/invocation/{invocation.request_id}/error", fields, fault.document(invocation.request_id))

    def response(self, invocation: Invocation, body: bytes, content_type: str) -> None:
        """Send the whole reply at once."""
        fields = {b"Content-Type": content_type.encode(), **_echo(invocation)}
        self._post(f"/invocation/{invocation.request_id}/response", fields, body)

    def response_stream(self, invocation: Invocation, content_type: str) -> ResponseStream:
        """Begin a streamed reply; nothing is sent yet."""
        fields = {b"Content-Type": content_type.encode(), **_echo(invocation)}
        head = request(
            "POST",
            f"{_BASE}/invocation/{invocation.request_id}/response",
            self._common + field_lines(fields) + _STREAMED,
        )
        connection, self._connection = self._connection or Connection(self._address), None
        return ResponseStream(connection, head, invocation)

    def _error_fields(self, fault: Fault, error_type: str = "") -> Fields:
        return {
            b"Content-Type": b"application/json",
            _ERROR_TYPE: (error_type or fault.error_type).encode(),
            b"Lambda-Runtime-Function-XRay-Error-Cause": fault.xray_cause(),
        }

    def _get(self, path: str) -> tuple[int, Headers, bytes]:
        return self._asked(request("GET", _BASE + path, self._common))

    def _post(self, path: str, fields: Fields, body: bytes) -> None:
        head = self._common + field_lines({**fields, b"Content-Length": b"%d" % len(body)})
        status, _, answer = self._asked(request("POST", _BASE + path, head, body))
        _check(status, answer)

    def _asked(self, message: bytes) -> tuple[int, Headers, bytes]:
        try:
            return self._exchange(message)
        except OSError as error:
            raise RuntimeApiError(f"the Runtime API at {self._address} is gone: {error}") from error

    def _exchange(self, message: bytes) -> tuple[int, Headers, bytes]:
        """Send *message* and read the answer, on the open connection if there is one."""
        connection, self._connection = self._connection or Connection(self._address), None
        try:
            answer = connection.exchange(message)
        except BaseException:
            connection.close()
            raise
        if connection.reusable:
            self._connection = connection
        else:
            connection.close()
        return answer


class ResponseStream:
    """A streamed reply on its way: the frames of `opening` and `chunk` through *connection*, then `finish`."""

    def __init__(self, connection: Connection, head: bytes, invocation: Invocation) -> None:
        self.connection = connection
        self.loss: ReplyLostError | None = None
        self._head = head
        self._invocation = invocation

    def opening(self, first: bytes) -> bytes:
        """The bytes that begin the reply: the request's head and the *first* chunk."""
        return self._head + chunk(first)

    def lost(self, error: BaseException) -> ReplyLostError:
        """The exception for a frame that *error* kept from being sent whole; closes the connection.

        Nothing may follow half a frame: it would be taken for the missing half.
        """
        reason = self.connection.last_words() if isinstance(error, ConnectionError) else ""
        self.connection.close()
        self.loss = ReplyLostError(reason or str(error) or "it was not taken in time")
        return self.loss

    def finish(self, fault: Fault | None = None, rest: bytes = b"") -> None:
        """End the reply after the *rest* of its frames, with trailers when *fault* cut it short; close the connection.

        Raises `ReplyLostError`, or `RuntimeApiError` after an answer that says so.
        """
        if self.loss:
            raise self.loss
        trailers: dict[bytes, bytes] = {}
        if fault:
            trailers = {
                _ERROR_TYPE: fault.error_type.encode(),
                _ERROR_BODY: fault.trailer(self._invocation.request_id),
            }
        try:
            status, _, answer = self.connection.exchange(rest + last_chunk(trailers))
        except Exception as error:  # whatever it was, a signal handler's exception too: half a frame may be out
            raise ReplyLostError(str(error) or repr(error)) from error
        finally:
            self.connection.close()
        _check(status, answer)


def _echo(invocation: Invocation) -> Fields:
    return {b"Lambda-Runtime-Invocation-Id": invocation.invocation_id.encode()}


def _check(status: int, answer: bytes) -> None:
    """A refused reply is not the end: 410 comes for an invocation that timed out, 413 for a reply that is too large.

    Raises `RuntimeApiError` for a 500, after which the runtime "should exit promptly".
    """
    if status >= 500:
        raise RuntimeApiError(f"the Runtime API calls its state non-recoverable: {status} {answer!r}")
    if status != 202:
        print(f"[WARN] the Runtime API refused the reply: {status} {answer.decode(errors='replace').strip()}")
