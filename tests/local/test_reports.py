"""The lines of the log: Lambda's own as AWS writes them, and one for each request."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from local.cost import in_words
from local.reports import (
    ExtensionReport,
    InitReport,
    InvocationReport,
    Reports,
    RequestReport,
    RestoreReport,
    request_line,
)
from tests.local.fakes.environment import a_function

FUNCTION = a_function(logical_id="StoryFunction", memory_mb=256)
JSON_FUNCTION = replace(FUNCTION, log_format="JSON")
ID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
WARM = InvocationReport(ID, duration_ms=26.734, max_memory_mb=75)
COLD = replace(WARM, init_ms=463.5)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Log:
    """Reports that are kept."""

    def __init__(self, log_format: str = "text") -> None:
        self.lines: list[str] = []
        self.reports = Reports(self.lines.append, log_format)

    def events(self) -> list[dict[str, object]]:
        """The lines as JSON, each with a time that is checked and left out."""
        events = [json.loads(line.removeprefix("StoryFunction  ")) for line in self.lines]
        assert all(TIME.fullmatch(event.pop("time")) for event in events)
        return events


def test_start_end_and_report_are_written_as_lambda_writes_them() -> None:
    """A tab follows every figure, the last one too."""
    log = Log()
    log.reports.start(FUNCTION, ID)
    log.reports.end(FUNCTION, WARM)

    figures = "Duration: 26.73 ms\tBilled Duration: 27 ms\tMemory Size: 256 MB\tMax Memory Used: 75 MB\t"
    assert log.lines == [
        f"StoryFunction  START RequestId: {ID} Version: $LATEST",
        f"StoryFunction  END RequestId: {ID}",
        f"StoryFunction  REPORT RequestId: {ID}\t{figures}",
    ]


def test_a_cold_start_is_in_the_report_and_in_the_bill() -> None:
    log = Log()
    log.reports.end(FUNCTION, COLD)

    assert log.lines[1] == (
        f"StoryFunction  REPORT RequestId: {ID}\tDuration: 26.73 ms\tBilled Duration: 491 ms\t"
        "Memory Size: 256 MB\tMax Memory Used: 75 MB\tInit Duration: 463.50 ms\t"
    )


@pytest.mark.parametrize(
    ("report", "end"),
    [
        (replace(WARM, status="timeout"), "Max Memory Used: 75 MB\tStatus: timeout"),
        (
            replace(WARM, status="error", error_type="Runtime.ExitError"),
            "Max Memory Used: 75 MB\tStatus: error\tError Type: Runtime.ExitError",
        ),
        (replace(COLD, status="timeout"), "Init Duration: 463.50 ms\tStatus: timeout"),
    ],
)
def test_a_report_of_what_went_wrong_says_so(report: InvocationReport, end: str) -> None:
    log = Log()
    log.reports.end(FUNCTION, report)

    assert log.lines[1].endswith("\t" + end)


def test_a_failed_init_phase_is_reported() -> None:
    log = Log()
    log.reports.init(FUNCTION, InitReport(10008.294, "init", "timeout"))
    log.reports.init(FUNCTION, InitReport(1236.04, "invoke", "error", "Runtime.Exit"))

    assert log.lines == [
        "StoryFunction  INIT_REPORT Init Duration: 10008.29 ms\tPhase: init\tStatus: timeout",
        "StoryFunction  INIT_REPORT Init Duration: 1236.04 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.Exit",
    ]


def test_a_timeout_is_told_with_its_seconds() -> None:
    log = Log()
    log.reports.timed_out(FUNCTION, ID)

    time, _, text = log.lines[0].removeprefix("StoryFunction  ").partition(" ")
    assert TIME.fullmatch(time)
    assert text == f"{ID} Task timed out after 10.00 seconds"


@pytest.mark.parametrize(
    ("duration_ms", "init_ms", "billed_ms"),
    [(0.2, None, 1), (1.0, None, 1), (26.0, None, 26), (26.01, None, 27), (1233.96, 463.5, 1698), (0.4, 0.4, 1)],
)
def test_every_begun_millisecond_is_billed_the_init_phase_included(
    duration_ms: float, init_ms: float | None, billed_ms: int
) -> None:
    assert InvocationReport(ID, duration_ms, 75, init_ms).billed_ms == billed_ms


def test_a_function_with_json_logs_has_platform_events() -> None:
    """Beside the function's name, since all functions share one console."""
    log = Log()
    log.reports.start(JSON_FUNCTION, ID)
    log.reports.timed_out(JSON_FUNCTION, ID)
    log.reports.end(JSON_FUNCTION, COLD)
    log.reports.end(JSON_FUNCTION, replace(WARM, status="error", error_type="Runtime.ExitError"))
    log.reports.init(JSON_FUNCTION, InitReport(1236.044, "init", "error", "Runtime.ExitError"))
    log.reports.init(JSON_FUNCTION, InitReport(10000.0, "init", "timeout"))

    assert all(line.startswith("StoryFunction  {") for line in log.lines)
    metrics = {"durationMs": 26.73, "billedDurationMs": 27, "memorySizeMB": 256, "maxMemoryUsedMB": 75}
    assert log.events() == [
        {"type": "platform.start", "record": {"requestId": ID, "version": "$LATEST"}},
        {
            "type": "platform.report",
            "record": {
                "requestId": ID,
                "metrics": {**metrics, "billedDurationMs": 491, "initDurationMs": 463.5},
                "status": "success",
            },
        },
        {
            "type": "platform.report",
            "record": {"requestId": ID, "metrics": metrics, "status": "error", "errorType": "Runtime.ExitError"},
        },
        {
            "type": "platform.initReport",
            "record": {
                "phase": "init",
                "status": "error",
                "metrics": {"durationMs": 1236.04},
                "errorType": "Runtime.ExitError",
            },
        },
        {
            "type": "platform.initReport",
            "record": {"phase": "init", "status": "timeout", "metrics": {"durationMs": 10000.0}},
        },
    ]


def test_with_json_lines_every_line_is_one_json_object() -> None:
    log = Log("json")
    log.reports.note("a sentence")
    log.reports.output(FUNCTION, "one\rtwo")
    log.reports.start(FUNCTION, ID)
    log.reports.end(FUNCTION, WARM)
    log.reports.ran_on(FUNCTION, 1.5, "its viewer had left at event 3")
    log.reports.request(RequestReport("GET", "/sse", "localhost:8080", 200))

    types = [json.loads(line)["type"] for line in log.lines]
    assert types == ["note", "output", "platform.start", "platform.report", "note", "request"]
    assert json.loads(log.lines[1]) == {"type": "output", "function": "StoryFunction", "line": "one\rtwo"}


def test_a_log_event_of_several_lines_is_several_lines_of_the_console() -> None:
    """AWS's clients put carriage returns between them."""
    log = Log()
    log.reports.output(FUNCTION, "[ERROR] ValueError: x\rTraceback (most recent call last):\r\xa0\xa0File")

    assert log.lines == [
        "StoryFunction  [ERROR] ValueError: x",
        "StoryFunction  Traceback (most recent call last):",
        "StoryFunction  \xa0\xa0File",
    ]


def test_a_function_that_ran_on_is_told_with_the_time_that_aws_would_bill() -> None:
    log = Log()
    log.reports.ran_on(FUNCTION, 12.345, "its viewer had left at event 12")

    cost = in_words(FUNCTION, 12345)
    sentence = f"ran on for 12.35 s after its viewer had left at event 12; billed on AWS: {cost}"
    assert log.lines == [f"StoryFunction  {sentence}"]
    assert log.reports.bill.lines() == ["Nothing was invoked."]


SSE = RequestReport("GET", "/sse", "localhost:8080", 200, first_byte_ms=21.4, total_ms=22514.0, body_bytes=45_300)
STORY = replace(SSE, function="StoryFunction", cold_start=True)


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (STORY, "GET /sse 200  first byte 21 ms, 45.3 kB in 22.51 s  StoryFunction cold"),
        (replace(STORY, cold_start=False), "GET /sse 200  first byte 21 ms, 45.3 kB in 22.51 s  StoryFunction warm"),
        (
            replace(STORY, viewer_left=True),
            "GET /sse 200  first byte 21 ms, 45.3 kB in 22.51 s  StoryFunction cold  viewer left, the function runs on",
        ),
        (
            replace(STORY, viewer_left=True, left="at event 5"),
            "GET /sse 200  first byte 21 ms, 45.3 kB in 22.51 s  StoryFunction cold  "
            "viewer left at event 5, the function runs on",
        ),
        (replace(SSE, viewer_left=True), "GET /sse 200  first byte 21 ms, 45.3 kB in 22.51 s  viewer left"),
        (
            replace(STORY, cut=True, note="Sandbox.Timedout"),
            "GET /sse 200  first byte 21 ms, 45.3 kB in 22.51 s  StoryFunction cold  "
            "cut short: the viewer sees an aborted body  Sandbox.Timedout",
        ),
        (
            RequestReport("GET", "/app.js", "localhost:8080", 304, total_ms=3.0),
            "GET /app.js 304  0 B in 0.00 s",
        ),
        (RequestReport("POST", "/", "localhost:8080", total_ms=3.0), "POST / ---  0 B in 0.00 s"),
        (
            RequestReport("GET", "/", "localhost:8080", 429, function="StoryFunction", note="Throttled"),
            "GET / 429  0 B in 0.00 s  StoryFunction  Throttled",
        ),
    ],
)
def test_a_request_is_one_line(report: RequestReport, line: str) -> None:
    assert request_line(report) == line


def test_a_system_log_level_of_warn_leaves_only_what_went_wrong() -> None:
    """The bill counts all of it."""
    log = Log()
    function = replace(JSON_FUNCTION, system_log_level="WARN")
    log.reports.start(function, ID)
    log.reports.extension(function, ExtensionReport("well", "Ready", ["INVOKE"]))
    log.reports.end(function, WARM)
    assert log.lines == []

    log.reports.extension(function, ExtensionReport("ill", "InitError", [], "Extension.NoGood"))
    log.reports.init(function, InitReport(10.0, "init", "timeout"))
    log.reports.end(function, replace(WARM, status="timeout"))
    kinds = [event["type"] for event in log.events()]
    assert kinds == ["platform.extension", "platform.initReport", "platform.report"]
    assert log.reports.bill.lines()[0].startswith("StoryFunction  2 invocations")


def test_log_levels_are_for_json_alone() -> None:
    log = Log()
    function = replace(FUNCTION, system_log_level="WARN", application_log_level="FATAL")
    log.reports.start(function, ID)
    log.reports.output(function, '{"level":"debug","timestamp":"2024-11-02T16:51:31.587199Z"}')
    assert len(log.lines) == 2


TIMED = '"timestamp":"2024-11-02T16:51:31.587199Z"'


@pytest.mark.parametrize(
    ("line", "at"),
    [
        (f'{{"level":"debug",{TIMED}}}', "DEBUG"),
        (f'{{"level":"TRACE",{TIMED}}}', "TRACE"),
        (f'{{"level":"WARNING",{TIMED}}}', "WARN"),
        ('{"level":"Error","time":"2024-11-02T16:51:31+01:00"}', "ERROR"),
        (f'{{"level":"CRITICAL",{TIMED}}}', "FATAL"),
        (f'{{"level":"loud",{TIMED}}}', "INFO"),
        (f'{{"level":30,{TIMED}}}', "INFO"),
        ('{"level":"debug"}', "INFO"),
        ('{"level":"debug","timestamp":"2024-11-02 16:51:31,587+0000"}', "INFO"),
        ('{"level":"debug","timestamp":1730566291}', "INFO"),
        ('{"level":"debug"', "INFO"),
        ("plain text", "INFO"),
    ],
)
def test_what_a_function_prints_has_the_level_that_it_names_with_its_time(line: str, at: str) -> None:
    """Else it is INFO."""
    levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
    written = []
    for level in levels:
        log = Log()
        log.reports.output(replace(JSON_FUNCTION, application_log_level=level), line)
        written += [level] * len(log.lines)
    assert written == levels[: levels.index(at) + 1]


def test_by_default_a_json_log_is_written_from_info_on() -> None:
    log = Log()
    log.reports.output(JSON_FUNCTION, f'{{"level":"DEBUG",{TIMED}}}')
    log.reports.output(JSON_FUNCTION, f'{{"level":"INFO",{TIMED}}}')
    log.reports.fault(replace(JSON_FUNCTION, application_log_level="FATAL"), "what went wrong is told always")
    assert len(log.lines) == 2


def test_a_restore_is_in_the_report_and_in_the_bill_instead_of_an_init() -> None:
    log = Log()
    log.reports.end(FUNCTION, replace(COLD, init_ms=4.28, restored=True))

    assert log.lines[1] == (
        f"StoryFunction  REPORT RequestId: {ID}\tDuration: 26.73 ms\tBilled Duration: 32 ms\tMemory Size: 256 MB\t"
        "Max Memory Used: 75 MB\tRestore Duration: 4.28 ms\tBilled Restore Duration: 5 ms\t"
    )


@pytest.mark.parametrize(
    ("report", "text", "record"),
    [
        (
            RestoreReport(4.284, "success"),
            "RESTORE_REPORT Restore Duration: 4.28 ms",
            {"status": "success", "metrics": {"durationMs": 4.28}},
        ),
        (
            RestoreReport(10000, "timeout"),
            "RESTORE_REPORT Restore Duration: 10000.00 ms\tStatus: timeout",
            {"status": "timeout", "metrics": {"durationMs": 10000}},
        ),
        (
            RestoreReport(5.5, "error", "Runtime.AfterRestoreError"),
            "RESTORE_REPORT Restore Duration: 5.50 ms\tStatus: error\tError Type: Runtime.AfterRestoreError",
            {"status": "error", "metrics": {"durationMs": 5.5}, "errorType": "Runtime.AfterRestoreError"},
        ),
    ],
)
def test_a_restore_is_reported_whatever_came_of_it(report: RestoreReport, text: str, record: dict[str, object]) -> None:
    log, as_json = Log(), Log()
    log.reports.restore(FUNCTION, report)
    as_json.reports.restore(JSON_FUNCTION, report)

    assert log.lines == [f"StoryFunction  {text}"]
    assert as_json.events() == [{"type": "platform.restoreReport", "record": record}]


def test_a_restore_is_in_the_json_report_too() -> None:
    log = Log()
    log.reports.end(JSON_FUNCTION, replace(COLD, init_ms=4.284, restored=True))

    (event,) = log.events()
    record = event["record"]
    assert isinstance(record, dict)
    assert record["metrics"] == {
        "durationMs": 26.73, "billedDurationMs": 32, "memorySizeMB": 256, "maxMemoryUsedMB": 75,
        "restoreDurationMs": 4.28, "billedRestoreDurationMs": 5,
    }  # fmt: skip


def test_an_init_that_ends_in_a_snapshot_is_reported_without_a_status() -> None:
    log = Log()
    log.reports.init(FUNCTION, InitReport(61.07, "init", "success"))

    assert log.lines == ["StoryFunction  INIT_REPORT Init Duration: 61.07 ms\tPhase: init"]
