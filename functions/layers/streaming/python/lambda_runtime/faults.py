"""What went wrong, in the forms that the Runtime API, the log and X-Ray want.

What this is: `handler or loop -> exception -> [faults] -> client (document, trailers) and log`.

What the real service does: the error document is `{errorMessage, errorType, requestId, stackTrace}` and the log line
keeps a traceback in one log event by separating its lines with carriage returns, both as AWS's Python client writes
them. Error trailers carry the document in base64, since raw JSON lines would break the framing
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming). The Runtime API
is a Go server, which takes 4 KiB of trailers in all and for more drops the connection, error and reply with it.

What differs here, on purpose:
1. a stack trace begins with the function's own code and goes on to the causes (see `trace`); one that is too long for
   a document, or a trailer, is cut to its last entries, and then the message to its beginning;
2. what an exception cannot tell (its `__str__` fails, say) does not keep it from being reported.
"""

from __future__ import annotations

import json
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_HEADER_BYTES = 1024 * 1024  # past this, AWS's clients leave the X-Ray cause out
MAX_DOCUMENT_BYTES = 6 * 1024 * 1024  # for a larger one, the Runtime API drops what it would have told
MAX_TRAILER_BYTES = 3 * 1024  # of the 4 KiB that a Go server takes; the names and the error type are in there too
MAX_TYPE_BYTES = 512  # leaves room for the rest of the trailers
_LIBRARY = os.path.dirname(os.__file__)
# What a traceback shows between the loop and the function's own code.
_MACHINERY = (
    f"{os.path.dirname(__file__)}/",
    f"{os.path.dirname(os.path.dirname(__file__))}/lambda_asgi/",
    f"{_LIBRARY}/asyncio/",
    f"{_LIBRARY}/contextlib.py",
    f"{_LIBRARY}/importlib/",
    "<frozen importlib",
)


class Fault(Exception):
    """A failure with the error type and message that the caller of the function will see.

    *trace* is the stack as text, an entry a call or a cause; *frames* are its own calls as `(file, line, function)`.
    """

    def __init__(
        self,
        error_type: str,
        message: str,
        trace: Sequence[str] = (),
        *,
        frames: Sequence[tuple[str, int, str]] = (),
    ) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.trace = list(trace)
        self.frames = frames

    @classmethod
    def of(cls, error: BaseException) -> Fault:
        """The fault that *error* amounts to; a `Fault` is itself."""
        if isinstance(error, Fault):
            return error
        entries, frames = _trace_of(error)
        return cls(_type_of(error), text_of(error), entries, frames=frames)

    def document(self, request_id: str = "") -> bytes:
        """The body of a POST to `/error` or `/init/error`, cut to what the Runtime API takes."""
        return self._cut_to(MAX_DOCUMENT_BYTES, lambda fault: json.dumps(fault._document(request_id)).encode())

    def trailer(self, request_id: str) -> bytes:
        """The value of the `Lambda-Runtime-Function-Error-Body` trailer: the document in base64, cut to what fits."""
        import binascii  # only a failing stream needs it

        return self._cut_to(
            MAX_TRAILER_BYTES, lambda fault: binascii.b2a_base64(fault.document(request_id), newline=False)
        )

    def xray_cause(self) -> bytes:
        """The value of the `Lambda-Runtime-Function-XRay-Error-Cause` header; empty when it would be too long."""
        stack = [{"path": path, "line": line, "label": label} for path, line, label in self.frames]
        cause = {
            "working_directory": os.getcwd(),
            "exceptions": [{"type": self.error_type, "message": self.message, "stack": stack}],
            "paths": sorted({path for path, *_ in self.frames}),
        }
        encoded = json.dumps(cause).encode()
        return encoded if len(encoded) < MAX_HEADER_BYTES else b""

    def log(self, request_id: str = "") -> None:
        """Write the fault to standard output as one log event, in the function's log format."""
        if os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON":
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            record = {"timestamp": now, "level": "ERROR", **self._document(request_id)}
            line = json.dumps(record, ensure_ascii=False)
        else:
            what = f"{self.error_type}: {self.message}" if self.message else self.error_type
            rows = [f"[ERROR] {what}", "Traceback (most recent call last):"]
            rows += [_hard_indent(row) for entry in self.trace for row in entry.splitlines()]
            line = "\r".join(rows)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def _cut_to(self, max_bytes: int, encoded: Callable[[Fault], bytes]) -> bytes:
        """What *encoded* makes of this fault, or of as much of it as gives no more than *max_bytes*."""
        fault = self
        while len(data := encoded(fault)) > max_bytes and (fault.trace or fault.message):
            fault = fault._shortened()
        return data

    def _shortened(self) -> Fault:
        """The same fault with the later half of its trace; without a trace, with the first half of its message."""
        if self.trace:
            return Fault(self.error_type, self.message, self.trace[(len(self.trace) + 1) // 2 :])
        return Fault(self.error_type, self.message[: len(self.message) // 2])

    def _document(self, request_id: str) -> dict[str, object]:
        return {
            "errorMessage": self.message,
            "errorType": self.error_type,
            "requestId": request_id,
            "stackTrace": self.trace,
        }


def text_of(error: BaseException) -> str:
    """What *error* says."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a `__str__` of the function's own
        return "<exception str() failed>"


def _type_of(error: BaseException) -> str:
    """The name of the type of *error* as a header can carry it: a refused report would leave the event unanswered."""
    name = type(error).__name__.encode()[:MAX_TYPE_BYTES].decode(errors="ignore")
    return "".join(filter(str.isprintable, name))


def _trace_of(error: BaseException) -> tuple[list[str], list[tuple[str, int, str]]]:
    try:
        from lambda_runtime.trace import Trace  # only a failing invocation needs it

        trace = Trace(error, machinery=_MACHINERY)
        return trace.entries(), trace.frames
    except Exception as failure:  # noqa: BLE001 - the function has a token.py, say, which is found for the library's own
        return [f"No stack trace: {text_of(failure)}\n"], []


def _hard_indent(row: str) -> str:
    """Indentation as no-break spaces: the log viewer would strip plain ones."""
    text = row.lstrip(" ")
    return "\u00a0" * (len(row) - len(text)) + text
