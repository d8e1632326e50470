"""The life of an environment with a real worker process: init, events one at a time, and every way to end."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from local.environment import execution, memory, start
from local.environment.boot import ColdBoot, Premises
from local.environment.domain import Domain
from local.environment.filesystem import mount_layers
from local.environment.memory import max_memory_mb
from local.environment.reaper import Reaper
from local.invocation import Failure, FunctionError, Invocation, ReplyCutError
from tests.local.fakes.environment import FUNCTIONS, a_function
from tests.local.fakes.local_lambda import Gate, LocalLambda, is_alive, local_lambda, read_all
from tests.local.fakes.raw_worker import until

pytestmark = pytest.mark.anyio

MANAGED = {"runtime": "python3.13", "handler": "managed.echo"}
INIT_REPORT = r"INIT_REPORT Init Duration: \d+\.\d\d ms\tPhase: init\tStatus: "
RETRY_REPORT = INIT_REPORT.replace("Phase: init", "Phase: invoke")


def report(request_id: str, status: str = "", *, cold: bool = True) -> str:
    """The pattern of a REPORT line."""
    figures = rf"REPORT RequestId: {request_id}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\t"
    figures += r"Memory Size: 128 MB\tMax Memory Used: [1-9]\d* MB\t"
    return figures + (r"Init Duration: \d+\.\d\d ms\t" if cold else "") + status


def message(failure: Failure) -> str:
    return str(json.loads(failure.document)["errorMessage"])


async def test_an_invocation_is_logged_as_lambda_logs_it(tmp_path: Path) -> None:
    """START, what the function prints, END, REPORT; the init phase is part of the first one only."""
    async with local_lambda(a_function(environment={"AT_START": "print hello"}), folder=tmp_path) as cloud:
        first = cloud.invoke(["print", "at work"], ["send", "one"])
        assert await read_all(first) == "one"
        await first.completed.wait()
        second = cloud.invoke(["send", "two"])
        assert await read_all(second) == "two"
        await second.completed.wait()

        assert (first.cold_start, second.cold_start) == (True, False)
        assert cloud.lines[:3] == [
            "Worker  hello",
            f"Worker  START RequestId: {first.request_id} Version: $LATEST",
            "Worker  at work",
        ]
        assert cloud.lines[3] == f"Worker  END RequestId: {first.request_id}"
        assert re.fullmatch("Worker  " + report(first.request_id), cloud.lines[4])
        assert cloud.lines[5:7] == [
            f"Worker  START RequestId: {second.request_id} Version: $LATEST",
            f"Worker  END RequestId: {second.request_id}",
        ]
        assert re.fullmatch("Worker  " + report(second.request_id, cold=False), cloud.lines[7])
        assert len(cloud.lines) == 8


async def test_the_chunks_of_a_reply_arrive_while_the_function_runs(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        invocation = cloud.invoke(["send", "one"], ["wait", gate.path], ["send", "two"])

        assert await invocation.started() == "text/plain"
        assert await invocation.reply.read() == b"one"
        gate.open()
        assert await invocation.reply.read() == b"two"
        assert await invocation.reply.read() is None
    gate.close()


async def test_an_invocation_is_over_when_the_runtime_asks_for_the_next(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        invocation = cloud.invoke(["send", "all"], ["end"], ["wait", gate.path], ["exit", 0])
        assert await read_all(invocation) == "all"
        assert not invocation.completed.is_set()

        gate.open()
        await invocation.completed.wait()

        assert re.fullmatch(
            report(invocation.request_id, "Status: error\tError Type: Runtime.ExitError"), cloud.lines[-1][8:]
        )
        assert invocation.failure is None, "the caller has got everything"
    gate.close()


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (["exit", 0], "Runtime exited without providing a reason"),
        (["exit", 1], "Runtime exited with error: exit status 1"),
        (["exit", 137], "Runtime exited with error: exit status 137"),
        (["kill", signal.SIGKILL], "Runtime exited with error: signal: killed"),
        (["kill", signal.SIGSEGV], "Runtime exited with error: signal: segmentation fault"),
    ],
)
async def test_a_crash_before_the_first_byte_is_the_callers_error(
    tmp_path: Path, end: list[str | int], reason: str
) -> None:
    """In Lambda's words, and the next invocation gets a new runtime."""
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        invocation = cloud.invoke(end)
        with pytest.raises(FunctionError) as error:
            await invocation.started()
        await invocation.completed.wait()

        text = f"RequestId: {invocation.request_id} Error: {reason}"
        assert not isinstance(error.value, ReplyCutError)
        assert error.value.failure == Failure.of("Runtime.ExitError", text)
        assert [line[8:] for line in cloud.lines[:-1]] == [
            f"START RequestId: {invocation.request_id} Version: $LATEST",
            text,
            "Runtime.ExitError",
            f"END RequestId: {invocation.request_id}",
        ]
        status = "Status: error\tError Type: Runtime.ExitError"
        assert re.fullmatch(report(invocation.request_id, status), cloud.lines[-1][8:])
        assert await cloud.answer(["send", "alive"]) == "alive"


@pytest.mark.parametrize("end", [["exit", 0], ["kill", signal.SIGKILL]])
async def test_a_crash_after_the_first_byte_cuts_the_reply(tmp_path: Path, end: list[str | int]) -> None:
    """Whichever is noticed first, the lost connection or the end of the process: it is no clean end."""
    gate = Gate(tmp_path)
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        invocation = cloud.invoke(["send", "some"], ["wait", gate.path], end)
        assert await invocation.reply.read() == b"some"
        gate.open()
        with pytest.raises(ReplyCutError) as error:
            await invocation.reply.read()
        await invocation.completed.wait()

        assert error.value.failure.error_type in ("Runtime.TruncatedResponse", "Runtime.ExitError")
        assert cloud.log("REPORT")[0].endswith("\tStatus: error\tError Type: Runtime.ExitError")
    gate.close()


async def test_an_error_that_the_runtime_reports_leaves_the_environment_alive(tmp_path: Path) -> None:
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        pid = await cloud.answer(["send_pid"])
        with pytest.raises(FunctionError) as error:
            await cloud.answer(["fail", "Function.Told"])

        assert error.value.failure == Failure("Function.Told", b'{"errorMessage":"as told"}')
        assert await cloud.answer(["send_pid"]) == pid


def assert_log(cloud: LocalLambda, *patterns: str) -> None:
    """The log has a line for each of *patterns*, and no other."""
    texts = [line.removeprefix("Worker  ") for line in cloud.lines]
    for text, pattern in zip(texts, patterns, strict=True):
        assert re.fullmatch(pattern, text), (text, pattern)


async def test_an_init_phase_that_exits_is_tried_again_by_the_invocation(tmp_path: Path) -> None:
    """And fails it when it exits again: that init is part of the invocation, and has a report of its own."""
    async with local_lambda(a_function(environment={"AT_START": "exit 3"}), folder=tmp_path) as cloud:
        invocation = cloud.invoke(["send", "never"])
        with pytest.raises(FunctionError) as error:
            await invocation.started()
        await invocation.completed.wait()

        text = f"RequestId: {invocation.request_id} Error: Runtime exited with error: exit status 3"
        status = "Status: error\tError Type: Runtime.ExitError"
        assert error.value.failure == Failure.of("Runtime.ExitError", text)
        assert_log(
            cloud,
            "about to leave",
            INIT_REPORT + status.removeprefix("Status: "),
            "about to leave",
            RETRY_REPORT + status.removeprefix("Status: "),
            rf"START RequestId: {invocation.request_id} Version: \$LATEST",
            text,
            "Runtime.ExitError",
            f"END RequestId: {invocation.request_id}",
            report(invocation.request_id, status, cold=False).replace("[1-9]", ""),  # nobody looked in time
        )


async def test_an_init_error_that_the_runtime_reports_is_the_callers_error(tmp_path: Path) -> None:
    async with local_lambda(a_function(environment={"AT_START": "fail"}), folder=tmp_path) as cloud:
        with pytest.raises(FunctionError) as error:
            await cloud.answer(["send", "never"])

        assert error.value.failure == Failure("Runtime.NoGood", b'{"errorMessage":"no good"}')
        assert re.fullmatch(INIT_REPORT + r"error\tError Type: Runtime\.NoGood", cloud.lines[0][8:])
        assert re.fullmatch(RETRY_REPORT + r"error\tError Type: Runtime\.NoGood", cloud.lines[1][8:])
        assert cloud.lines[-1].endswith("\tStatus: error\tError Type: Runtime.NoGood")


async def test_an_init_phase_has_a_limit_and_its_retry_the_functions_timeout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "INIT_LIMIT_SECONDS", 0.25)
    function = a_function(environment={"AT_START": "hang"}, timeout_seconds=1)
    async with local_lambda(function, folder=tmp_path) as cloud:
        invocation = cloud.invoke(["send", "never"])
        with pytest.raises(FunctionError) as error:
            await invocation.started()

        text = f"RequestId: {invocation.request_id} Error: Task timed out after 1.00 seconds"
        assert error.value.failure == Failure.of("Sandbox.Timedout", text)
        assert_log(
            cloud,
            INIT_REPORT + "timeout",
            RETRY_REPORT + "timeout",
            rf"START RequestId: {invocation.request_id} Version: \$LATEST",
            rf"\S+Z {invocation.request_id} Task timed out after 1\.00 seconds",
            f"END RequestId: {invocation.request_id}",
            report(invocation.request_id, "Status: timeout", cold=False),
        )


async def test_an_init_that_succeeds_when_tried_again_is_part_of_the_invocation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no report of its own, and its time counts as that of the handler."""
    monkeypatch.setattr(start, "INIT_LIMIT_SECONDS", 0.25)
    gate = Gate(tmp_path)
    async with local_lambda(a_function(environment={"AT_START": f"wait {gate.path}"}), folder=tmp_path) as cloud:
        invocation = cloud.invoke(["send", "at last"])
        await until(lambda: cloud.log("INIT_REPORT"))
        for _ in range(2):  # the one that is killed just now may take one of them
            gate.open()
        assert await read_all(invocation) == "at last"
        await invocation.completed.wait()

        assert_log(
            cloud,
            INIT_REPORT + "timeout",
            rf"START RequestId: {invocation.request_id} Version: \$LATEST",
            f"END RequestId: {invocation.request_id}",
            report(invocation.request_id, cold=False),
        )
        assert invocation.timings.handed_over is not None
        assert invocation.timings.first_byte is not None
        assert invocation.timings.first_byte - invocation.timings.handed_over > 0.01, "a Python has started meanwhile"
    gate.close()


@pytest.mark.parametrize("end", ["crash", "timeout"])
async def test_an_environment_is_reset_and_keeps_its_temporary_folder(tmp_path: Path, end: str) -> None:
    """The next invocation initializes another runtime in it, without an init phase that is reported."""
    async with local_lambda(a_function(timeout_seconds=2 if end == "timeout" else 10), folder=tmp_path) as cloud:
        old = await cloud.answer(["send_pid"])
        assert await cloud.answer(["write_temporary", "kept"]) == "kept"
        with pytest.raises(FunctionError):
            await cloud.invoke(["exit", 1] if end == "crash" else ["hang"]).started()

        invocation = cloud.invoke(["write_temporary", " "], ["send_pid"])
        kept, new = (await read_all(invocation)).split()
        await invocation.completed.wait()

        assert kept == "kept"
        assert (invocation.cold_start, new != old) == (True, True)
        assert re.fullmatch(report(invocation.request_id, cold=False), cloud.log("REPORT")[-1])
        assert len(cloud.log("INIT_REPORT")) == 0
        assert len(list(cloud.folder.iterdir())) == 1
        assert not is_alive(int(old))


async def test_a_suppressed_init_counts_towards_the_timeout(tmp_path: Path) -> None:
    """From the invocation's beginning to the deadline that its runtime is told."""
    async with local_lambda(a_function(timeout_seconds=1), folder=tmp_path) as cloud:
        with pytest.raises(FunctionError):
            await cloud.answer(["exit", 1])
        invocation = cloud.invoke(["hang"])
        await until(lambda: invocation.timings.handed_over)
        assert cloud.log(f"START RequestId: {invocation.request_id}") == [], "the runtime is not even there yet"

        with pytest.raises(FunctionError):
            await invocation.started()
        assert 990 <= float(cloud.log("REPORT")[-1].split("\t")[1].split()[1]) < 2000


async def test_an_old_environment_is_given_up_after_its_invocation(tmp_path: Path) -> None:
    """Every few hours on AWS; the next invocation has an init phase again."""
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        old = int(await cloud.answer(["send_pid"]))
        cloud.surroundings.lifetime_seconds = 0
        assert await cloud.answer(["send_pid"]) == str(old)
        await until(lambda: not is_alive(old))

        await cloud.answer(["send", "new"])
        assert "Init Duration" in cloud.log("REPORT")[-1]


def without_bootstrap(folder: Path) -> Path:
    return folder


def with_bootstrap(folder: Path, text: str, mode: int) -> Path:
    (folder / "bootstrap").write_text(text)
    (folder / "bootstrap").chmod(mode)
    return folder


@pytest.mark.parametrize(
    "case", ["missing", "not executable", "no interpreter", "no such runtime", "no folder", "no wrapper"]
)
async def test_what_cannot_be_started_is_an_invalid_entrypoint(tmp_path: Path, case: str) -> None:
    """The log says what is wrong, not only the caller."""
    code = tmp_path / "code"
    code.mkdir()
    bootstrap = code / "bootstrap"
    function = a_function(code=code)
    opt = r"\S+/opt"
    if case == "missing":
        sentence = rf"Couldn't find valid bootstrap\(s\): {bootstrap}, {opt}/bootstrap"
    elif case == "not executable":
        with_bootstrap(code, "#!/bin/sh\n", 0o644)
        sentence = f"{bootstrap} is not executable: run chmod \\+x on it"
    elif case == "no interpreter":
        with_bootstrap(code, "#!/no/such/program\n", 0o755)
        sentence = f"{bootstrap} cannot be started: No such file or directory"
    elif case == "no such runtime":
        function = a_function(code=code, runtime="nodejs22.x")
        sentence = "runtime nodejs22.x is not emulated: use python3.x, or provided.al2023 with a bootstrap"
    elif case == "no folder":
        function = a_function(code=code, **MANAGED)
        code.rmdir()
        sentence = f"the folder {code}, where the code was, does not exist any more"
    else:
        function = a_function(code=code, **MANAGED, environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"})
        sentence = rf"Couldn't find valid bootstrap\(s\): {opt}/wrapper"

    async with local_lambda(function, folder=tmp_path) as cloud:
        with pytest.raises(FunctionError) as error:
            await cloud.answer(["send", "never"])

        assert error.value.failure.error_type == "Runtime.InvalidEntrypoint"
        assert re.fullmatch(rf"RequestId: \S+ Error: {sentence}", message(error.value.failure))
        status = "error\tError Type: Runtime.InvalidEntrypoint"
        assert re.fullmatch(INIT_REPORT + status, cloud.lines[0][8:])
        assert re.fullmatch(RETRY_REPORT + status, cloud.lines[1][8:])
        assert cloud.lines[3] == f"Worker  {message(error.value.failure)}"


async def test_layers_that_cannot_be_merged_fail_the_invocation_with_a_sentence(tmp_path: Path) -> None:
    """A file where another layer has a folder."""
    (tmp_path / "one" / "thing").mkdir(parents=True)
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "thing").touch()
    function = a_function(layers=(tmp_path / "one", tmp_path / "two"))

    async with local_lambda(function, folder=tmp_path) as cloud:
        with pytest.raises(FunctionError) as error:
            await cloud.answer(["send", "never"])

        assert error.value.failure.error_type == "Sandbox.Failure"
        assert message(error.value.failure).startswith("The environment cannot be made: ")


async def test_the_timeout_ends_the_invocation_before_and_after_the_first_byte(tmp_path: Path) -> None:
    """At the configured second, in Lambda's words; the time counts from the hand-over."""
    async with local_lambda(a_function(timeout_seconds=1), folder=tmp_path) as cloud:
        silent = cloud.invoke(["hang"])
        talking = cloud.invoke(["send_pid"], ["hang"])
        pid = int(await talking.reply.read() or b"")
        with pytest.raises(FunctionError) as before:
            await silent.started()
        with pytest.raises(ReplyCutError) as after:
            await talking.reply.read()
        await asyncio.gather(silent.completed.wait(), talking.completed.wait())

        assert not isinstance(before.value, ReplyCutError)
        for invocation, error in ((silent, before), (talking, after)):
            text = f"RequestId: {invocation.request_id} Error: Task timed out after 1.00 seconds"
            assert error.value.failure == Failure.of("Sandbox.Timedout", text)
            (line,) = [line for line in cloud.log("REPORT") if invocation.request_id in line]
            assert re.fullmatch(report(invocation.request_id, "Status: timeout"), line)
            duration_ms = float(line.split("\t")[1].split()[1])
            assert 990 <= duration_ms < 2000
            time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
            sentence = rf"{time} {invocation.request_id} Task timed out after 1\.00 seconds"
            assert any(re.fullmatch(sentence, line[8:]) for line in cloud.lines)
        await until(lambda: not is_alive(pid))


@pytest.mark.parametrize("end", ["timeout", "crash", "stop"])
async def test_the_children_of_a_worker_end_with_it(tmp_path: Path, end: str) -> None:
    """Also one that holds the worker's output open: nobody waits for it."""
    async with local_lambda(a_function(timeout_seconds=1 if end == "timeout" else 10), folder=tmp_path) as cloud:
        gate = Gate(tmp_path)
        invocation = cloud.invoke(["child"], ["wait", gate.path], ["exit", 1])
        pid = int(await invocation.reply.read() or b"")
        assert is_alive(pid)
        if end == "crash":
            gate.open()
        if end == "stop":
            await cloud.dispatcher.close()
        await invocation.completed.wait()
        await until(lambda: not is_alive(pid))
        gate.close()


async def test_a_daemon_that_left_the_group_and_holds_the_output_delays_the_end_only_a_moment(tmp_path: Path) -> None:
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        invocation = cloud.invoke(["daemon"], ["print", "last words"], ["exit", 1])
        pid = int(await invocation.reply.read() or b"")
        try:
            await invocation.completed.wait()
            assert cloud.log("last words") == ["last words"]
            assert cloud.log("REPORT")[0].endswith("Status: error\tError Type: Runtime.ExitError")
        finally:
            os.kill(pid, signal.SIGKILL)


async def test_a_worker_that_ends_while_idle_is_not_given_another_event(tmp_path: Path) -> None:
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        daemon, worker = map(int, (await cloud.answer(["daemon"], ["send", " "], ["send_pid"])).split())
        os.kill(worker, signal.SIGKILL)
        await until(lambda: not psutil.pid_exists(worker))  # its end was noticed; its output is still waited for
        try:
            assert await cloud.answer(["send", "from another"]) == "from another"
        finally:
            os.kill(daemon, signal.SIGKILL)


async def test_an_environment_has_its_own_temporary_folder_which_goes_with_it(tmp_path: Path) -> None:
    """It is kept between invocations of one environment, and no other sees it."""
    gate = Gate(tmp_path)
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        assert await cloud.answer(["write_temporary", "a"]) == "a"
        busy = cloud.invoke(["write_temporary", "b"], ["wait", gate.path])
        assert await busy.reply.read() == b"ab"
        other = cloud.invoke(["write_temporary", "c"])
        assert await other.reply.read() == b"c"
        gate.open()
        await asyncio.gather(busy.completed.wait(), other.completed.wait())

        assert len(list(cloud.folder.glob("*/tmp/kept"))) == 2
    gate.close()


async def test_long_lines_and_odd_bytes_of_output_reach_the_log(tmp_path: Path) -> None:
    bootstrap = (
        "#!/bin/sh\nprintf 'caf\\351\\n'; head -c 2000000 /dev/zero | tr '\\0' x; printf '\\nno newline'; exit 7\n"
    )
    async with local_lambda(a_function(code=with_bootstrap(tmp_path, bootstrap, 0o755)), folder=tmp_path) as cloud:
        with pytest.raises(FunctionError, match="exit status 7"):
            await cloud.answer(["send", "never"])

        assert cloud.lines[0] == "Worker  caf\ufffd"
        pieces = cloud.log("x")
        assert sum(map(len, pieces)) == 2 * 2_000_000, "from the init phase, and from the init within the invocation"
        assert len(pieces) > 2
        assert "Worker  no newline" in cloud.lines


async def test_a_managed_function_runs_under_awss_own_runtime_client(tmp_path: Path) -> None:
    """Its buffered JSON reply, and its layers' Python folders on the path."""
    for name, text in (("one", "1"), ("two", "2")):
        (tmp_path / name / "python").mkdir(parents=True)
        (tmp_path / name / "python" / f"from_{name}.py").write_text("")
        (tmp_path / name / "python" / "shared.py").write_text(f"layer = {text!r}\n")
    layers = (tmp_path / "one", tmp_path / "two")
    function = a_function("managed", **MANAGED, layers=layers)

    async with local_lambda(function, folder=tmp_path) as cloud:
        invocation = cloud.invoke(["any", "event"])
        assert await invocation.started() == "application/json"
        answer = json.loads(await read_all(invocation))

        assert answer == {
            "event": [["any", "event"]],
            "layer": "2",
            "found": ["from_one", "from_two"],
            "request_id": invocation.request_id,
            "function_name": "test-worker",
            "memory": "128",
            "trace_id": None,
        }
        await invocation.completed.wait()
        with pytest.raises(FunctionError) as error:
            await cloud.answer(["raise"])
        document = json.loads(error.value.failure.document)
        assert (document["errorType"], document["errorMessage"]) == ("ValueError", "as asked")


async def test_a_managed_function_that_cannot_be_imported_fails_its_init(tmp_path: Path) -> None:
    function = a_function("managed", runtime="python3.13", handler="no_such_module.handler")
    async with local_lambda(function, folder=tmp_path) as cloud:
        with pytest.raises(FunctionError) as error:
            await cloud.answer()

        assert error.value.failure.error_type == "Runtime.ImportModuleError"
        (first, again) = cloud.log("INIT_REPORT")
        assert re.fullmatch(INIT_REPORT + "error\tError Type: Runtime.ImportModuleError", first)
        assert re.fullmatch(RETRY_REPORT + "error\tError Type: Runtime.ImportModuleError", again)


async def test_a_wrapper_gets_the_interpreter_and_the_script_it_stands_for(tmp_path: Path) -> None:
    wrapper = tmp_path / "layer" / "wrapper"
    wrapper.parent.mkdir()
    wrapper.write_text('#!/bin/sh\necho "$@"\nexit 5\n')
    wrapper.chmod(0o755)
    function = a_function(
        "managed", **MANAGED, layers=(wrapper.parent,), environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"}
    )
    async with local_lambda(function, folder=tmp_path) as cloud:
        with pytest.raises(FunctionError, match="exit status 5"):
            await cloud.answer()

        managed = Path(execution.__file__).parent.parent / "managed_runtime" / "bootstrap.py"
        assert cloud.lines[0] == f"Worker  {sys.executable} {managed}"


async def test_an_environment_keeps_the_code_and_the_layer_that_links_led_to_when_it_began(tmp_path: Path) -> None:
    """What it imports later, too."""
    for build in ("old", "new"):
        (tmp_path / build / "layer" / "python").mkdir(parents=True)
        (tmp_path / build / "app.py").write_text(
            f"def handler(event, context):\n    if event:\n        import late\n        return '{build}', late.layer\n"
        )
        (tmp_path / build / "layer" / "python" / "late.py").write_text(f"layer = '{build}'")
    link = tmp_path / "link"
    link.symlink_to("old")
    function = a_function(code=link, layers=(link / "layer",), runtime="python3.13", handler="app.handler")
    async with local_lambda(function, folder=tmp_path / "environments") as cloud:
        await cloud.answer()
        link.unlink()
        link.symlink_to("new")

        assert await cloud.answer(["import"]) == '["old", "old"]'
        cloud.dispatcher.outdate(function)
        assert await cloud.answer(["import"]) == '["new", "new"]'


def test_one_layer_is_used_where_it_lies_and_none_is_an_empty_folder(tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    layer.mkdir()

    assert mount_layers((layer,), tmp_path / "a") == layer
    assert list(mount_layers((), tmp_path / "a").iterdir()) == []


def test_a_later_layer_lies_over_an_earlier_one(tmp_path: Path) -> None:
    for name, files in (("one", ["bin/tool", "python/a.py", "same"]), ("two", ["python/b.py", "same", "bin/tool"])):
        for file in files:
            (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / file).write_text(name)
            (tmp_path / name / file).chmod(0o755)
    (tmp_path / "one" / "python" / "__pycache__").mkdir()

    opt = mount_layers((tmp_path / "one", tmp_path / "two"), tmp_path / "environment")

    found = {str(path.relative_to(opt)): path.read_text() for path in opt.rglob("*") if path.is_file()}
    assert found == {"bin/tool": "two", "python/a.py": "one", "python/b.py": "two", "same": "two"}
    assert os.access(opt / "bin/tool", os.X_OK)
    assert not (opt / "python" / "__pycache__").exists()


def test_the_memory_of_a_process_is_its_peak_in_mebibytes() -> None:
    used = psutil.Process().memory_info().rss / 2**20

    assert used * 0.9 < max_memory_mb(os.getpid()) < used * 10
    ended = subprocess.Popen(["true"])
    ended.wait()
    with pytest.raises(ProcessLookupError):
        max_memory_mb(ended.pid)


PARENT = """
import asyncio, sys
from pathlib import Path
import uvloop
from tests.local.fakes.environment import a_function
from tests.local.fakes.local_lambda import LocalLambda

async def main():
    cloud = LocalLambda(a_function(), folder=Path(sys.argv[1]))
    pids = []
    for invocation in [cloud.invoke(["child"], ["send", " "], ["send_pid"], ["end"], ["hang"]) for _ in range(2)]:
        await invocation.started()
        while (piece := await invocation.reply.read()) is not None:
            pids.append(piece.decode())
        pids.append(" ")
    print("".join(pids), flush=True)
    await asyncio.Event().wait()

with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main())
"""


async def test_no_worker_and_no_folder_outlives_an_emulator_that_is_killed(tmp_path: Path) -> None:
    """The reaper ends the workers' process groups, whatever they are doing."""
    folder = tmp_path / "emulator"
    root = Path(__file__).parent.parent.parent
    async with asyncio.timeout(20):
        parent = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PARENT, str(folder), stdout=asyncio.subprocess.PIPE, cwd=root
        )
        assert parent.stdout is not None
        pids = [int(pid) for pid in (await parent.stdout.readline()).split()]
        assert len(pids) == 4
        assert all(map(is_alive, pids))
        assert len(list(folder.iterdir())) == 2

        parent.kill()
        await parent.stdout.read()  # until the reaper, which shares it, has ended too
        await parent.wait()

        await until(lambda: not any(map(is_alive, pids)))
        await until(lambda: not folder.exists())


async def test_an_emulator_whose_reaper_was_killed_works_without_it(tmp_path: Path) -> None:
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        children = psutil.Process().children()
        (reaper,) = [child for child in children if str(cloud.folder) in child.cmdline()]
        reaper.kill()
        await until(lambda: not is_alive(reaper.pid))

        assert await cloud.answer(["send", "all the same"]) == "all the same"
        await cloud.dispatcher.close()
        cloud.folder.rmdir()


def test_a_reaper_leaves_alone_what_it_was_told_to_forget(tmp_path: Path) -> None:
    kept, ended = (subprocess.Popen(["sleep", "60"], start_new_session=True) for _ in range(2))
    reaper = Reaper(tmp_path / "folder")
    reaper.watch(kept.pid)
    reaper.watch(ended.pid)
    reaper.forget(kept.pid)

    reaper.close()

    assert ended.wait(5) == -signal.SIGKILL
    assert kept.poll() is None
    kept.kill()
    kept.wait()


class Witness:
    """In an environment's place: told by a domain, and only keeps it."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def domain_ready(self) -> None:
        self.told.append("ready")

    def domain_restoring(self) -> None:
        self.told.append("restoring")

    def domain_broke(self, error_type: str, reason: str) -> None:
        self.told.append(error_type)

    def domain_failed(self, failure: Failure) -> None:
        self.told.append(failure.error_type)


def a_domain(cloud: LocalLambda, witness: Witness) -> Domain:
    """One that was not started."""
    premises = Premises(cloud.function, "stream", cloud.folder, cloud.folder, (), cloud.lines.append)
    return Domain(witness, premises, cloud.surroundings, ColdBoot(cloud.surroundings.world))


async def test_of_what_a_given_up_worker_still_asks_nothing_is_heard(tmp_path: Path) -> None:
    """Its last `next` may have been on the way when its time was up."""
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        witness = Witness()
        domain = a_domain(cloud, witness)
        domain.release(Invocation(cloud.function, b"1"))
        domain.shut_down("spindown")

        domain.ready()
        given: list[Invocation] = []
        domain.take(given.append)

        assert (witness.told, given) == ([], [])


async def test_an_offered_event_goes_to_the_first_of_those_that_still_ask(tmp_path: Path) -> None:
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        domain = a_domain(cloud, Witness())
        gone, first, second = (list[Invocation]() for _ in range(3))
        leave, *_ = [domain.take(given.append) for given in (gone, first, second)]
        invocation = Invocation(cloud.function, b"1")

        leave()
        domain.release(invocation)

        assert (gone, first, second) == ([], [invocation], [])


def test_the_test_functions_are_there() -> None:
    assert os.access(FUNCTIONS / "worker" / "bootstrap", os.X_OK)


async def test_a_worker_that_takes_too_much_memory_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Lambda's words; the log says how much it was given, and that it had all of it."""
    monkeypatch.setattr(memory, "CHECK_SECONDS", 0.01)
    gate = Gate(tmp_path)
    async with local_lambda(a_function(memory_mb=128), folder=tmp_path) as cloud:
        invocation = cloud.invoke(["send", "begun"], ["take_memory", 200], ["wait", gate.path])
        with pytest.raises(ReplyCutError) as caught:
            await read_all(invocation)
        await invocation.completed.wait()

        assert caught.value.failure.error_type == "Runtime.OutOfMemory"
        assert message(caught.value.failure).endswith("Error: Runtime exited with error: signal: killed")
        (line,) = cloud.log("REPORT")
        assert "Max Memory Used: 128 MB" in line
        assert line.endswith("Status: error\tError Type: Runtime.OutOfMemory")
    gate.close()


async def test_a_worker_within_its_memory_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is looked at."""
    monkeypatch.setattr(memory, "CHECK_SECONDS", 0.001)
    async with local_lambda(a_function(memory_mb=256), folder=tmp_path) as cloud:
        assert await cloud.answer(["take_memory", 100], ["send", "done"]) == "done"
