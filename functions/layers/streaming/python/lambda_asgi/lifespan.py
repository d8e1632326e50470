"""The application's own start and end, once in an execution environment.

What this is: `streaming -> [lifespan] -> application`, on the event loop that all requests will use.

What the real service does: https://asgi.readthedocs.io/en/latest/specs/lifespan.html. One task of the application lives
as long as the environment: it is told `lifespan.startup` in the init phase, and `lifespan.shutdown` at the end.

What differs here, on purpose:
1. an application that reports a failed startup is waited for, and what it then raises is the init error: that names the
   cause, where the message of `lifespan.startup.failed` is only text;
2. with "on", an application that returns without an answer has failed too.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from lambda_asgi.asgi import App, Message

Mode = Literal["auto", "on", "off"]
_logger = logging.getLogger(__name__)


class LifespanError(RuntimeError):
    """The application could not start or shut down, and raised nothing itself that would say why."""


class Lifespan:
    """The lifespan of *app*; `state` is what it leaves there for its requests."""

    def __init__(self, app: App, mode: Mode) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._mode = mode
        self._task: asyncio.Task[None] | None = None  # once it has started, or was found not to take part
        self._told_startup = False
        self._failure: str | None = None
        self._started: asyncio.Future[None]
        self._ending: asyncio.Event

    async def startup(self) -> None:
        """Return when the application has started, at once if it has already. Raises what kept it from starting."""
        if self._mode == "off" or self._task:
            return
        self._told_startup, self._failure = False, None
        self._started, self._ending = asyncio.get_running_loop().create_future(), asyncio.Event()
        task = asyncio.create_task(self._run())
        try:
            await asyncio.wait({task, self._started}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not self._started.done():
            self._not_started(task.exception())
        self._task = task

    async def shutdown(self) -> None:
        """Return when the application has shut down. Raises what it raises."""
        if self._task and not self._task.done():
            self._ending.set()
            await self._task
            if self._failure is not None:
                raise LifespanError(self._failure or "The ASGI application sent 'lifespan.shutdown.failed'.")

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        await self._app(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        if not self._told_startup:
            self._told_startup = True
            return {"type": "lifespan.startup"}
        await self._ending.wait()
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        phase = "shutdown" if self._started.done() or self._ending.is_set() else "startup"
        if kind == f"lifespan.{phase}.failed":
            self._failure = message.get("message", "")
            self._ending.set()  # an application that waits for more is told to end
        elif kind != f"lifespan.{phase}.complete":
            raise RuntimeError(f"Expected ASGI message 'lifespan.{phase}.complete' or '.failed', but got '{kind}'.")
        elif phase == "startup":
            self._started.set_result(None)

    def _not_started(self, error: BaseException | None) -> None:
        """Raise what is to be the init error, if the application has to take part."""
        if self._failure is not None:
            raise error or LifespanError(self._failure or "The ASGI application sent 'lifespan.startup.failed'.")
        if self._mode == "on":
            raise error or LifespanError("The ASGI application returned without sending 'lifespan.startup.complete'.")
        _logger.info("The ASGI application does not take part in the lifespan protocol.", exc_info=error)
