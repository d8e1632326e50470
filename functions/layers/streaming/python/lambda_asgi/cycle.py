"""One request and its response: the application on one side, the runtime's `write` on the other.

What this is: `streaming -> [cycle] -> application`, and back: `application -> send -> [cycle] -> lambda_runtime.aio`.

What the real service does: https://asgi.readthedocs.io/en/latest/specs/www.html says which messages may follow which.
`http.response.start` becomes the reply's prelude. It leaves with the first bytes of the body when these are there at
once, otherwise alone, so that an EventSource opens while the application still waits for its first event. Each
`http.response.body` is sent by `send` itself, or in a burst with the others of its turn (see `lambda_runtime.cork`);
`send` waits while the socket takes nothing. When the body is complete the reply ends for the viewer; what the
application then goes on with (background tasks) is done before the next event.

What differs from other servers, on purpose:
1. the viewer's leaving is not noticed: Lambda does not tell, and a function runs on. After the request, `receive` waits
   until the reply has ended or is lost, or the application has failed, and then gives `http.disconnect`. An application
   that ends only when told of a disconnect runs to its deadline;
2. a reply is lost when the Runtime API hangs up, as it does at the end of a timed-out invocation; `send` then raises an
   `OSError`, and what the application raises because of it is no error;
3. at the deadline the application is cancelled, and its cleaning up is waited for;
4. an exception before the prelude has left is a function error; after it the stream is cut, with error trailers.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, NoReturn

from lambda_asgi.prelude import response_of
from lambda_asgi.scope import payload_format
from lambda_runtime.response import BODILESS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lambda_asgi.asgi import App, Message, Scope
    from lambda_runtime.body import Write
    from lambda_runtime.response import Response


class DisconnectedError(OSError):
    """The reply is lost: there is nobody to send to any more."""


class Cycle:
    """The request that *scope* and *body* are; `response` calls *app* with it."""

    def __init__(self, app: App, scope: Scope, body: bytes) -> None:
        self._app = app
        self._scope = scope
        self._task: asyncio.Task[None]

        # Request
        self._body: bytes | None = body  # until the application has it
        self._disconnected = asyncio.Event()

        # Response
        self._response: Response | None = None  # once the application has started it
        self._expected = "http.response.start"  # the message to come
        self._bodiless = scope["method"] == "HEAD"
        self._write: Write
        self._writable = asyncio.Event()
        self._has_body = False  # some of it waits to be written
        self._complete = False
        self._news = asyncio.Event()  # the response has started or is complete, or the application has returned
        self._ended = asyncio.Event()
        self._loss: Exception | None = None

    # The runtime's side, in the order in which it is called

    async def response(self) -> Response:
        """Call the application; return when it has started a response. Raises what it raises before that."""
        self._task = asyncio.create_task(self._run_app())
        self._task.add_done_callback(lambda _: self._news.set())
        async with self._cancelled_together():
            while self._response is None:
                await self._next()
        return self._response

    async def stream(self, write: Write) -> None:
        """Let the application send its body with *write*; return when that is complete. Raises what it raises."""
        self._write = write
        async with self._cancelled_together():
            if not (self._has_body or self._task.done()):
                with suppress(DisconnectedError):  # the application learns of it when it sends
                    await self._open()
            self._writable.set()
            while not self._complete:
                await self._next()
            if self._loss:
                raise self._loss

    async def finish(self) -> None:
        """The viewer has all: wait until the application returns. Raises what it raises now."""
        self._ended.set()
        if self._complete:
            await self._task

    async def _run_app(self) -> None:
        try:
            await self._app(self._scope, self.receive, self.send)
        except Exception:
            if not self._loss:
                raise
        finally:
            self._disconnected.set()  # for tasks that still listen: nothing more comes of this request
        if self._response is None:
            raise RuntimeError("The ASGI application returned without sending 'http.response.start'.")
        if not (self._complete or self._loss):
            raise RuntimeError("The ASGI application returned without completing its response.")

    async def _next(self) -> None:
        """Wait until the application has done something more. Raises what kept it from that."""
        if not self._task.done():
            await self._news.wait()
            self._news.clear()
        elif self._loss:
            raise self._loss
        else:
            await self._task  # raises

    @asynccontextmanager
    async def _cancelled_together(self) -> AsyncIterator[None]:
        """When the runtime cancels us, at the deadline, cancel the application and wait for it."""
        try:
            yield
        except asyncio.CancelledError as error:
            self._task.cancel()
            await asyncio.wait({self._task})
            if self._loss:
                raise self._loss from error
            raise

    # The application's side

    async def receive(self) -> Message:
        """The whole request at first; then, when the reply has ended or is lost, `http.disconnect`."""
        if self._body is not None and not self._disconnected.is_set():
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._disconnected.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take the next part of the response. Raises `RuntimeError` for a wrong one, and `DisconnectedError`."""
        kind = message["type"]
        if kind != self._expected:
            raise RuntimeError(self._unexpected(kind))
        if kind == "http.response.start":
            self._start(message)
            return
        # What follows is done for each event of a stream, so it is done here and not in calls of its own.
        body, more_body = message.get("body", b""), message.get("more_body", False)
        data = b"" if self._bodiless else body if isinstance(body, bytes) else bytes(memoryview(body))
        self._has_body = True
        if not self._writable.is_set():
            await self._writable.wait()
        if data or more_body:
            try:
                await self._write(data)
            except Exception as error:  # noqa: BLE001 - whatever it was, the reply is lost
                self._lose(error)
        if not more_body:
            await self._end_body()

    async def _open(self) -> None:
        """Send what comes before the body."""
        try:
            await self._write(b"")
        except Exception as error:  # noqa: BLE001 - as in send
            self._lose(error)

    def _unexpected(self, kind: str) -> str:
        if not self._expected:
            return f"Unexpected ASGI message '{kind}': the response is complete."
        return f"Expected ASGI message '{self._expected}', but got '{kind}'."

    def _start(self, message: Message) -> None:
        response = response_of(
            message, payload_format(self._scope["aws.event"]), body=self.stream, background=self.finish
        )
        self._bodiless = self._bodiless or response.status_code in BODILESS
        self._response = response
        self._news.set()
        self._expected = "http.response.body"

    async def _end_body(self) -> None:
        self._expected = ""
        self._complete = True
        self._news.set()
        # Until the reply has ended, the viewer waits for that: nothing else of the application comes before it.
        try:
            await self._ended.wait()
        finally:
            self._disconnected.set()

    def _lose(self, error: Exception) -> NoReturn:
        self._loss = self._loss or error
        self._disconnected.set()
        if isinstance(error.__cause__, asyncio.CancelledError):  # the application's task, in the middle of it
            raise error.__cause__ from None
        raise DisconnectedError(str(error)) from error
