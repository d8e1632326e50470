"""Real environments for a test: a dispatcher, worker processes, the Runtime API between them, and the log."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from local.config import Function
from local.dispatcher import Dispatcher
from local.environment.surroundings import Surroundings
from local.environment.variables import World
from local.invocation import Invocation
from local.reports import Reports
from local.runtime_server.listener import RuntimeListener

Step = list[str | int]


class Gate:
    """Where a worker waits until the test opens it, once for each time it is opened."""

    def __init__(self, folder: Path, name: str = "gate") -> None:
        self.path = str(folder / name)
        os.mkfifo(self.path)
        self._descriptor = os.open(self.path, os.O_RDWR)  # unlike O_WRONLY it does not wait for a reader

    def open(self) -> None:
        os.write(self._descriptor, b"x")

    def close(self) -> None:
        os.close(self._descriptor)


class LocalLambda:
    """*functions* ready to be invoked; `lines` is the log."""

    def __init__(
        self, *functions: Function, folder: Path, overrides: Mapping[str, str] | None = None, log_format: str = "text"
    ) -> None:
        self.function = functions[0]
        self.lines: list[str] = []
        self.folder = folder
        world = World("eu-west-1", "http://127.0.0.1:8081", dict(overrides or {}))
        reports = Reports(self.lines.append, log_format)
        self.surroundings = Surroundings(world, reports, folder, RuntimeListener.open)
        self.dispatcher = Dispatcher(functions, self.surroundings)

    def invoke(self, *steps: Step, function: Function | None = None) -> Invocation:
        """Let a worker take *steps*."""
        invocation = Invocation(function or self.function, json.dumps(steps).encode())
        self.dispatcher.invoke(invocation)
        return invocation

    async def answer(self, *steps: Step, function: Function | None = None) -> str:
        """The whole reply of a worker that took *steps* and waits for an event again."""
        invocation = self.invoke(*steps, function=function)
        try:
            return await read_all(invocation)
        finally:
            await invocation.completed.wait()

    def log(self, start: str) -> list[str]:
        """The lines of the log that begin with *start*, without the function's name."""
        texts = [line.partition("  ")[2] for line in self.lines]
        return [text for text in texts if text.startswith(start)]


@asynccontextmanager
async def local_lambda(
    *functions: Function,
    folder: Path,
    overrides: Mapping[str, str] | None = None,
    log_format: str = "text",
    deadline_seconds: float | None = 20,
) -> AsyncIterator[LocalLambda]:
    """All of it for one test; afterwards no process and no folder may be left.

    In a fixture, without a deadline: one that passes there ends the task that runs the tests.
    """
    others = psutil.Process().children()  # moto, where a test before this one needed it
    async with asyncio.timeout(deadline_seconds):
        cloud = LocalLambda(*functions, folder=folder / "emulator", overrides=overrides, log_format=log_format)
        try:
            yield cloud
        finally:
            await cloud.dispatcher.close()
            left = [path.name for path in cloud.folder.glob("*")]
            cloud.surroundings.reaper.close()
        assert left == []
        assert not cloud.folder.exists()
        assert psutil.Process().children() == others


async def read_all(invocation: Invocation) -> str:
    """The whole reply. Raises as `Invocation.started` and `ReplyBuffer.read` do."""
    await invocation.started()
    data = bytearray()
    while (piece := await invocation.reply.read()) is not None:
        data += piece
    return data.decode()


def is_alive(pid: int) -> bool:
    """Whether that process runs; one that has ended and was not waited for does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
