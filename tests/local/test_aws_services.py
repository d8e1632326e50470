"""moto as a child process: how it starts, what it answers, and that nothing of it stays behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeAlias

import psutil
import pytest

from local.aws_services import AwsServices, signature
from local.errors import EmulatorError

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 40


StandIn: TypeAlias = Callable[..., AwsServices]


@pytest.fixture
async def stand_in(tmp_path: Path) -> AsyncIterator[StandIn]:
    """Makes services out of a program's text, and stops them after the test."""
    made: list[AwsServices] = []

    def make(text: str, **options: float) -> AwsServices:
        program = tmp_path / "program.py"
        program.write_text(text)
        made.append(AwsServices(program=program, **options))
        return made[-1]

    yield make
    for services in made:
        await services.stop()


async def body_of(services: AwsServices, method: str, target: bytes) -> tuple[int, bytes]:
    async with services.request(method, target, headers=[signature("s3", "eu-central-1")]) as reply:
        return reply.status, b"".join([chunk async for chunk in reply.chunks])


async def test_moto_listens_on_loopback_alone(services: AwsServices) -> None:
    """127.0.0.1 and a port of its own choice, in a process that is not this one."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        address = await services.address()
    port = int(address.removeprefix("http://127.0.0.1:"))

    listening = [
        (connection.laddr.ip, connection.laddr.port)
        for child in psutil.Process().children()
        if any(argument.endswith("moto_process.py") for argument in child.cmdline())
        for connection in child.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]

    assert ("127.0.0.1", port) in listening
    assert {ip for ip, _ in listening} == {"127.0.0.1"}


async def test_bucket_is_made_in_its_region_and_may_be_there_already(services: AwsServices) -> None:
    """A second template load makes the same bucket again."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        await services.create_bucket("page-in-frankfurt", "eu-central-1")
        await services.create_bucket("page-in-frankfurt", "eu-central-1")
        status, location = await body_of(services, "GET", b"/page-in-frankfurt?location")

    assert status == 200
    assert b">eu-central-1</LocationConstraint>" in location


async def test_bucket_in_the_first_region_needs_no_constraint(services: AwsServices) -> None:
    """us-east-1 is the one region that S3 does not take as a LocationConstraint."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        await services.create_bucket("page-in-virginia", "us-east-1")
        status, _ = await body_of(services, "GET", b"/page-in-virginia?list-type=2")

    assert status == 200


async def test_bucket_that_cannot_be_made_is_told(services: AwsServices) -> None:
    """S3's own words are in the error."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        with pytest.raises(EmulatorError, match=r"The bucket x cannot be made: The specified bucket is not valid\."):
            await services.create_bucket("x", "eu-central-1")


async def test_start_does_not_wait(stand_in: StandIn) -> None:
    """It returns before the process exists; the address is what waits."""
    services = stand_in("import sys; sys.stdin.read()")
    children = psutil.Process().children()

    await services.start()

    assert psutil.Process().children() == children


async def test_nothing_is_started_before_it_is_needed() -> None:
    """A stack that never calls AWS never pays for it, and stopping what never started is no mistake."""
    children = psutil.Process().children()

    await AwsServices().stop()

    assert psutil.Process().children() == children


async def test_program_that_does_not_start_is_told(stand_in: StandIn) -> None:
    """Its last words and what to do, for everyone who asks."""
    services = stand_in("import motto")

    for _ in range(2):
        async with asyncio.timeout(DEADLINE_SECONDS):
            with pytest.raises(EmulatorError) as failure:
                await services.address()
        assert str(failure.value) == (
            "The rest of AWS (moto) cannot start: ModuleNotFoundError: No module named 'motto'. "
            "Run `make install` to repair it."
        )


async def test_program_that_stays_silent_is_given_up(stand_in: StandIn) -> None:
    """After the deadline, and it is killed."""
    services = stand_in("import time; time.sleep(60)", start_seconds=0.2)
    before = {child.pid for child in psutil.Process().children()}

    async with asyncio.timeout(DEADLINE_SECONDS):
        with pytest.raises(EmulatorError, match=r"did not start within 0\.2 seconds"):
            await services.address()
        await services.stop()

    assert {child.pid for child in psutil.Process().children()} == before


async def test_stop_ends_whoever_still_waits(stand_in: StandIn) -> None:
    """Somebody who waits for the address gets an error to show, not a cancellation of himself."""
    services = stand_in("import sys; sys.stdin.read()")
    async with asyncio.timeout(DEADLINE_SECONDS):
        waiting = asyncio.create_task(services.address())
        await asyncio.sleep(0)
        await services.stop()
        with pytest.raises(EmulatorError, match="has been stopped"):
            await waiting


async def test_program_does_not_see_the_users_aws_settings(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile that is missing here would break moto's own use of botocore."""
    monkeypatch.setenv("AWS_PROFILE", "work")
    services = stand_in("import os, sys; sys.exit('saw ' + os.environ.get('AWS_PROFILE', 'nothing'))")

    async with asyncio.timeout(DEADLINE_SECONDS):
        with pytest.raises(EmulatorError, match="saw nothing"):
            await services.address()


async def test_program_may_talk_as_much_as_it_likes(stand_in: StandIn, caplog: pytest.LogCaptureFixture) -> None:
    """More than a pipe holds, in one line: it is read on, or the child would stand still."""
    services = stand_in(
        "import sys; sys.stderr.write('x' * 300_000 + ' end\\n'); print(4711, flush=True); sys.stdin.read()"
    )

    async with asyncio.timeout(DEADLINE_SECONDS):
        assert await services.address() == "http://127.0.0.1:4711"


async def test_moto_that_dies_is_told_to_whoever_asks(stand_in: StandIn) -> None:
    """A request to a killed moto fails with a sentence, not with a client's exception."""
    services = stand_in(Path(__file__).with_name("upstream.py").read_text())
    before = {child.pid for child in psutil.Process().children()}
    async with asyncio.timeout(DEADLINE_SECONDS):
        await services.address()
        [child] = [child for child in psutil.Process().children() if child.pid not in before]
        child.kill()  # and not waited for: the loop's own watcher must see it end

        with pytest.raises(EmulatorError, match=r"The rest of AWS \(moto\) does not answer: .*Restart the emulator\."):
            await body_of(services, "GET", b"/echo")


def test_kill_9_of_the_emulator_ends_moto() -> None:
    """The kernel closes the pipe that moto watches, whatever happens to the emulator."""
    emulator = (
        "import asyncio\n"
        "from local.aws_services import AwsServices\n"
        "async def main():\n"
        "    services = AwsServices()\n"
        "    print(await services.address(), flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", emulator], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        address = parent.stdout.readline()
        [moto] = psutil.Process(parent.pid).children()
        os.kill(parent.pid, signal.SIGKILL)
        gone, alive = psutil.wait_procs([moto], timeout=10)

    assert address.startswith("http://127.0.0.1:")
    assert (gone, alive) == ([moto], [])
