"""What the streaming layer runs at the end of an environment, where Lambda says that it ends: beside an extension."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.config import Function
from tests.local.fakes.environment import a_function
from tests.local.fakes.local_lambda import local_lambda
from tests.local.test_extensions import a_layer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patient_shutdown")]

LAYER = Path(__file__).parent.parent.parent / "functions" / "layers" / "streaming"
HOOKS = """
async def handler(event, context):
    return "done"

async def startup():
    print("opened", flush=True)

async def shutdown():
    print("closed", flush=True)

handler.startup, handler.shutdown = startup, shutdown
"""
APPLICATION = """
from lambda_asgi.streaming import Streaming

async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        for word in ("opened", "closed"):
            message = await receive()
            print(word, flush=True)
            await send({"type": message["type"] + ".complete"})

handler = Streaming(application)
"""


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop the emulator runs on."""
    return "asyncio", {"use_uvloop": True}


def function(folder: Path, code: str, *layers: Path, snap_start: bool = False) -> Function:
    (folder / "code").mkdir()
    (folder / "code" / "code_with_hooks.py").write_text(code)
    environment = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap"}
    fields = {"runtime": "python3.13", "handler": "code_with_hooks.handler", "environment": environment}
    return a_function(code=folder / "code", layers=(LAYER, *layers), snap_start=snap_start, **fields)


@pytest.mark.parametrize("snap_start", [False, True], ids=["initialized", "restored"])
async def test_a_shutdown_hook_runs_when_the_environment_ends(tmp_path: Path, snap_start: bool) -> None:
    """On the SIGTERM that comes because there is an extension, and before the extension ends."""
    told = function(tmp_path, HOOKS, a_layer(tmp_path, "witness"), snap_start=snap_start)
    async with local_lambda(told, folder=tmp_path) as cloud:
        assert await cloud.answer() == '"done"'
        assert "Worker  opened" in cloud.lines
        await cloud.dispatcher.close()

        texts = [line.removeprefix("Worker  ").split(" hears")[0] for line in cloud.lines]
        assert texts[-3:] == ["closed", "witness", "witness leaves"]


async def test_without_an_extension_a_shutdown_hook_does_not_run(tmp_path: Path) -> None:
    async with local_lambda(function(tmp_path, HOOKS), folder=tmp_path) as cloud:
        assert await cloud.answer() == '"done"'
        await cloud.dispatcher.close()

        assert "Worker  opened" in cloud.lines
        assert "Worker  closed" not in cloud.lines


@pytest.mark.parametrize("snap_start", [False, True], ids=["initialized", "restored"])
async def test_the_lifespan_of_an_asgi_application_is_shut_down(tmp_path: Path, snap_start: bool) -> None:
    """With SnapStart it begins in the snapshot and ends in each environment."""
    app = function(tmp_path, APPLICATION, a_layer(tmp_path, "witness"), snap_start=snap_start)
    async with local_lambda(app, folder=tmp_path) as cloud:
        invocation = cloud.invoke()
        await invocation.completed.wait()
        await cloud.dispatcher.close()

        words = [line for line in cloud.lines if line in ("Worker  opened", "Worker  closed")]
        assert words == ["Worker  opened", "Worker  closed"]
