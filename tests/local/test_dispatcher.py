"""Which environment an invocation gets: an idle one, a new one, or none."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from local.dispatcher import ThrottledError
from local.invocation import Failure, FunctionError, Invocation, ReplyCutError
from tests.local.fakes.environment import FUNCTIONS, a_function
from tests.local.fakes.local_lambda import Gate, LocalLambda, is_alive, local_lambda, read_all
from tests.local.fakes.raw_worker import until

pytestmark = pytest.mark.anyio

STOPPED = Failure.of("Sandbox.Failure", "the local Lambda was stopped")


async def at_work(cloud: LocalLambda, gate: Gate) -> tuple[Invocation, int]:
    """An invocation that has begun its reply and waits at *gate*, and its worker."""
    invocation = cloud.invoke(["send_pid"], ["wait", gate.path])
    return invocation, int(await invocation.reply.read() or b"")


async def test_an_idle_environment_is_used_again(tmp_path: Path) -> None:
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        pids = {await cloud.answer(["send_pid"]) for _ in range(3)}

        assert len(pids) == 1


async def test_invocations_at_the_same_time_are_processes_of_their_own(tmp_path: Path) -> None:
    """And each of these is used again afterwards."""
    gate = Gate(tmp_path)
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        invocations = [cloud.invoke(["send_pid"], ["wait", gate.path]) for _ in range(5)]
        pids = [int(await invocation.reply.read() or b"") for invocation in invocations]
        assert len(set(pids)) == 5
        assert [invocation.cold_start for invocation in invocations] == [True] * 5

        for _ in invocations:
            gate.open()
        await asyncio.gather(*(invocation.completed.wait() for invocation in invocations))

        again = [cloud.invoke(["send_pid"], ["wait", gate.path]) for _ in range(5)]
        assert {int(await invocation.reply.read() or b"") for invocation in again} == set(pids)
        assert not any(invocation.cold_start for invocation in again)
    gate.close()


async def test_the_environment_used_last_is_used_next(tmp_path: Path) -> None:
    """So that the others can expire."""
    first_gate, last_gate = Gate(tmp_path, "first"), Gate(tmp_path, "last")
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        (first, _), (last, last_pid) = await at_work(cloud, first_gate), await at_work(cloud, last_gate)
        first_gate.open()
        await first.completed.wait()
        last_gate.open()
        await last.completed.wait()

        assert int(await cloud.answer(["send_pid"])) == last_pid
    first_gate.close()
    last_gate.close()


async def test_reserved_concurrency_throttles_what_is_over_it(tmp_path: Path) -> None:
    """At once, without a queue; what is done makes room again."""
    gate = Gate(tmp_path)
    async with local_lambda(a_function(reserved_concurrency=2), folder=tmp_path) as cloud:
        running = [(await at_work(cloud, gate))[0] for _ in range(2)]
        with pytest.raises(ThrottledError) as error:
            cloud.invoke(["send_pid"])
        assert str(error.value) == "test-worker: 2 of 2 reserved environments are busy"

        gate.open()
        await asyncio.wait(
            [asyncio.create_task(invocation.completed.wait()) for invocation in running],
            return_when=asyncio.FIRST_COMPLETED,
        )
        assert await cloud.answer(["send", "room"]) == "room"
    gate.close()


@pytest.mark.parametrize(("end", "timeout_seconds"), [(["hang"], 2), (["exit", 1], 10)])
async def test_an_environment_that_timed_out_or_crashed_is_not_counted_any_more(
    tmp_path: Path, end: list[str | int], timeout_seconds: int
) -> None:
    """The caller who sees the failure may try again at once."""
    function = a_function(reserved_concurrency=1, timeout_seconds=timeout_seconds)
    async with local_lambda(function, folder=tmp_path) as cloud:
        with pytest.raises(FunctionError):
            await cloud.invoke(end).started()
        assert await cloud.answer(["send", "again"]) == "again"


async def test_a_reserved_concurrency_of_0_switches_the_function_off(tmp_path: Path) -> None:
    async with local_lambda(a_function(reserved_concurrency=0), folder=tmp_path) as cloud:
        with pytest.raises(ThrottledError, match="^test-worker: 0 of 0 reserved environments are busy$"):
            cloud.invoke(["send_pid"])


async def test_functions_do_not_share_environments(tmp_path: Path) -> None:
    one, two = a_function(), a_function(logical_id="Other", name="other", reserved_concurrency=1)
    gate = Gate(tmp_path)
    async with local_lambda(one, two, folder=tmp_path) as cloud:
        await at_work(cloud, gate)

        assert await cloud.answer(["send", "mine"], function=two) == "mine"
        assert cloud.lines[-1].startswith("Other  REPORT ")
    gate.close()


def code_of_version(version: str, folder: Path) -> Path:
    """The worker's code at *folder*, in which a worker finds its *version* as it starts."""
    shutil.copytree(FUNCTIONS / "worker", folder)
    (folder / "version").write_text(version)
    return folder


async def test_changed_code_runs_with_the_next_invocation_and_what_runs_finishes_on_the_old(tmp_path: Path) -> None:
    code, gate = code_of_version("old", tmp_path / "code"), Gate(tmp_path)
    async with local_lambda(a_function(code=code), folder=tmp_path) as cloud:
        running = cloud.invoke(["send_pid"], ["wait", gate.path], ["send_version"])
        running_pid = int(await running.reply.read() or b"")
        idle_pid = int(await cloud.answer(["send_pid"]))
        (code / "version").write_text("new")

        cloud.dispatcher.outdate(cloud.function)

        await until(lambda: not is_alive(idle_pid))
        assert await cloud.answer(["send_version"]) == "new"
        assert is_alive(running_pid)
        gate.open()
        assert await running.reply.read() == b"old"
        await running.completed.wait()
        await until(lambda: not is_alive(running_pid))
    gate.close()


async def test_an_environment_that_was_starting_when_its_code_changed_serves_only_the_event_it_started_for(
    tmp_path: Path,
) -> None:
    gate = Gate(tmp_path)
    function = a_function(environment={"AT_START": f"wait {gate.path}"})
    async with local_lambda(function, folder=tmp_path) as cloud:
        invocation = cloud.invoke(["send_pid"])
        cloud.dispatcher.outdate(function)
        gate.open()
        pid = int(await read_all(invocation))
        await until(lambda: not is_alive(pid))

        gate.open()
        assert int(await cloud.answer(["send_pid"])) != pid
    gate.close()


@pytest.mark.parametrize("when", ["at once", "while it is started", "in its init phase", "before its first byte"])
async def test_closing_ends_an_invocation_that_has_no_byte_yet(tmp_path: Path, when: str) -> None:
    """Without a report: nothing of it was Lambda's doing."""
    function = a_function(environment={"AT_START": "hang" if when == "in its init phase" else "print started"})
    async with local_lambda(function, folder=tmp_path) as cloud:
        invocation = cloud.invoke(["hang"])
        if when == "while it is started":
            await until(lambda: list(cloud.folder.glob("*/tmp")))
        elif when == "in its init phase":
            await until(lambda: cloud.lines == [] and list(cloud.folder.glob("*/tmp")))
        elif when == "before its first byte":
            await until(lambda: cloud.log("START"))

        await cloud.dispatcher.close()

        with pytest.raises(FunctionError) as error:
            await invocation.started()
        assert error.value.failure == STOPPED
        assert invocation.completed.is_set()
        assert not cloud.log("REPORT") + cloud.log("INIT_REPORT") + cloud.log("RequestId")


async def test_closing_cuts_a_reply_and_ends_idle_environments(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        running, pid = await at_work(cloud, gate)
        idle_pid = int(await cloud.answer(["send_pid"]))

        await cloud.dispatcher.close()

        assert not is_alive(pid)
        assert not is_alive(idle_pid)
        with pytest.raises(ReplyCutError) as error:
            await running.reply.read()
        assert error.value.failure == STOPPED
    gate.close()


async def test_after_closing_nothing_is_started_any_more(tmp_path: Path) -> None:
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        await cloud.dispatcher.close()
        invocation = cloud.invoke(["send", "never"])

        with pytest.raises(FunctionError, match=r"^Sandbox\.Failure: "):
            await invocation.started()
        assert invocation.completed.is_set()
        assert list(cloud.folder.glob("*")) == []


async def test_an_environment_that_breaks_down_says_so_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    """A bug of the emulator must not hang a caller, and must not pass unseen."""
    seen: list[BaseException] = []
    loop = asyncio.get_running_loop()
    handler = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: seen.append(context["exception"]))
    try:
        async with local_lambda(a_function(), folder=tmp_path) as cloud:

            async def listen(environment: object) -> object:
                raise ZeroDivisionError

            cloud.surroundings.listen = listen  # type: ignore[assignment]
            with pytest.raises(FunctionError, match=r"^Sandbox\.Failure: .*The environment broke down"):
                await cloud.answer(["send", "never"])
            await asyncio.sleep(0)
    finally:
        loop.set_exception_handler(handler)
    assert [type(error) for error in seen] == [ZeroDivisionError]


async def test_what_is_deployed_may_change(tmp_path: Path) -> None:
    """What an environment is made of decides whether it is used again: code does, a permission does not."""
    old, new = code_of_version("old", tmp_path / "old"), code_of_version("new", tmp_path / "new")
    function = a_function(code=old)
    async with local_lambda(function, folder=tmp_path) as cloud:
        pid = int(await cloud.answer(["send_pid"]))

        cloud.dispatcher.deploy([replace(function, reserved_concurrency=5, qualifiers=("live",))])
        assert int(await cloud.answer(["send_pid"])) == pid

        cloud.dispatcher.deploy([replace(function, code=new), a_function(logical_id="Other", name="other")])
        assert await cloud.answer(["send_version"]) == "new"
        await cloud.dispatcher.drained()
        assert not is_alive(pid)
        other = a_function(logical_id="Other", name="other")
        assert await cloud.answer(["send", "here"], function=other) == "here"


async def test_a_deleted_function_is_gone_and_what_it_is_doing_is_done(tmp_path: Path) -> None:
    """It takes no other event; nothing is left of it when its last invocation has ended."""
    gate = Gate(tmp_path)
    async with local_lambda(a_function(), folder=tmp_path) as cloud:
        running, pid = await at_work(cloud, gate)
        idle_pid = int(await cloud.answer(["send_pid"]))

        cloud.dispatcher.deploy([])

        with pytest.raises(FunctionError) as error:
            await cloud.invoke(["send_pid"]).started()
        assert error.value.failure == Failure.of("Sandbox.Failure", "The function was deleted")
        await until(lambda: not is_alive(idle_pid))
        assert is_alive(pid)
        gate.open()
        await running.completed.wait()
        await cloud.dispatcher.drained()
        assert not is_alive(pid)
    gate.close()
