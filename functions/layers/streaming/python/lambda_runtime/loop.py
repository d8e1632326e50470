"""One invocation after another, for as long as the execution environment lives.

What this is: `__main__ -> [loop] -> client.next -> handler -> replies -> client.next ...`.

What the real service does: an environment serves one invocation at a time; an invocation is not complete, and is
billed, until `next` is called again; while the runtime waits there the whole process may be frozen
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html). A handler that fails is reported and
the loop goes on.
"""

from __future__ import annotations

import os
import sys

from lambda_runtime import marshal, replies
from lambda_runtime.client import Client, Invocation, RuntimeApiError
from lambda_runtime.context import Context, settings
from lambda_runtime.faults import Fault
from lambda_runtime.handler import is_async, unwrapped
from lambda_runtime.response import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from lambda_runtime.aio import AsyncSide
    from lambda_runtime.context import Settings
    from lambda_runtime.handler import Handler
    from lambda_runtime.logging_hook import LoggingHook


class Loop:
    """Calls *handler* with every event that *client* brings."""

    def __init__(
        self, client: Client, handler: Handler, logging_hook: LoggingHook, *, starts_async: bool, buffers: bool
    ) -> None:
        self._client = client
        self._handler = handler
        self._buffers = buffers  # the caller cannot stream
        self._logging = logging_hook
        self._settings: Settings = {}
        self._async: AsyncSide | None = None
        if starts_async:
            self._async_side()

    def start_up(self) -> None:
        """Run the handler's `async def startup`, where it has one, as part of the init phase. Raises what that raises.

        An `async def shutdown` runs when the environment ends: SIGTERM, which Lambda sends where an extension is there.
        """
        if startup := self._hook("startup"):
            self._async_side().run(startup())
        if self._hook("shutdown"):
            import signal

            signal.signal(signal.SIGTERM, lambda *_: sys.exit())

    def run(self) -> None:
        """Serve until the Runtime API is gone. Raises `RuntimeApiError` then."""
        self._settings = settings()  # here, since in a snapshot some of them are not set yet
        try:
            while True:
                self.serve(self._client.next())
        finally:
            self._shut_down()

    def serve(self, invocation: Invocation) -> None:
        """Serve one *invocation*; whatever the handler raises is reported, never raised."""
        if invocation.trace_id:
            os.environ["_X_AMZN_TRACE_ID"] = invocation.trace_id
        else:
            os.environ.pop("_X_AMZN_TRACE_ID", None)
        self._logging.request_id = invocation.request_id
        try:
            self._call(invocation)
        except RuntimeApiError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the handler raises is the caller's to know
            fault = Fault.of(error)
            fault.log(invocation.request_id)
            self._client.invocation_error(invocation, fault)

    def _call(self, invocation: Invocation) -> None:
        result, sent = self._handler(marshal.event_of(invocation), Context(invocation, self._settings)), False
        if hasattr(result, "__await__"):
            result, sent = self._async_side().answer(result, invocation, self._streamed)
        if not sent:
            self._reply(result, invocation)
        if isinstance(result, Response) and result.background:
            self._finish(result.background, invocation)

    def _reply(self, result: object, invocation: Invocation) -> None:
        if reply := self._streamed(result, invocation):
            if replies.is_asynchronous(reply.body):
                self._async_side().stream(reply)
            else:
                replies.stream(reply)
            return
        if isinstance(result, Response):
            result = replies.buffered(result, self._collect(result, invocation))
        self._client.response(invocation, *marshal.reply_of(result))

    def _streamed(self, result: object, invocation: Invocation) -> replies.Reply | None:
        """The reply that streams *result*; None for one that is sent as a document."""
        if isinstance(result, Response) and self._buffers:
            return None
        return replies.streamed(self._client, invocation, result)

    def _finish(self, background: Callable[[], object], invocation: Invocation) -> None:
        """Do what is left to do when the reply has ended; the caller has its answer, so a failure is logged only."""
        try:
            left = self._async.call(background, invocation) if self._async else background()
            if hasattr(left, "__await__"):
                self._async_side().result_of(left, invocation)
        except Exception as error:  # noqa: BLE001 - the next event is served all the same
            Fault.of(error).log(invocation.request_id)

    def _collect(self, response: Response, invocation: Invocation) -> list[bytes]:
        if replies.is_asynchronous(response.body):
            return self._async_side().collect(response.body, invocation)
        return [replies.encode(item) for item in replies.chunks_of(response.body)]

    def _shut_down(self) -> None:
        if shutdown := self._hook("shutdown"):
            try:
                self._async_side().run(shutdown())
            except Exception as error:  # noqa: BLE001 - the process ends all the same
                Fault.of(error).log()

    def _hook(self, name: str) -> Callable[[], Coroutine[object, object, None]] | None:
        hooks = (getattr(handler, name, None) for handler in unwrapped(self._handler))
        return next(filter(is_async, hooks), None)

    def _async_side(self) -> AsyncSide:
        """The event loop, made when it is first needed: importing asyncio costs 35 ms."""
        if self._async is None:
            from lambda_runtime.aio import AsyncSide

            self._async = AsyncSide()
        return self._async
