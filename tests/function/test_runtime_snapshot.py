"""SnapStart from the runtime's side: hooks, `restore/next`, and what a failing hook does, beside AWS's own client."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.function.fake_runtime_api import Event, FakeRuntimeApi
from tests.function.runtime_process import AWS_CLIENT, WRAPPED, start

Command = Sequence[str | Path]
SNAP_START = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
RESTORED = Event(body=b"")
HOOKS = """
from snapshot_restore_py import register_after_restore, register_before_snapshot
seen = ["init"]
register_before_snapshot(seen.append, "before, registered first")
register_after_restore(seen.append, "after, registered first")

@register_before_snapshot
def before():
    seen.append("before, registered last")

@register_after_restore
def after():
    seen.append("after, registered last")

def handler(event, context):
    return seen
"""
ORDER = [
    "init",
    "before, registered last",
    "before, registered first",
    "after, registered first",
    "after, registered last",
]
FAILS = """
from snapshot_restore_py import register_{when}

@register_{when}
def hook():
    raise LookupError("no such page")

def handler(event, context):
    return "never"
"""


def run(
    api: FakeRuntimeApi, folder: Path, source: str, command: Command = WRAPPED, environ: dict[str, str] = SNAP_START
) -> CompletedProcess[str]:
    """A worker with SnapStart that serves what *api* has."""
    with api:
        return start(api, folder, source=source, command=command, environ=environ)


@pytest.mark.parametrize("command", [WRAPPED, AWS_CLIENT], ids=["ours", "aws"])
def test_hooks_are_called_around_the_snapshot(command: Command, tmp_path: Path) -> None:
    """Those before it in reverse, those after it in their order; between them the runtime waits to be restored."""
    api = FakeRuntimeApi(RESTORED, Event())
    run(api, tmp_path, HOOKS, command)

    assert [request.target for request in api.requests[:2]] == [
        "/2018-06-01/runtime/restore/next",
        "/2018-06-01/runtime/invocation/next",
    ]
    assert json.loads(api.replies[0].body) == ORDER


def test_without_snapstart_there_is_no_snapshot(tmp_path: Path) -> None:
    """The hooks stay where they are, and nobody asks for a restore."""
    api = FakeRuntimeApi(Event())
    run(api, tmp_path, HOOKS, environ={"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"})

    assert json.loads(api.replies[0].body) == ["init"]


def test_a_function_without_hooks_needs_no_library(tmp_path: Path) -> None:
    source = "import sys\ndef handler(event, context):\n    return 'snapshot_restore_py' in sys.modules\n"
    api = FakeRuntimeApi(RESTORED, Event())
    run(api, tmp_path, source)

    assert json.loads(api.replies[0].body) is False


@pytest.mark.parametrize(
    ("when", "events", "path", "error_type", "exit_code"),
    [
        ("before_snapshot", [], "/init/error", "Runtime.BeforeSnapshotError", 64),
        ("after_restore", [RESTORED], "/restore/error", "Runtime.AfterRestoreError", 65),
    ],
)
@pytest.mark.parametrize("command", [WRAPPED, AWS_CLIENT], ids=["ours", "aws"])
def test_a_hook_that_fails_is_reported_and_ends_the_process(
    command: Command, when: str, events: list[Event], path: str, error_type: str, exit_code: int, tmp_path: Path
) -> None:
    """With the kind of the error in the header and the error itself in the document and in the log."""
    api = FakeRuntimeApi(*events)
    ended = run(api, tmp_path, FAILS.format(when=when), command)

    (report,) = api.replies
    assert report.target == "/2018-06-01/runtime" + path
    assert report.header("lambda-runtime-function-error-type") == error_type
    document = json.loads(report.body)
    assert (document["errorType"], document["errorMessage"]) == ("LookupError", "no such page")
    assert ended.returncode == exit_code
    assert ended.stdout.startswith("[ERROR] LookupError: no such page\nTraceback (most recent call last):\n")


def test_random_numbers_are_new_after_a_restore(tmp_path: Path) -> None:
    """A seed set before the snapshot would be the same in every environment; one that a hook sets afterwards counts."""
    source = """
import random
from snapshot_restore_py import register_after_restore
random.seed(1)
expected = random.Random(1).random()
restored = []
register_after_restore(lambda: restored.append(random.random()))
register_after_restore(random.seed, 1)

def handler(event, context):
    return [restored[0] == expected, random.random() == expected]
"""
    api = FakeRuntimeApi(RESTORED, Event())
    run(api, tmp_path, source)

    assert json.loads(api.replies[0].body) == [False, True]


def test_without_a_runtime_api_to_be_restored_by_it_says_so(tmp_path: Path) -> None:
    api = FakeRuntimeApi()
    ended = run(api, tmp_path, HOOKS)

    assert ended.returncode == 1
    assert ended.stderr.startswith(f"bootstrap: the Runtime API at {api.address} is gone: ")


def test_in_a_local_lambda_its_restorer_stands_for_the_wait(tmp_path: Path) -> None:
    """It may change where the Runtime API is, and the runtime goes there."""
    with FakeRuntimeApi() as before, FakeRuntimeApi(Event()) as after:
        restorer = tmp_path / "restorer.py"
        restorer.write_text(f"import os\ndef wait():\n    os.environ['AWS_LAMBDA_RUNTIME_API'] = {after.address!r}\n")
        start(before, tmp_path, source=HOOKS, environ={**SNAP_START, "LOCAL_LAMBDA_RESTORER": str(restorer)})

    assert before.requests == []
    assert json.loads(after.replies[0].body) == ORDER
