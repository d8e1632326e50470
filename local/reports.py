"""What the emulator says while it runs: Lambda's platform log lines, the functions' own output, a line a request.

What hop this is: beside every hop; nothing reads it back.

What the real service does: writes START, END and REPORT around each invocation, as text or, when the function's log
format is JSON, as `platform.*` events
(https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html).

What differs here, on purpose:
1. every line goes to one console, so each begins with the function's logical id; `--log-format json` turns all of the
   emulator's own lines into JSON objects.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from local.config import Function
from local.cost import Bill, in_words
from local.log_levels import writes_event, writes_line

TAIL_BYTES = 4 * 1024


@dataclass(frozen=True, slots=True)
class InvocationReport:
    """One finished invocation; times in milliseconds."""

    request_id: str
    duration_ms: float
    max_memory_mb: int
    init_ms: float | None = None
    status: str = "success"  # success | error | timeout | failure
    error_type: str | None = None
    restored: bool = False  # the time before the first invocation was not an init but a restore

    @property
    def billed_ms(self) -> int:
        """What is billed: the duration, and the init phase or the restore where there was one, rounded up."""
        return math.ceil(self.duration_ms + (self.init_ms or 0))


@dataclass(frozen=True, slots=True)
class InitReport:
    """One init, in milliseconds."""

    init_ms: float
    phase: str  # init | invoke: where it is part of an invocation, in an environment that was reset
    status: str  # success | error | timeout
    error_type: str | None = None


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """One restore from a snapshot, in milliseconds."""

    restore_ms: float
    status: str  # success | error | timeout
    error_type: str | None = None


@dataclass(frozen=True, slots=True)
class ExtensionReport:
    """One extension at the end of an init."""

    name: str
    state: str
    events: Sequence[str]
    error_type: str = ""


@dataclass(slots=True)
class RequestReport:
    """One HTTP request; the hops that know a thing write it in. Times in milliseconds since the request came."""

    method: str
    path: str
    host: str
    status: int = 0
    first_byte_ms: float | None = None
    total_ms: float = 0.0
    body_bytes: int = 0
    viewer_left: bool = False
    left: str = ""  # where in a function's reply: "at event 12"
    cut: bool = False  # the body ended without its proper end
    function: str | None = None
    request_id: str | None = None
    cold_start: bool | None = None  # None: no environment had it
    note: str = ""


class LogTail:
    """The end of one invocation's log as CloudWatch would have it, for a caller who asks for it."""

    def __init__(self) -> None:
        self._kept = b""

    def add(self, line: str) -> None:
        """Take a line; the lines of one log event are separated by carriage returns."""
        self._kept = (self._kept + line.replace("\r", "\n").encode() + b"\n")[-TAIL_BYTES:]

    def read(self) -> bytes:
        """UTF-8, at most 4 KB, beginning with a whole character."""
        start = next((index for index, byte in enumerate(self._kept) if byte & 0xC0 != 0x80), 0)
        return self._kept[start:]


class Reports:
    """Formats lines and hands each to *write*; *log_format* is "text" or "json".

    What belongs to an invocation's log also goes to its *tail*, where somebody asked for that.
    """

    def __init__(self, write: Callable[[str], None], log_format: str = "text") -> None:
        self._write = write
        self._json = log_format == "json"
        self.bill = Bill()

    def note(self, text: str) -> None:
        """A sentence of the emulator's own."""
        self._write(json.dumps({"type": "note", "text": text}) if self._json else text)

    def output(self, function: Function, line: str, tail: LogTail | None = None) -> None:
        """A line that a worker printed."""
        if writes_line(function, line):
            self.fault(function, line, tail)

    def fault(self, function: Function, line: str, tail: LogTail | None = None) -> None:
        """A line that says what went wrong with a worker."""
        if tail:
            tail.add(line)
        if self._json:
            self._write(json.dumps({"type": "output", "function": function.logical_id, "line": line}))
            return
        # AWS's clients separate the lines of one log event with carriage returns, which a terminal would obey.
        for row in line.split("\r"):
            self._write(f"{function.logical_id}  {row}")

    def start(self, function: Function, request_id: str, tail: LogTail | None = None) -> None:
        """The event was handed to the runtime."""
        if not writes_event(function, "INFO"):
            return
        event = _event("platform.start", {"requestId": request_id, "version": "$LATEST"})
        self._platform(function, event, [f"START RequestId: {request_id} Version: $LATEST"], tail)

    def timed_out(self, function: Function, request_id: str, tail: LogTail | None = None) -> None:
        """The invocation ran into the function's timeout; in JSON `end` alone says so."""
        text = f"{_now()} {request_id} Task timed out after {function.timeout_seconds:.2f} seconds"
        self._platform(function, None, [text], tail)

    def init(self, function: Function, report: InitReport, tail: LogTail | None = None) -> None:
        """An init failed, or the one before a snapshot is over; nothing is written about others that went well."""
        record = {"phase": report.phase, **_outcome(report, report.init_ms)}
        text = f"INIT_REPORT Init Duration: {report.init_ms:.2f} ms\tPhase: {report.phase}{_outcome_text(report)}"
        self._platform(function, _event("platform.initReport", record), [text], tail)

    def restore(self, function: Function, report: RestoreReport, tail: LogTail | None = None) -> None:
        """An environment was restored from a snapshot, or could not be."""
        text = f"RESTORE_REPORT Restore Duration: {report.restore_ms:.2f} ms{_outcome_text(report)}"
        event = _event("platform.restoreReport", _outcome(report, report.restore_ms))
        self._platform(function, event, [text], tail)

    def extension(self, function: Function, report: ExtensionReport, tail: LogTail | None = None) -> None:
        """An init is over, well or not, for this extension."""
        if not writes_event(function, "WARN" if report.error_type else "INFO"):
            return
        record: dict[str, object] = {"name": report.name, "state": report.state, "events": list(report.events)}
        text = f"EXTENSION\tName: {report.name}\tState: {report.state}\tEvents: [{', '.join(report.events)}]"
        if report.error_type:
            record["errorType"] = report.error_type
            text += f"\tError Type: {report.error_type}"
        self._platform(function, _event("platform.extension", record), [text], tail)

    def end(self, function: Function, report: InvocationReport, tail: LogTail | None = None) -> None:
        """The invocation is over: END and REPORT."""
        self.bill.add(function, report.billed_ms)
        if not writes_event(function, "INFO" if report.status == "success" else "WARN"):
            return
        parts = [
            f"REPORT RequestId: {report.request_id}",
            f"Duration: {report.duration_ms:.2f} ms",
            f"Billed Duration: {report.billed_ms} ms",
            f"Memory Size: {function.memory_mb} MB",
            f"Max Memory Used: {report.max_memory_mb} MB",
        ]
        if report.init_ms is not None and report.restored:
            parts.append(f"Restore Duration: {report.init_ms:.2f} ms")
            parts.append(f"Billed Restore Duration: {math.ceil(report.init_ms)} ms")
        elif report.init_ms is not None:
            parts.append(f"Init Duration: {report.init_ms:.2f} ms")
        status = "" if report.status == "success" else f"Status: {report.status}"
        if report.error_type:
            status += f"\tError Type: {report.error_type}"
        text = "\t".join([*parts, status])  # a tab follows the last figure too
        event = _event("platform.report", _report_record(function, report))
        self._platform(function, event, [f"END RequestId: {report.request_id}", text], tail)

    def ran_on(self, function: Function, seconds: float, how: str) -> None:
        """The function has ended, *seconds* after nobody waited for it any more; on AWS that time is billed."""
        self.bill.add_unwatched(function, seconds * 1000)
        cost = in_words(function, seconds * 1000)
        self.note(f"{function.logical_id}  ran on for {seconds:.2f} s after {how}; billed on AWS: {cost}")

    def request(self, report: RequestReport) -> None:
        """A request is over, for the viewer at least."""
        if self._json:
            self._write(json.dumps({"type": "request", **asdict(report)}))
        else:
            self._write(request_line(report))

    def _platform(self, function: Function, event: str | None, texts: list[str], tail: LogTail | None) -> None:
        """Lambda's own lines: *texts*, or in their place one JSON *event* where that is wanted."""
        events = [event] if event else []
        lines = events if function.log_format == "JSON" else texts
        if tail:
            for line in lines:
                tail.add(line)
        for line in events if self._json else lines:
            self._write(line if self._json else f"{function.logical_id}  {line}")


def request_line(report: RequestReport) -> str:
    """`GET /sse 200  first byte 21 ms, 45.3 KB in 22.51 s  StoryFunction cold`."""
    timing = f"{_size(report.body_bytes)} in {report.total_ms / 1000:.2f} s"
    if report.first_byte_ms is not None:
        timing = f"first byte {report.first_byte_ms:.0f} ms, {timing}"
    parts = [f"{report.method} {report.path} {report.status or '---'}", timing]
    if report.function:
        parts.append(report.function + {True: " cold", False: " warm", None: ""}[report.cold_start])
    if report.viewer_left:
        left = f"viewer left {report.left}".rstrip()
        parts.append(f"{left}, the function runs on" if report.function else left)
    elif report.cut:
        parts.append("cut short: the viewer sees an aborted body")
    if report.note:
        parts.append(report.note)
    return "  ".join(parts)


def _event(kind: str, record: dict[str, object]) -> str:
    return json.dumps({"time": _now(), "type": kind, "record": record})


def _outcome(report: InitReport | RestoreReport, duration_ms: float) -> dict[str, object]:
    record: dict[str, object] = {"status": report.status, "metrics": {"durationMs": round(duration_ms, 2)}}
    return record | ({"errorType": report.error_type} if report.error_type else {})


def _outcome_text(report: InitReport | RestoreReport) -> str:
    """What follows the figure of a line; nothing after a success."""
    status = "" if report.status == "success" else f"\tStatus: {report.status}"
    return status + (f"\tError Type: {report.error_type}" if report.error_type else "")


def _report_record(function: Function, report: InvocationReport) -> dict[str, object]:
    metrics: dict[str, object] = {
        "durationMs": round(report.duration_ms, 2),
        "billedDurationMs": report.billed_ms,
        "memorySizeMB": function.memory_mb,
        "maxMemoryUsedMB": report.max_memory_mb,
    }
    if report.init_ms is not None and report.restored:
        metrics["restoreDurationMs"] = round(report.init_ms, 2)
        metrics["billedRestoreDurationMs"] = math.ceil(report.init_ms)
    elif report.init_ms is not None:
        metrics["initDurationMs"] = round(report.init_ms, 2)
    record: dict[str, object] = {"requestId": report.request_id, "metrics": metrics, "status": report.status}
    return record | ({"errorType": report.error_type} if report.error_type else {})


def _size(count: int) -> str:
    return f"{count} B" if count < 1000 else f"{count / 1000:.1f} kB"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
