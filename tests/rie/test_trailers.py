"""A late error behind AWS's own emulator: its Go server takes 4 KiB of trailers and drops the connection for more."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy import tools
from tests.deploy.transform import REPOSITORY
from tests.rie.interface_emulator import InterfaceEmulator, interface_emulator, sam_local_environment

pytestmark = pytest.mark.rie

FAILS_LATE = """
from lambda_runtime.response import Response

def handler(event, context):
    def body():
        yield "begun"
        if event["length"]:
            raise RuntimeError("x" * event["length"])
    return Response(body())
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InterfaceEmulator]:
    """A function that fails after its first chunk, streaming although that emulator buffers."""
    folder = tmp_path_factory.mktemp("late")
    (folder / "late.py").write_text(FAILS_LATE)
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    environment = sam_local_environment(task_root=folder, handler="late.handler", path=path)
    del environment["AWS_SAM_LOCAL"]
    bootstrap = REPOSITORY / "functions/layers/streaming/bootstrap"
    with interface_emulator(tools.rie(), [bootstrap], environment=environment, log=folder / "log") as running:
        yield running


@pytest.mark.parametrize("length", [10, 3_000, 100_000])
def test_the_reply_arrives_and_the_runtime_lives_on(emulator: InterfaceEmulator, length: int) -> None:
    """However long the message of the error is."""
    reply = emulator.post({"length": length})

    assert reply.status_code == 200
    assert reply.content.endswith(b"\0" * 8 + b"begun")
    assert emulator.post({"length": 0}).content.endswith(b"\0" * 8 + b"begun")
