"""A viewer who reads at its own pace and leaves when it likes; and a function that is only a script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from local.asgi import ASGIApp, Message, Scope
from local.dispatcher import ThrottledError
from local.invocation import Invocation
from tests.local.asgi_viewer import Answer, http_scope

Script = Callable[[Invocation], Awaitable[None]]


class LiveViewer:
    """One request on its way; `answer` fills while it goes on, `done` when the app has returned."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.answer = Answer()
        self.reads = asyncio.Event()
        self.reads.set()
        self.taken = 0  # messages
        self.broken: Exception | None = None  # what sending raises
        self._parts: asyncio.Queue[Message] = asyncio.Queue()
        self._got = asyncio.Event()
        self.done: asyncio.Task[None]

    def upload(self, body: bytes, *, more: bool = False) -> None:
        self._parts.put_nowait({"type": "http.request", "body": body, "more_body": more})

    def leave(self) -> None:
        self._parts.put_nowait({"type": "http.disconnect"})

    async def chunks(self, count: int) -> list[bytes]:
        """The first *count* chunks of the body, once they are there."""
        while len(self.answer.chunks) < count:
            self._got.clear()
            await self._got.wait()
        return self.answer.chunks[:count]

    async def receive(self) -> Message:
        return await self._parts.get()

    async def send(self, message: Message) -> None:
        await self.reads.wait()
        if self.broken:
            raise self.broken
        self.taken += 1
        self.answer.take(message)
        self._got.set()


@asynccontextmanager
async def live_viewer(
    app: ASGIApp,
    method: str = "GET",
    target: str = "/",
    *,
    uploads: bool = False,
    deadline_seconds: float = 10,
    **scope: object,
) -> AsyncIterator[LiveViewer]:
    """A viewer who has sent its request, or, when it *uploads*, its head only; *scope* as the server would have it."""
    viewer = LiveViewer({**http_scope(method, target), **scope})
    if not uploads:
        viewer.upload(b"")
    async with asyncio.timeout(deadline_seconds):
        viewer.done = asyncio.create_task(app(viewer.scope, viewer.receive, viewer.send))
        try:
            yield viewer
        finally:
            viewer.done.cancel()
            await asyncio.wait([viewer.done])


class ScriptedDispatcher:
    """In the dispatcher's place: each invocation follows *script*, None means that all are throttled."""

    def __init__(self, script: Script | None) -> None:
        self._script = script
        self.invocations: list[Invocation] = []
        self.running: list[asyncio.Task[None]] = []

    def invoke(self, invocation: Invocation) -> None:
        if self._script is None:
            raise ThrottledError("no room")
        invocation.cold_start = not self.invocations
        self.invocations.append(invocation)
        self.running.append(asyncio.create_task(self._run(self._script, invocation)))

    async def _run(self, script: Script, invocation: Invocation) -> None:
        invocation.hand_over()
        await script(invocation)
        invocation.completed.set()
