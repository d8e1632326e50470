"""The log line and the counts of each request, and what marks a cold start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from tests.function.api_calls import running
from tests.function.test_events import load

ROOT = Path(__file__).parents[2]
TWO_INVOCATIONS = """
import json, sys
from types import SimpleNamespace
event, *sys.path[:0] = sys.argv[1:]
from api import handler
context = SimpleNamespace(
    function_name="api", memory_limit_in_mb=512, invoked_function_arn="arn", aws_request_id="id"
)
for _ in range(2):
    handler(json.loads(event), context)
"""


def lines(text: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Log lines and metric lines; anything that is not JSON fails."""
    documents = [json.loads(line) for line in text.splitlines()]
    return [line for line in documents if "_aws" not in line], [line for line in documents if "_aws" in line]


def written(capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The one log line and the one line of counts that there are, without what only a cold start adds."""
    logs, metrics = lines(capsys.readouterr().out)
    (log,), (counts,) = logs, [line for line in metrics if "ColdStart" not in line]
    return log, counts


def counted(metrics: dict[str, Any]) -> dict[str, float]:
    """Each count by its name, as CloudWatch will read it."""
    (directive,) = metrics["_aws"]["CloudWatchMetrics"]
    assert {metric["Unit"] for metric in directive["Metrics"]} == {"Count"}
    assert directive["Dimensions"] == [["service"]]
    return {metric["Name"]: metrics[metric["Name"]][0] for metric in directive["Metrics"]}


def test_a_poll_is_logged_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    with running() as api:
        answer = api.answer(load("api-poll"))
    log, counts = written(capsys)

    assert {key: log[key] for key in ("level", "message", "method", "path", "status", "words")} == {
        "level": "INFO",
        "message": "Request answered",
        "method": "GET",
        "path": "/api/poll",
        "status": 200,
        "words": len(answer.json()["events"]),
    }
    assert log["duration_ms"] >= 0
    assert log["function_request_id"] == "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
    assert counted(counts) == {"RequestAnswered": 1, "PollAnswered": 1, "WordTold": log["words"]}


def test_what_is_no_poll_counts_as_none(capsys: pytest.CaptureFixture[str]) -> None:
    with running() as api:
        api.answer(load("api-stories"))
    log, counts = written(capsys)

    assert (log["path"], "words" in log) == ("/api/stories", False)
    assert counted(counts) == {"RequestAnswered": 1}


def test_a_refusal_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    with running() as api:
        api.get("/api/poll", "seed=x", method="HEAD")
    log, counts = written(capsys)

    assert (log["level"], log["message"], log["status"], log["method"]) == ("WARNING", "Request refused", 400, "HEAD")
    assert counted(counts) == {"RequestAnswered": 1, "RequestRefused": 1}


def test_a_failure_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    app = FastAPI()

    @app.get("/")
    async def fail() -> None:
        raise RuntimeError

    with running(app) as api:
        api.get("/")
    log, counts = written(capsys)

    assert (log["message"], log["status"]) == ("Request failed", 500)
    assert counted(counts) == {"RequestAnswered": 1, "RequestFailed": 1}


@pytest.mark.parametrize(("through_cloudfront", "field"), [(True, "x-amz-cf-id"), (False, "requestId")])
def test_the_correlation_id_is_one_that_the_viewer_has_too(
    through_cloudfront: bool, field: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """CloudFront's, and without CloudFront the function URL's."""
    event = load("api-stories")
    if not through_cloudfront:
        del event["headers"]["x-amz-cf-id"]
    with running() as api:
        api.answer(event)
    log, _ = written(capsys)

    assert log["correlation_id"] == {**event["headers"], **event["requestContext"]}[field]


def test_mangum_says_nothing_of_a_request_that_went_well(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Its line would say less than ours does."""
    with caplog.at_level("INFO"), running() as api:
        api.get("/api/health")

    assert [record.name for record in caplog.records if record.name.startswith("mangum")] == []


def test_only_the_first_invocation_is_a_cold_start() -> None:
    """The handler as Lambda imports it, in a process of its own: a key in its log line, and a metric."""
    folders = [ROOT / "functions/layers/stories/python", ROOT / "functions/api"]
    event = (ROOT / "events/api-stories.json").read_text()

    done = subprocess.run(
        [sys.executable, "-c", TWO_INVOCATIONS, event, *folders],
        env={"POWERTOOLS_SERVICE_NAME": "api", "POWERTOOLS_METRICS_NAMESPACE": "lambda-sse"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    logs, metrics = lines(done.stdout)
    assert [line["cold_start"] for line in logs] == [True, False]
    assert [line["service"] for line in logs] == ["api", "api"]
    assert [line["ColdStart"] for line in metrics if "ColdStart" in line] == [[1.0]]
    assert {line["_aws"]["CloudWatchMetrics"][0]["Namespace"] for line in metrics} == {"lambda-sse"}
