"""The log line of each reply."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from story import handler
from tests.function.calls import ask, chunks

if TYPE_CHECKING:
    from tests.function.conftest import FakeClock, FakeContext


def logged(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The one line there is, which must be JSON."""
    (line,) = capsys.readouterr().out.splitlines()
    return json.loads(line)


def test_a_story_told_to_its_end_is_logged(
    clock: FakeClock, context: FakeContext, capsys: pytest.CaptureFixture[str]
) -> None:
    query = {"story": "snail", "seed": "5", "min_ms": "300", "max_ms": "300"}
    chunks(handler(ask(query, last_event_id="60"), context, clock=clock))

    record = logged(capsys)

    assert record["level"] == "INFO"
    assert record["message"] == "Story told"
    assert record["function_request_id"] == "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
    assert {key: record[key] for key in ("story", "seed", "first", "words", "ended", "duration_ms")} == {
        "story": "snail", "seed": 5, "first": 61, "words": 5, "ended": "complete", "duration_ms": 1500,
    }  # fmt: skip
    assert record["service"].startswith("story test_a_story_told")


def test_a_story_out_of_time_is_logged(
    clock: FakeClock, context: FakeContext, capsys: pytest.CaptureFixture[str]
) -> None:
    context.remaining_ms = 3_000
    chunks(handler(ask({"min_ms": "500", "max_ms": "500"}), context, clock=clock))

    record = logged(capsys)

    assert (record["ended"], record["words"], record["duration_ms"]) == ("out_of_time", 5, 2000)


def test_a_story_closed_early_is_logged(
    clock: FakeClock, context: FakeContext, capsys: pytest.CaptureFixture[str]
) -> None:
    """The runtime closes the body of a reply it cannot send on."""
    body = iter(handler(ask(), context, clock=clock).body)
    for _ in range(3):
        next(body)
    body.close()

    record = logged(capsys)

    assert (record["ended"], record["words"], record["first"]) == ("closed", 3, 1)


def test_the_seed_in_the_log_gives_the_same_story_again(
    clock: FakeClock, context: FakeContext, capsys: pytest.CaptureFixture[str]
) -> None:
    """Chance is on record: what was seen once can be seen again."""
    chunks(handler(ask(), context, clock=clock))
    by_chance = [round(seconds, 6) for seconds in clock.sleeps]
    clock.sleeps.clear()

    chunks(handler(ask({"seed": str(logged(capsys)["seed"])}), context, clock=clock))

    assert [round(seconds, 6) for seconds in clock.sleeps] == by_chance


@pytest.mark.parametrize(
    ("event", "status", "field"),
    [(ask({"seed": "x"}), 400, "seed"), (ask(last_event_id="x"), 400, "Last-Event-ID"), (ask(path="/"), 404, None)],
)
def test_a_refusal_is_logged_as_a_warning(
    event: dict[str, Any],
    status: int,
    field: str | None,
    context: FakeContext,
    capsys: pytest.CaptureFixture[str],
) -> None:
    chunks(handler(event, context))

    record = logged(capsys)

    assert (record["level"], record["status"], record.get("field")) == ("WARNING", status, field)
    assert record["function_request_id"] == "8476a536-e9f4-11e8-9739-2dfe598c3fcd"


def test_nothing_is_logged_before_the_reply_has_left(
    clock: FakeClock, context: FakeContext, capsys: pytest.CaptureFixture[str]
) -> None:
    """When the last chunk is out, the log line is still to come."""
    body = iter(handler(ask(), context, clock=clock).body)
    for _ in range(46):
        next(body)
    before = capsys.readouterr().out
    assert next(body, None) is None

    assert before == ""
    assert logged(capsys)["ended"] == "complete"


def test_an_environment_that_was_initialized_ahead_of_time_says_so_and_has_the_logger(tmp_path: Path) -> None:
    """With SnapStart every environment has it then, and shares its memory; on demand the first word does not wait."""
    script = "import sys, story; print(sorted({'journal', 'aws_lambda_powertools'} & set(sys.modules)))"
    told = {}
    for kind in ("on-demand", "snap-start"):
        environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(sys.path),
            "AWS_LAMBDA_INITIALIZATION_TYPE": kind,
        }
        told[kind] = subprocess.check_output([sys.executable, "-c", script], env=environ, cwd=tmp_path, text=True)

    assert told["on-demand"] == "[]\n"
    line, modules = told["snap-start"].splitlines()
    assert json.loads(line)["message"] == "Initialized ahead of time"
    assert modules == "['aws_lambda_powertools', 'journal']"
