"""Which lines of a function's log are written: its `SystemLogLevel` and `ApplicationLogLevel`.

What hop this is: beside `reports`.

What the real service does: filters the logs of a function whose log format is JSON. Its own events have levels, and so
has what the function prints: the one that it names, when it is a JSON object with a `level` and a time, and else INFO
(https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html).

What differs here, on purpose:
1. `WARNING` and `CRITICAL`, as Python calls them, are levels too, whoever prints them;
2. the events that AWS adds at DEBUG (of an init that went well, and of the runtime's part of an invocation) are not
   written.
"""

from __future__ import annotations

import json
import re

from local.config import Function

_LEVELS = {"TRACE": 0, "DEBUG": 1, "INFO": 2, "WARN": 3, "WARNING": 3, "ERROR": 4, "FATAL": 5, "CRITICAL": 5}
_TIMES = ("timestamp", "time", "@timestamp")
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def writes_event(function: Function, level: str) -> bool:
    """Whether one of Lambda's own events, which has that *level*, is part of the log."""
    return function.log_format != "JSON" or _LEVELS[level] >= _LEVELS.get(function.system_log_level or "INFO", 2)


def writes_line(function: Function, line: str) -> bool:
    """Whether a *line* that the function has printed is part of the log."""
    if function.log_format != "JSON":
        return True
    return _level(line) >= _LEVELS.get(function.application_log_level or "INFO", 2)


def _level(line: str) -> int:
    if not line.startswith("{") or '"level"' not in line:
        return _LEVELS["INFO"]
    try:
        document = json.loads(line)
    except ValueError:
        return _LEVELS["INFO"]
    time = next((document[name] for name in _TIMES if name in document), "")
    if not isinstance(time, str) or not _RFC_3339.fullmatch(time):
        return _LEVELS["INFO"]
    return _LEVELS.get(str(document.get("level")).upper(), _LEVELS["INFO"])
