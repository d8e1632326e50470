"""The root logger of a function that uses `logging`, in Lambda's two formats.

What this is: `handler -> logging -> [logs] -> standard output -> log stream`; `logging_hook` installs it.

What the real service does: the managed runtime gives the root logger one handler that writes
`[LEVEL]<tab>time<tab>request id<tab>message` in UTC, or a JSON object a record when the function's log format is JSON
(https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html). It writes to a channel that keeps the lines of a
record together, which is not documented.

What differs here, on purpose:
1. the lines of a text record are separated by carriage returns, as AWS's client itself separates those of an error that
   it writes to standard output: a traceback stays one log event;
2. a record that cannot be formatted (its arguments do not fit) is told on standard error, as `logging` does elsewhere,
   and raises nothing in the function that logs.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import traceback
from typing import TYPE_CHECKING

from lambda_runtime.faults import text_of
from lambda_runtime.trace import Trace

if TYPE_CHECKING:
    from lambda_runtime.logging_hook import LoggingHook

_OWN_FIELDS = {*vars(logging.makeLogRecord({})), "message", "asctime", "aws_request_id"}  # of every record


class RootLog(logging.Handler):
    """Writes records to standard output, each with the request id that *current* has at that moment."""

    def __init__(self, current: LoggingHook) -> None:
        super().__init__()
        self._current = current

    @classmethod
    def install(cls, current: LoggingHook) -> None:
        """Put a handler on the root logger, and give that the level of `AWS_LAMBDA_LOG_LEVEL` if there is one."""
        handler = cls(current)
        is_json = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
        handler.setFormatter(JsonFormatter() if is_json else TextFormatter())
        root = logging.getLogger()
        root.addHandler(handler)
        name = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
        level = {"TRACE": "DEBUG", "FATAL": "CRITICAL"}.get(name, name)
        if level in logging.getLevelNamesMapping():
            root.setLevel(level)

    def emit(self, record: logging.LogRecord) -> None:
        """Write *record*, or on standard error what is wrong with it."""
        record.aws_request_id = self._current.request_id
        try:
            sys.stdout.write(self.format(record) + "\n")
            sys.stdout.flush()
        except Exception:  # noqa: BLE001 - as the handlers of `logging` do it
            self.handleError(record)


class TextFormatter(logging.Formatter):
    """`[INFO]<tab>2026-01-31T12:00:00.000Z<tab>request id<tab>message`."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__(
            "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S"
        )

    def format(self, record: logging.LogRecord) -> str:
        """*record* as one log event."""
        return super().format(record).replace("\r\n", "\n").replace("\n", "\r")


class JsonFormatter(logging.Formatter):
    """One JSON object a record, with the keys of the managed runtime and those that `extra` of a logging call adds."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        is_object = isinstance(record.msg, dict) and not record.args
        entry: dict[str, object] = {
            "timestamp": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
            "level": record.levelname,
            "message": record.msg if is_object else record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info and record.exc_info[0]:
            kind, error, trace = record.exc_info
            calls = [*traceback.format_tb(trace), *(Trace(error).reasons() if error else [])]
            entry |= {"stackTrace": calls, "errorType": kind.__name__, "errorMessage": text_of(error)}
            entry["location"] = f"{record.pathname}:{record.funcName}:{record.lineno}"
        entry["requestId"] = getattr(record, "aws_request_id", "")
        extra = {name: value for name, value in vars(record).items() if name not in _OWN_FIELDS and value is not None}
        return json.dumps(entry | extra | entry, default=str, ensure_ascii=False)
