"""Extensions in real environments: they start before the runtime, hear of each invocation, and end after it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.config import Function
from local.environment import shutdown
from local.invocation import FunctionError
from tests.local.fakes.environment import FUNCTIONS, a_function
from tests.local.fakes.local_lambda import Gate, LocalLambda, is_alive, local_lambda, read_all
from tests.local.fakes.raw_worker import until

pytestmark = pytest.mark.anyio

PROGRAM = FUNCTIONS / "extension" / "extension.py"
INIT_REPORT = r"INIT_REPORT Init Duration: \d+\.\d\d ms\tPhase: init\tStatus: error\tError Type: "


def a_layer(folder: Path, *names: str) -> Path:
    """A layer with these external extensions, all of the same program."""
    layer = folder / "layer"
    (layer / "extensions").mkdir(parents=True)
    for name in names:
        (layer / "extensions" / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" "{PROGRAM}" "$0"\n')
        (layer / "extensions" / name).chmod(0o755)
    return layer


def extended(folder: Path, *names: str, environment: Mapping[str, str] | None = None, **fields: Any) -> Function:
    """The worker, with these external extensions beside it."""
    return a_function(layers=(a_layer(folder, *names),), environment=environment or {}, **fields)


def heard(cloud: LocalLambda, name: str) -> list[dict[str, Any]]:
    """The events that the extension *name* was told."""
    return [json.loads(line.partition("hears ")[2]) for line in cloud.log(f"{name} hears")]


@pytest.mark.usefixtures("patient_shutdown")
async def test_an_extension_hears_of_every_invocation_and_of_the_end(tmp_path: Path) -> None:
    """It registers before the runtime initializes, and is named in the log before the first START."""
    function = extended(tmp_path, "witness", environment={"AT_START": "print hello"})
    async with local_lambda(function, folder=tmp_path) as cloud:
        invocation = cloud.invoke(["send", "one"])
        assert await read_all(invocation) == "one"
        await invocation.completed.wait()
        assert await cloud.answer(["send", "two"]) == "two"
        await cloud.dispatcher.close()

        told = {"accountId": "123456789012", "functionName": "test-worker", "functionVersion": "$LATEST"}
        texts = [line.removeprefix("Worker  ") for line in cloud.lines]
        assert texts[0] == "witness registers"
        hello, registered = sorted(texts[1:3])  # two processes print them
        assert json.loads(registered.removeprefix("witness is told ")) == {**told, "handler": "worker.handler"}
        assert hello == "hello"
        assert texts[3] == "EXTENSION\tName: witness\tState: Ready\tEvents: [INVOKE, SHUTDOWN]"
        assert texts[4] == f"START RequestId: {invocation.request_id} Version: $LATEST"
        first, second, end = heard(cloud, "witness")
        assert first == {
            "eventType": "INVOKE",
            "deadlineMs": invocation.deadline_ms,
            "requestId": invocation.request_id,
            "invokedFunctionArn": function.arn,
        }
        assert second["requestId"] != first["requestId"]
        assert (end["eventType"], end["shutdownReason"]) == ("SHUTDOWN", "spindown")
        assert texts[-1] == "witness leaves"


async def test_an_invocation_is_over_when_its_extensions_ask_for_the_next(tmp_path: Path) -> None:
    """The caller has its reply before; an extension that did not ask to hear of invocations is not waited for."""
    gate = Gate(tmp_path)
    function = extended(tmp_path, "slow", environment={"SLOW_DOES": f"wait {gate.path}"})
    async with local_lambda(function, folder=tmp_path) as cloud:
        invocation = cloud.invoke(["send", "one"])
        assert await read_all(invocation) == "one"
        await until(lambda: heard(cloud, "slow"))
        assert not invocation.completed.is_set()

        gate.open()
        await invocation.completed.wait()
    gate.close()


async def test_an_extension_that_does_not_ask_for_the_next_runs_into_the_functions_timeout(tmp_path: Path) -> None:
    """The caller has got everything; the report says what came after."""
    gate = Gate(tmp_path)
    function = extended(tmp_path, "slow", environment={"SLOW_DOES": f"wait {gate.path}"}, timeout_seconds=1)
    async with local_lambda(function, folder=tmp_path) as cloud:
        invocation = cloud.invoke(["send", "one"])
        assert await read_all(invocation) == "one"
        await invocation.completed.wait()

        assert invocation.failure is None
        assert cloud.log("REPORT")[0].endswith("\tStatus: timeout")
    gate.close()


async def test_an_extension_that_wants_to_hear_of_nothing_is_not_waited_for(tmp_path: Path) -> None:
    """And killed at the end without a word."""
    async with local_lambda(extended(tmp_path, "deaf", environment={"EVENTS": ""}), folder=tmp_path) as cloud:
        assert await cloud.answer(["send", "one"]) == "one"
        assert "EXTENSION\tName: deaf\tState: Ready\tEvents: []" in cloud.log("EXTENSION")
        await cloud.dispatcher.close()
        assert heard(cloud, "deaf") == []


@pytest.mark.usefixtures("patient_shutdown")
async def test_an_internal_extension_is_part_of_the_runtime(tmp_path: Path) -> None:
    """It hears of invocations; a runtime that has one is asked to end, and not only killed."""
    function = a_function(environment={"AT_START": "internal"})
    async with local_lambda(function, folder=tmp_path) as cloud:
        assert await cloud.answer(["trap"], ["send", "one"]) == "one"
        assert cloud.log("EXTENSION") == ["EXTENSION\tName: inside\tState: Ready\tEvents: [INVOKE]"]
        await until(lambda: cloud.log("inside hears INVOKE"))
        await cloud.dispatcher.close()
        assert cloud.lines[-1] == "Worker  asked to end"


@pytest.mark.usefixtures("patient_shutdown")
async def test_a_runtime_beside_an_extension_is_asked_to_end_first(tmp_path: Path) -> None:
    """Without one it is killed at once."""
    async with local_lambda(extended(tmp_path, "witness"), folder=tmp_path) as cloud:
        assert await cloud.answer(["trap"], ["send", "one"]) == "one"
        await cloud.dispatcher.close()
        ends = [line.removeprefix("Worker  ").split(" hears")[0] for line in cloud.lines[-3:]]
        assert ends == ["asked to end", "witness", "witness leaves"]

    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        assert await cloud.answer(["trap"], ["send", "one"]) == "one"
        await cloud.dispatcher.close()
        assert cloud.log("asked to end") == []


async def test_whoever_does_not_end_in_time_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time is up here as soon as they have been told to end."""
    leave = shutdown.Running.leave
    told = iter((lambda: cloud.log("asked to end"), lambda: "SHUTDOWN" in str(heard(cloud, "stubborn"))))

    async def leave_when_told(running: shutdown.Running, seconds: float) -> None:
        await until(next(told))
        await leave(running, 0)

    monkeypatch.setattr(shutdown.Running, "leave", leave_when_told)
    function = extended(tmp_path, "stubborn", environment={"STUBBORN_DOES": "stay"})
    async with local_lambda(function, folder=tmp_path) as cloud:
        pid = int(await cloud.answer(["trap"], ["stay"], ["send_pid"]))
        await cloud.dispatcher.close()

        assert cloud.log("asked to end") == ["asked to end"]
        assert heard(cloud, "stubborn")[-1]["eventType"] == "SHUTDOWN"
        assert cloud.log("stubborn leaves") == []
        assert not is_alive(pid)


@pytest.mark.parametrize(("end", "reason"), [(["hang"], "timeout"), (["exit", 1], "failure")])
@pytest.mark.usefixtures("patient_shutdown")
async def test_a_reset_ends_the_extensions_and_the_next_invocation_starts_them_again(
    tmp_path: Path, end: list[str | int], reason: str
) -> None:
    function = extended(tmp_path, "witness", timeout_seconds=3 if reason == "timeout" else 10)
    async with local_lambda(function, folder=tmp_path) as cloud:
        with pytest.raises(FunctionError):
            await cloud.answer(end)
        assert await cloud.answer(["send", "again"]) == "again"

        await until(lambda: len(heard(cloud, "witness")) == 3)
        kinds = [(event["eventType"], event.get("shutdownReason")) for event in heard(cloud, "witness")]
        assert kinds == [("INVOKE", None), ("SHUTDOWN", reason), ("INVOKE", None)]
        assert len(cloud.log("witness is told")) == 2
        assert len(cloud.log("EXTENSION")) == 2
        assert "Init Duration" not in cloud.log("REPORT")[-1]


@pytest.mark.parametrize(
    ("does", "error_type", "message", "state"),
    [
        ("exit 3", "Extension.Crash", "exit status 3", "Started\tEvents: []"),
        ("exit 0", "Extension.Crash", "exit code 0", "Started\tEvents: []"),
        (
            "init_error",
            "Extension.InitError",
            "exit status 1",
            "InitError\tEvents: [INVOKE, SHUTDOWN]\tError Type: Extension.NoGood",
        ),
    ],
)
async def test_an_extension_that_fails_at_its_start_fails_the_init(
    tmp_path: Path, does: str, error_type: str, message: str, state: str
) -> None:
    """Both that of the init phase and that within the invocation."""
    async with local_lambda(extended(tmp_path, "bad", environment={"BAD_DOES": does}), folder=tmp_path) as cloud:
        invocation = cloud.invoke(["send", "never"])
        with pytest.raises(FunctionError) as error:
            await invocation.started()
        await invocation.completed.wait()

        assert error.value.failure.error_type == error_type
        document = json.loads(error.value.failure.document)
        assert document["errorMessage"] == f"RequestId: {invocation.request_id} Error: {message}"
        assert cloud.log("EXTENSION") == [f"EXTENSION\tName: bad\tState: {state}"] * 2
        first, again = cloud.log("INIT_REPORT")
        assert re.fullmatch(INIT_REPORT + error_type, first)
        assert re.fullmatch(INIT_REPORT.replace(": init", ": invoke") + error_type, again)


@pytest.mark.parametrize(
    ("does", "error_type", "message"),
    [("crash", "Extension.Crash", "signal: aborted"), ("exit_error", "Extension.ExitError", "exit status 1")],
)
async def test_an_extension_that_ends_while_the_function_runs_fails_the_invocation(
    tmp_path: Path, does: str, error_type: str, message: str
) -> None:
    async with local_lambda(extended(tmp_path, "bad", environment={"BAD_DOES": does}), folder=tmp_path) as cloud:
        with pytest.raises(FunctionError) as error:
            await cloud.answer(["hang"])

        assert error.value.failure.error_type == error_type
        assert json.loads(error.value.failure.document)["errorMessage"].endswith(f" Error: {message}")
        assert cloud.log("REPORT")[0].endswith(f"\tStatus: error\tError Type: {error_type}")


async def test_an_extension_that_cannot_be_started_fails_the_init(tmp_path: Path) -> None:
    function = extended(tmp_path, "plain")
    program = function.layers[0] / "extensions" / "plain"
    program.chmod(0o644)
    async with local_lambda(function, folder=tmp_path) as cloud:
        with pytest.raises(FunctionError) as error:
            await cloud.answer(["send", "never"])

        assert error.value.failure.error_type == "Extension.LaunchError"
        sentence = f" Error: {program} cannot be started: Permission denied"
        assert json.loads(error.value.failure.document)["errorMessage"].endswith(sentence)
        line = "EXTENSION\tName: plain\tState: LaunchError\tEvents: []\tError Type: PermissionDenied"
        assert cloud.log("EXTENSION") == [line] * 2


async def test_a_function_has_ten_extensions_at_most(tmp_path: Path) -> None:
    """Those that were started by then are ended again."""
    function = extended(tmp_path, *(f"e{number:02}" for number in range(11)), environment={"EVENTS": ""})
    async with local_lambda(function, folder=tmp_path) as cloud:
        with pytest.raises(FunctionError, match="A function has at most 10 extensions; .*/e10 is too many") as error:
            await cloud.answer(["send", "never"])

        assert error.value.failure.error_type == "Extension.LaunchError"
        assert cloud.log("EXTENSION\tName: e10")[0].endswith(
            "State: LaunchError\tEvents: []\tError Type: TooManyExtensions"
        )


async def test_an_extension_stands_still_between_invocations(tmp_path: Path) -> None:
    async with local_lambda(extended(tmp_path, "witness"), folder=tmp_path) as cloud:
        await cloud.answer(["send", "one"])
        processes = [child for child in psutil.Process().children() if "extension.py" in " ".join(child.cmdline())]
        (witness,) = processes
        await until(lambda: witness.status() == psutil.STATUS_STOPPED)
        assert await cloud.answer(["send", "two"]) == "two"


async def test_an_idle_environment_tells_its_extensions_before_it_expires(tmp_path: Path) -> None:
    """Though they stood still."""
    async with local_lambda(extended(tmp_path, "witness"), folder=tmp_path) as cloud:
        cloud.surroundings.idle_seconds = 0.05
        await cloud.answer(["send", "one"])
        await until(lambda: cloud.log("witness leaves"))
        assert heard(cloud, "witness")[-1]["shutdownReason"] == "spindown"


async def test_an_extension_lacks_the_variables_of_the_runtime_alone(tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    (layer / "extensions").mkdir(parents=True)
    program = layer / "extensions" / "curious"
    program.write_text(f'#!/bin/sh\n"{sys.executable}" -c "import os; print(*sorted(os.environ))"\nexit 1\n')
    program.chmod(0o755)
    function = a_function("managed", runtime="python3.13", handler="managed.echo", layers=(layer,))
    async with local_lambda(function, folder=tmp_path, overrides={"MINE": "1"}) as cloud:
        with pytest.raises(FunctionError):
            await cloud.answer(["send", "never"])

        names = set(cloud.lines[0].split()[1:])
        assert {"MINE", "AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_FUNCTION_NAME", "AWS_SESSION_TOKEN", "TMPDIR"} <= names
        assert not names & {"_HANDLER", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "AWS_LAMBDA_LOG_STREAM_NAME"}


async def test_telemetry_is_refused_so_that_the_extension_lives_on(tmp_path: Path) -> None:
    """The log says that none will come."""
    function = extended(tmp_path, "meter", environment={"METER_DOES": "telemetry"})
    async with local_lambda(function, folder=tmp_path) as cloud:
        assert await cloud.answer(["send", "one"]) == "one"
        assert "Worker  The Telemetry API is not emulated: the extension that asks for it gets nothing" in cloud.lines
        await until(lambda: len(cloud.log("meter is told")) == 2)
        answers = [json.loads(line.partition("is told ")[2]) for line in cloud.log("meter is told")]
        assert answers[1]["errorType"] == "Telemetry.NotSupported"


async def test_no_extension_outlives_a_function_that_is_stopped_at_its_start(tmp_path: Path) -> None:
    """Not even when its domain is ended before all of it has begun."""
    async with local_lambda(extended(tmp_path, "witness", "other"), folder=tmp_path) as cloud:
        invocation = cloud.invoke(["send", "never"])
        await until(lambda: any("extension.py" in " ".join(c.cmdline()) for c in psutil.Process().children()))
        await cloud.dispatcher.close()
        assert invocation.failure is not None, "and the fixture looks for what is left"
