"""SnapStart with both Python runtimes: environments that are forks of one initialized worker, and live as any other."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest

from local.config import Function
from local.environment import snapshot, start, turns
from local.invocation import Failure, FunctionError
from tests.local.fakes.environment import a_function
from tests.local.fakes.local_lambda import Gate, LocalLambda, is_alive, local_lambda, read_all
from tests.local.fakes.raw_worker import until

pytestmark = pytest.mark.anyio

LAYER = Path(__file__).parents[2] / "functions/layers/streaming"
OURS = {"layers": (LAYER,), "environment": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap"}}
both_runtimes = pytest.mark.parametrize("runtime", [OURS, {}], ids=["ours", "aws"])
Runtime = Mapping[str, object]

# A function that tells whatever it is asked.
APP = """
import asyncio, os, random, secrets, sys, tempfile, threading, time, uuid
from snapshot_restore_py import register_after_restore, register_before_snapshot
seen = [os.getpid()]
folder = tempfile.gettempdir()
random.seed(1)
register_before_snapshot(lambda: seen.append("before"))
register_after_restore(lambda: seen.append("after"))

def handler(event, context):
    return eval(event[0])
"""
EMPTY = "def handler(event, context):\n    return 'here'\n"


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop the emulator runs on."""
    return "asyncio", {"use_uvloop": True}


def restorable(folder: Path, runtime: Runtime, source: str = APP, **fields: object) -> Function:
    """A function with SnapStart whose code is *source*."""
    (folder / "app.py").write_text(source)
    return a_function(
        **{"runtime": "python3.13", "handler": "app.handler", "code": folder, "snap_start": True, **runtime, **fields}
    )


async def tell(cloud: LocalLambda, what: str) -> Any:
    """The value of the expression *what* in an environment."""
    return json.loads(await cloud.answer(what))  # type: ignore[arg-type]  # a step of one word


async def tell_at_once(cloud: LocalLambda, *what: str) -> list[Any]:
    """The values of expressions, each from an environment of its own: none is idle before all have been asked."""
    return await asyncio.gather(*(tell(cloud, one) for one in what))


@both_runtimes
async def test_every_environment_is_a_fork_of_one_initialized_worker(runtime: Runtime, tmp_path: Path) -> None:
    """A process and a process group of its own, with what was initialized; the hooks have run once each."""
    async with local_lambda(restorable(tmp_path, runtime), folder=tmp_path) as cloud:
        told = await tell_at_once(cloud, *["[os.getpid(), os.getpgid(0), os.getppid(), seen]"] * 3)

        assert len({pid for pid, *_ in told}) == 3
        for pid, group, parent, seen in told:
            assert group == pid
            assert seen == [parent, "before", "after"]


@both_runtimes
async def test_an_environment_has_its_own_surroundings(runtime: Runtime, tmp_path: Path) -> None:
    """Variables, a folder for its files, a Runtime API; and the log names of the function are nowhere, as on AWS."""
    names = ("AWS_LAMBDA_RUNTIME_API", "TMPDIR")
    async with local_lambda(restorable(tmp_path, runtime), folder=tmp_path) as cloud:
        asked = "[tempfile.gettempdir(), dict(os.environ), folder]"
        (temporary, one, folder), (_, other, _) = await tell_at_once(cloud, asked, asked)

        assert one["AWS_LAMBDA_INITIALIZATION_TYPE"] == "snap-start"
        assert temporary == one["TMPDIR"] != folder
        assert {name for name in one if one[name] != other.get(name)} == set(names)
        assert not {name for name in one if name.startswith(("LOCAL_LAMBDA", "AWS_LAMBDA_LOG_"))}


@both_runtimes
async def test_random_numbers_differ_between_environments(runtime: Runtime, tmp_path: Path) -> None:
    async with local_lambda(restorable(tmp_path, runtime), folder=tmp_path) as cloud:
        asked = "[random.random(), str(uuid.uuid4()), secrets.token_hex()]"
        one, other = await tell_at_once(cloud, asked, asked)

        assert all(mine != its for mine, its in zip(one, other, strict=True))


@both_runtimes
async def test_modules_are_not_told_of_the_fork(runtime: Runtime, tmp_path: Path) -> None:
    """On AWS there is none; here they are told where threads were lost with it, and locks of these may be left."""
    source = APP + "\nforks = []\nos.register_at_fork(after_in_child=lambda: forks.append(1))\n"
    threads = source + "threading.Thread(target=time.sleep, args=[60], daemon=True).start()\n"
    for code, forks in ((source, []), (threads, [1])):
        async with local_lambda(restorable(tmp_path, runtime, code), folder=tmp_path) as cloud:
            assert await tell(cloud, "forks") == forks


@both_runtimes
async def test_files_of_the_snapshot_are_in_the_folder_of_each_environment(runtime: Runtime, tmp_path: Path) -> None:
    source = APP + "\nopen(f'{folder}/model', 'w').write('trained')\n"
    async with local_lambda(restorable(tmp_path, runtime, source), folder=tmp_path) as cloud:
        assert await tell(cloud, "open(tempfile.gettempdir() + '/model').read()") == "trained"


@both_runtimes
async def test_a_restore_is_logged_and_billed_as_lambda_does(runtime: Runtime, tmp_path: Path) -> None:
    """The init is reported when the snapshot is taken, the restore with each environment, both without a status."""
    async with local_lambda(restorable(tmp_path, runtime), folder=tmp_path) as cloud:
        invocation = cloud.invoke("print('at work')")  # type: ignore[arg-type]
        await invocation.completed.wait()
        assert await tell(cloud, "1") == 1

        lines = [line[8:] for line in cloud.lines]
        assert re.fullmatch(r"INIT_REPORT Init Duration: \d+\.\d\d ms\tPhase: init", lines[0])
        assert re.fullmatch(r"RESTORE_REPORT Restore Duration: \d+\.\d\d ms", lines[1])
        assert lines[2:5] == [
            f"START RequestId: {invocation.request_id} Version: $LATEST",
            "at work",
            f"END RequestId: {invocation.request_id}",
        ]
        assert invocation.cold_start
        first, second = cloud.log("REPORT")
        assert re.search(r"\tRestore Duration: \d+\.\d\d ms\tBilled Restore Duration: \d+ ms\t$", first)
        assert "Restore Duration" not in second


@both_runtimes
async def test_an_environment_freezes_and_expires(runtime: Runtime, tmp_path: Path) -> None:
    async with local_lambda(restorable(tmp_path, runtime), folder=tmp_path) as cloud:
        worker = psutil.Process(await tell(cloud, "os.getpid()"))
        await until(lambda: worker.status() == psutil.STATUS_STOPPED)
        cloud.surroundings.idle_seconds = 0.01
        assert await tell(cloud, "os.getpid()") == worker.pid

        await until(lambda: not is_alive(worker.pid))
        assert await tell(cloud, "os.getpid()") != worker.pid


@both_runtimes
async def test_a_crash_is_told_in_lambdas_words_and_followed_by_another_restore(
    runtime: Runtime, tmp_path: Path
) -> None:
    """The snapshot, as the parent, says how an environment has ended; the next restore is part of an invocation."""
    async with local_lambda(restorable(tmp_path, runtime), folder=tmp_path) as cloud:
        for how, words in (("os._exit(3)", "exit status 3"), ("os.kill(os.getpid(), 9)", "signal: killed")):
            invocation = cloud.invoke(how)  # type: ignore[arg-type]
            with pytest.raises(FunctionError) as error:
                await invocation.started()
            await invocation.completed.wait()

            text = f"RequestId: {invocation.request_id} Error: Runtime exited with error: {words}"
            assert error.value.failure == Failure.of("Runtime.ExitError", text)
        assert await tell(cloud, "seen[1:]") == ["before", "after"]
        assert len(cloud.log("RESTORE_REPORT")) == 1


@both_runtimes
async def test_the_timeout_ends_an_environment_and_what_it_has_started(runtime: Runtime, tmp_path: Path) -> None:
    function = restorable(tmp_path, runtime, timeout_seconds=2)
    async with local_lambda(function, folder=tmp_path) as cloud:
        asked = f"[open('{tmp_path}/pid', 'w').write(str(os.getpid())), os.fork(), time.sleep(60)]"
        with pytest.raises(FunctionError) as error:
            await tell(cloud, asked)

        assert error.value.failure.error_type == "Sandbox.Timedout"
        pid = int((tmp_path / "pid").read_text())
        await until(lambda: not [one for one in psutil.process_iter() if is_alive(one.pid) and _group(one.pid) == pid])


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


@both_runtimes
async def test_a_restored_environment_that_takes_too_much_memory_is_killed(runtime: Runtime, tmp_path: Path) -> None:
    function = restorable(tmp_path, runtime, memory_mb=128)
    async with local_lambda(function, folder=tmp_path) as cloud:
        with pytest.raises(FunctionError) as error:
            await tell(cloud, "[bytearray(200 * 2**20), time.sleep(60)]")

        assert error.value.failure.error_type == "Runtime.OutOfMemory"
        assert "\tMax Memory Used: 128 MB\t" in cloud.log("REPORT")[0]


@both_runtimes
async def test_a_change_of_the_code_makes_a_new_snapshot(runtime: Runtime, tmp_path: Path) -> None:
    """Which is taken at once; the old one stays until the last environment that runs on it has ended."""
    gate = Gate(tmp_path)
    function = restorable(tmp_path, runtime)
    async with local_lambda(function, folder=tmp_path) as cloud:
        running = cloud.invoke(f"[open('{gate.path}').read(1), os.getppid()]")  # type: ignore[arg-type]
        await until(lambda: cloud.log("START"))
        restorable(tmp_path, runtime, APP.replace("seen = [os.getpid()]", "seen = ['changed']"))

        cloud.dispatcher.outdate(function)
        await until(lambda: len(cloud.log("INIT_REPORT")) == 2)
        assert await tell(cloud, "seen") == ["changed", "before", "after"]

        gate.open()
        _, old = json.loads(await read_all(running))
        await until(lambda: not is_alive(old))
    gate.close()


@both_runtimes
async def test_an_init_that_fails_is_the_callers_error_and_tried_again(runtime: Runtime, tmp_path: Path) -> None:
    function = restorable(tmp_path, runtime, "raise LookupError('no such page')\n")
    async with local_lambda(function, folder=tmp_path) as cloud:
        for _ in range(2):
            with pytest.raises(FunctionError) as error:
                await tell(cloud, "1")
            assert error.value.failure.error_type == "LookupError"
        assert len(cloud.log("INIT_REPORT")) == 2
        assert cloud.log("INIT_REPORT")[0].endswith("\tPhase: init\tStatus: error\tError Type: LookupError")

        restorable(tmp_path, runtime)
        cloud.dispatcher.outdate(function)
        assert await tell(cloud, "1") == 1


@pytest.mark.parametrize(
    ("when", "error_type", "line"),
    [
        ("before_snapshot", "Runtime.BeforeSnapshotError", r"INIT_REPORT Init Duration: \d+\.\d\d ms\tPhase: init"),
        ("after_restore", "Runtime.AfterRestoreError", r"RESTORE_REPORT Restore Duration: \d+\.\d\d ms"),
    ],
)
@both_runtimes
async def test_a_hook_that_fails_fails_the_invocation(
    runtime: Runtime, when: str, error_type: str, line: str, tmp_path: Path
) -> None:
    source = f"""
import snapshot_restore_py
@snapshot_restore_py.register_{when}
def hook():
    raise LookupError("no such page")
def handler(event, context):
    return 1
"""
    async with local_lambda(restorable(tmp_path, runtime, source), folder=tmp_path) as cloud:
        with pytest.raises(FunctionError) as error:
            await tell(cloud, "1")

        assert error.value.failure.error_type == error_type
        assert json.loads(error.value.failure.document)["errorMessage"] == "no such page"
        report = rf"{line}\tStatus: error\tError Type: {re.escape(error_type)}"
        assert re.fullmatch(report, cloud.log(line.split()[0])[-1])
        assert [text for text in cloud.log("[ERROR]") if "no such page" in text]
        with pytest.raises(FunctionError) as error:
            await tell(cloud, "1")
        assert error.value.failure.error_type == error_type


@pytest.mark.parametrize(
    ("register", "limit", "timeout_seconds", "told"),
    [
        ("register_before_snapshot", (snapshot, "INIT_LIMIT_SECONDS"), 1, "Init phase timed out after 1.00 seconds"),
        ("register_after_restore", (start, "RESTORE_LIMIT_SECONDS"), 10, "Restore phase timed out after 0.50 seconds"),
    ],
)
async def test_init_and_restore_have_a_limit_each(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    register: str,
    limit: tuple[ModuleType, str],
    timeout_seconds: int,
    told: str,
) -> None:
    """An init that is tried again has the function's timeout."""
    source = f"""
import sys, time
from snapshot_restore_py import {register}
@{register}
def hook():
    time.sleep(60)
def handler(event, context):
    return 1
"""
    monkeypatch.setattr(*limit, 0.5)
    function = restorable(tmp_path, OURS, source, timeout_seconds=timeout_seconds)
    async with local_lambda(function, folder=tmp_path) as cloud:
        with pytest.raises(FunctionError) as error:
            await tell(cloud, "1")

        assert error.value.failure == Failure.of("Sandbox.Timedout", told)
        assert cloud.log(f"{told.split()[0].upper()}_REPORT")[-1].endswith("\tStatus: timeout")


ASYNC = """
import asyncio, threading

class Handler:
    async def startup(self):
        self.told = asyncio.Event()
        self.waiting = asyncio.create_task(self.wait())
        await asyncio.sleep(0)

    async def wait(self):
        await self.told.wait()
        return "woken"

    async def __call__(self, event, context):
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0.001)
        threading.Timer(0.01, loop.call_soon_threadsafe, [self.told.set]).start()
        reader, writer = await asyncio.open_connection(*event[0])
        return [await self.waiting, await asyncio.to_thread(str, 1), (await reader.readline()).decode()]

handler = Handler()
"""


async def test_an_event_loop_of_before_the_snapshot_goes_on_in_every_environment(tmp_path: Path) -> None:
    """Each with descriptors of its own: what wakes the loop of one does not wake, or starve, another's."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    address = list(server.sockets[0].getsockname())
    async with server, local_lambda(restorable(tmp_path, OURS, ASYNC), folder=tmp_path) as cloud:
        told = await asyncio.gather(*(cloud.answer(address) for _ in range(4)))

        assert [json.loads(text) for text in told] == [["woken", "1", "hello\n"]] * 4


async def test_threads_that_do_not_survive_are_told_of(tmp_path: Path) -> None:
    source = APP + "\nthreading.Thread(target=time.sleep, args=[60], daemon=True).start()\n"
    async with local_lambda(restorable(tmp_path, OURS, source), folder=tmp_path) as cloud:
        assert await tell(cloud, "threading.active_count()") == 1

        assert [line for line in cloud.lines if "taken while 1 other thread ran" in line]


@pytest.mark.parametrize("runtime", ["provided.al2023", "python3.13"])
async def test_a_runtime_that_cannot_be_copied_is_initialized_in_each_environment(runtime: str, tmp_path: Path) -> None:
    """One that does not know SnapStart, or has an event loop whose descriptors are out of reach; it is told once."""
    if runtime == "python3.13":
        source = "import uvloop\nloop = uvloop.new_event_loop()\ndef handler(event, context):\n    return 'here'\n"
        function, why = restorable(tmp_path, OURS, source), "it has an event loop of uvloop"
    else:
        function, why = a_function(snap_start=True), "its runtime does not know how"
    async with local_lambda(function, folder=tmp_path) as cloud:
        for _ in range(2):
            assert "here" in await cloud.answer(["send", "here"])

        notes = [line for line in cloud.lines if "cannot be restored from a snapshot here" in line]
        assert len(notes) == 1
        assert notes[0].endswith(why)


async def test_a_snapshot_that_is_killed_is_replaced(tmp_path: Path) -> None:
    """Its frozen environments go with it: the system hangs up on stopped processes whose parent has died."""
    async with local_lambda(restorable(tmp_path, OURS), folder=tmp_path) as cloud:
        pid, parent = await tell(cloud, "[os.getpid(), os.getppid()]")
        os.kill(parent, signal.SIGKILL)
        await until(lambda: not is_alive(pid))
        await until(lambda: not list(cloud.folder.iterdir()))

        assert await tell(cloud, "os.getppid()") != parent
        assert cloud.log("its snapshot has ended: Runtime exited with error: signal: killed")


async def test_a_restore_for_which_there_is_no_process_fails_that_invocation_only(tmp_path: Path) -> None:
    """The snapshot is there for the next one."""
    source = (
        APP
        + """
import ctypes, types
library, refused = ctypes.PyDLL, []
def once(fork):
    if not refused:
        refused.append(True)
        ctypes.set_errno(11)
        return -1
    return fork()
ctypes.PyDLL = lambda *args, **options: types.SimpleNamespace(fork=lambda: once(library(*args, **options).fork))
"""
    )
    async with local_lambda(restorable(tmp_path, OURS, source), folder=tmp_path) as cloud:
        with pytest.raises(FunctionError) as error:
            await tell(cloud, "1")

        assert error.value.failure.error_type == "Sandbox.Failure"
        assert b"Resource temporarily unavailable" in error.value.failure.document
        assert await tell(cloud, "1") == 1


async def test_restores_take_turns_and_a_slow_one_keeps_nobody_waiting(tmp_path: Path) -> None:
    """A hook that waits for something else than a processor gives its turn away, and waits beside the others."""
    gate = Gate(tmp_path)
    source = f"""
import snapshot_restore_py
@snapshot_restore_py.register_after_restore
def hook():
    open({gate.path!r}, "rb", buffering=0).read(1)
def handler(event, context):
    return "here"
"""
    count = 4 * turns.PER_PROCESSOR * (os.cpu_count() or 1)
    async with local_lambda(restorable(tmp_path, OURS, source), folder=tmp_path) as cloud:
        running = [cloud.invoke("1") for _ in range(count)]  # type: ignore[arg-type]
        await until(lambda: len(psutil.Process().children(recursive=True)) >= count)
        for _ in running:
            gate.open()

        assert await asyncio.gather(*map(read_all, running)) == ['"here"'] * count
    gate.close()


@both_runtimes
async def test_nothing_outlives_fifty_environments(runtime: Runtime, tmp_path: Path) -> None:
    """At work at the same time, each in its own process; afterwards processes and descriptors are what they were."""
    gate = Gate(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    async with local_lambda(restorable(tmp_path, runtime), folder=tmp_path) as cloud:
        asked = f"[os.getpid(), open('{gate.path}', 'rb', buffering=0).read(1) and None]"
        running = [cloud.invoke(asked) for _ in range(50)]  # type: ignore[arg-type]
        await until(lambda: len(cloud.log("START")) == 50)
        for _ in running:
            gate.open()
        told = [json.loads(await read_all(invocation))[0] for invocation in running]

        assert len(set(told)) == 50
        assert len(cloud.log("RESTORE_REPORT")) == 50
    gate.close()
    await until(lambda: not any(map(is_alive, told)))
    assert len(os.listdir("/proc/self/fd")) <= before
