"""Events whose senders do not wait for a reply.

What hop this is: `invoke -> [event_queue] -> dispatcher`.

What the real service does (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html): an event
whose function fails is tried twice more, after one and after two minutes, with the same request id; one that is
throttled goes back to the queue, for six hours at most, and is tried again after a second, then at growing intervals of
up to five minutes.

What differs here, on purpose:
1. the two retries come after one and two seconds, for somebody is looking on;
2. a throttled event stays in the queue as long as the emulator runs, and none in it outlives that;
3. no destination and no dead-letter queue gets the event in the end: a line says that it was given up.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress

from local.dispatcher import Dispatcher, ThrottledError
from local.invocation import FunctionError, Invocation
from local.invoke_api.answer import whole_reply
from local.invoke_api.call import Call
from local.reports import Reports

RETRY_SECONDS = (1.0, 2.0)
MAX_THROTTLED_SECONDS = 300.0


class EventQueue:
    """Runs events in the background; *sleep* waits so many seconds."""

    def __init__(
        self, dispatcher: Dispatcher, reports: Reports, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._dispatcher = dispatcher
        self._reports = reports
        self._sleep = sleep
        self._events: set[asyncio.Task[None]] = set()

    def put(self, call: Call) -> str:
        """Take the event; the request id of all its invocations."""
        request_id = str(uuid.uuid4())
        task = asyncio.get_running_loop().create_task(self._deliver(call, request_id))
        self._events.add(task)
        task.add_done_callback(self._events.discard)
        return request_id

    async def close(self) -> None:
        """Forget all events; what has begun is the dispatcher's business."""
        events = list(self._events)
        for event in events:
            event.cancel()
        await asyncio.gather(*events, return_exceptions=True)

    async def _deliver(self, call: Call, request_id: str) -> None:
        for pause in (*RETRY_SECONDS, None):
            if await _succeeded(await self._begin(call, request_id)):
                return
            if pause is not None:
                await self._sleep(pause)
        name, tries = call.target.function.logical_id, len(RETRY_SECONDS) + 1
        self._reports.note(f"{name}  gave up the event of request {request_id}: it failed {tries} times")

    async def _begin(self, call: Call, request_id: str) -> Invocation:
        """Invoke the function as soon as it is not throttled."""
        pause = 1.0
        while True:
            invocation = call.invocation(streamed=False, request_id=request_id)
            try:
                self._dispatcher.invoke(invocation)
            except ThrottledError:
                await self._sleep(pause)
                pause = min(2 * pause, MAX_THROTTLED_SECONDS)
            else:
                return invocation


async def _succeeded(invocation: Invocation) -> bool:
    """Whether the function replied without an error, once the invocation is over."""
    with suppress(FunctionError):
        await whole_reply(invocation)  # nobody wants it, but a reply that is not read comes to a halt
    await invocation.completed.wait()
    return invocation.failure is None
