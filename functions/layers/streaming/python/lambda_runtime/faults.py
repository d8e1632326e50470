"""What went wrong, in the forms that the Runtime API, the log and X-Ray want.

What this is: `handler or loop -> exception -> [faults] -> client (document, trailers) and log`.

What the real service does: the error document is `{errorMessage, errorType, requestId, stackTrace}` and the log line
keeps a traceback in one log event by separating its lines with carriage returns, both as AWS's Python client writes
them. Error trailers carry the document in base64, since raw JSON lines would break the framing
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming).
"""

from __future__ import annotations

import json
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

MAX_HEADER_BYTES = 1024 * 1024  # past this, AWS's clients leave the X-Ray cause out
_PACKAGE = os.path.dirname(__file__)


class Fault(Exception):
    """A failure with the error type and message that the caller of the function will see.

    *frames* are `(file, line, function, source)`; *trace* is formatted text and wins over them.
    """

    def __init__(
        self,
        error_type: str,
        message: str,
        trace: list[str] | None = None,
        *,
        frames: list[tuple[str, int, str, str]] | None = None,
    ) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.frames = frames or []
        self.trace = trace if trace is not None else [_format(frame) for frame in self.frames]

    @classmethod
    def of(cls, error: BaseException) -> Fault:
        """The fault that *error* amounts to; a `Fault` is itself."""
        if isinstance(error, Fault):
            return error
        return cls(type(error).__name__, str(error), frames=_frames(error.__traceback__))

    def document(self, request_id: str = "") -> bytes:
        """The body of a POST to `/error` or `/init/error`."""
        return json.dumps(self._document(request_id)).encode()

    def trailer(self, request_id: str) -> bytes:
        """The value of the `Lambda-Runtime-Function-Error-Body` trailer: the document in base64."""
        import binascii  # only a failing stream needs it

        return binascii.b2a_base64(self.document(request_id), newline=False)

    def xray_cause(self) -> bytes:
        """The value of the `Lambda-Runtime-Function-XRay-Error-Cause` header; empty when it would be too long."""
        stack = [{"path": path, "line": line, "label": label} for path, line, label, _ in self.frames]
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
            rows = [f"[ERROR] {self.error_type}: {self.message}", "Traceback (most recent call last):"]
            rows += [_hard_indent(row) for entry in self.trace for row in entry.splitlines()]
            line = "\r".join(rows)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def _document(self, request_id: str) -> dict[str, object]:
        return {
            "errorMessage": self.message,
            "errorType": self.error_type,
            "requestId": request_id,
            "stackTrace": self.trace,
        }


def _frames(traceback: TracebackType | None) -> list[tuple[str, int, str, str]]:
    """The traceback's frames from the function's own code on; the runtime's own frames say nothing to its author."""
    import linecache  # only a failing invocation needs it

    frames = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        source = linecache.getline(code.co_filename, traceback.tb_lineno).strip()
        frames.append((code.co_filename, traceback.tb_lineno, code.co_name, source))
        traceback = traceback.tb_next
    outside = (i for i, frame in enumerate(frames) if not frame[0].startswith((_PACKAGE, "<frozen importlib")))
    return frames[next(outside, 0) :]


def _format(frame: tuple[str, int, str, str]) -> str:
    path, line, label, source = frame
    return f'  File "{path}", line {line}, in {label}\n' + (f"    {source}\n" if source else "")


def _hard_indent(row: str) -> str:
    """Indentation as no-break spaces: the log viewer would strip plain ones."""
    text = row.lstrip(" ")
    return "\u00a0" * (len(row) - len(text)) + text
