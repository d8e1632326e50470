"""Async handlers and bodies: an event loop that lives as long as the execution environment.

What this is: `loop -> [aio] -> handler's coroutine, async body -> replies.Reply -> Runtime API`.

What the real service does: nothing here is Lambda's; its Python runtime knows no async handlers. While the runtime
waits for the next event the loop stands still, as everything in a frozen environment does; tasks that were left running
go on with the next event. Context variables are an invocation's own: what the handler sets its body finds, and the next
handler does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, TypeVar, cast

from lambda_runtime import replies
from lambda_runtime.cork import Cork
from lambda_runtime.faults import Fault

if TYPE_CHECKING:
    from lambda_runtime.body import AsyncBody, Chunk, Write
    from lambda_runtime.client import Invocation
    from lambda_runtime.replies import Reply

    ReplyOf = Callable[[object, Invocation], Reply | None]

_Result = TypeVar("_Result")


class AsyncSide:
    """Runs the asynchronous half of an invocation on one event loop; every method blocks until it is done."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._lasting: Context | None = None  # where `startup` ran
        self._current: Context
        self._request_id = ""  # whose context that is

    def _run(self, coroutine: Coroutine[object, object, _Result], context: Context) -> _Result:
        """Run *coroutine* as the runner would, but for its handling of Ctrl-C, which costs more than all the rest."""
        loop = self._runner.get_loop()
        task = loop.create_task(coroutine, context=context)
        try:
            return loop.run_until_complete(task)
        except Exception as error:
            if task.done():
                raise
            # A signal handler's, while everything waited: it came out of the loop and is nobody's in there yet.
            task.cancel(error)
            with suppress(asyncio.CancelledError):
                return loop.run_until_complete(task)
            raise

    def _context_of(self, invocation: Invocation) -> Context:
        """That in which all of *invocation* runs."""
        if invocation.request_id != self._request_id:
            self._request_id = invocation.request_id
            self._current = self._lasting.copy() if self._lasting else copy_context()
        return self._current

    def run(self, coroutine: Coroutine[object, object, None]) -> None:
        """Run *coroutine* with no deadline but Lambda's own: a handler's `startup` or `shutdown`."""
        self._lasting = self._lasting or copy_context()
        try:
            self._run(coroutine, self._lasting)
        except asyncio.CancelledError as error:
            raise Fault.of(error) from error

    def answer(self, awaitable: Awaitable[object], invocation: Invocation, reply_of: ReplyOf) -> tuple[object, bool]:
        """What *awaitable* gives, and whether it is sent already, which it is where it has an async body.

        *reply_of* makes the streamed reply, if it is to be one. Raises as `result_of` does.
        """
        try:
            answer = _answer(awaitable, invocation, reply_of)
            result, reply, failure = self._run(answer, self._context_of(invocation))
        except asyncio.CancelledError as error:
            raise Fault.of(error) from error
        if reply:
            reply.end(failure)
        return result, reply is not None

    def result_of(self, awaitable: Awaitable[object], invocation: Invocation) -> object:
        """What *awaitable* gives. Raises `Fault` at the deadline, after cancelling it, and when it cancels itself."""
        try:
            limited = _before_deadline(awaitable, replies.seconds_left(invocation))
            return self._run(limited, self._context_of(invocation))
        except asyncio.CancelledError as error:
            raise Fault.of(error) from error

    def stream(self, reply: Reply) -> None:
        """Send an async body item by item, and end the reply."""
        reply.end(self._run(_send_all(reply), self._context_of(reply.invocation)))

    def collect(self, body: AsyncBody, invocation: Invocation) -> list[bytes]:
        """All chunks of *body*, for a caller that cannot stream. Raises `Fault` at the deadline."""
        chunks: list[bytes] = []

        async def keep(item: Chunk) -> None:
            chunks.append(replies.encode(item))

        self.result_of(_pour(body, keep), invocation)
        return chunks

    def call(self, function: Callable[[], object], invocation: Invocation) -> object:
        """What *function*, which is not asynchronous, gives; it finds the context variables of *invocation*."""
        return self._context_of(invocation).run(function)


async def _answer(
    awaitable: Awaitable[object], invocation: Invocation, reply_of: ReplyOf
) -> tuple[object, Reply | None, BaseException | None]:
    """The result of *awaitable* and, of an async body, the reply and what kept some of it from being sent.

    One run of the loop for both: a run costs as much as a short handler, and its first event waits for it.
    """
    result = await _before_deadline(awaitable, replies.seconds_left(invocation))
    reply = reply_of(result, invocation)
    if reply and replies.is_asynchronous(reply.body):
        return result, reply, await _send_all(reply)
    return result, None, None


async def _send_all(reply: Reply) -> BaseException | None:
    """Send the body of *reply*, which is still to be ended; returns what kept some of it from being sent."""
    cork = Cork(reply)
    try:
        await _before_deadline(_pour_through(cork, cast("AsyncBody", reply.body)), reply.seconds_left())
    except Exception as error:  # noqa: BLE001 - a failing body becomes error trailers
        return error
    except asyncio.CancelledError as error:
        reason = error.args[0] if error.args else None
        return reason if isinstance(reason, Exception) else error
    finally:
        cork.close()
    return None


async def _pour_through(cork: Cork, body: AsyncBody) -> None:
    try:
        await _pour(body, cork.write)
    except asyncio.CancelledError:
        cork.give_up()
        raise
    except Exception:
        await cork.end()
        raise
    await cork.end()


async def _pour(body: AsyncBody, write: Write) -> None:
    """Pass every chunk of *body* to *write*, and close an async generator whatever happens: its `finally` runs now."""
    if not hasattr(body, "__aiter__"):
        await body(write)
        return
    items = aiter(body)
    try:
        async for item in items:
            await write(item)
    finally:
        if close := getattr(items, "aclose", None):
            await close()


async def _before_deadline(awaitable: Awaitable[object], seconds: float) -> object:
    """Cancel *awaitable* after *seconds*, and say why in a `Fault`; a TimeoutError of the handler's own passes."""
    try:
        async with asyncio.timeout(seconds) as limit:
            return await awaitable
    except TimeoutError:
        if limit.expired():
            raise replies.deadline_fault() from None
        raise
