"""In a dispatcher's place: hands each invocation to the test, which is the function then."""

from __future__ import annotations

import asyncio

from local.dispatcher import ThrottledError
from local.invocation import Failure, Invocation

DEADLINE_SECONDS = 10


class Begun(asyncio.Queue[Invocation]):
    """Invocations in their order; who waits for the next one does so within a deadline.

    Not under one that a fixture sets around the whole test: when that is up it ends the task in which anyio runs all
    tests, the examples of a property among them, and instead of a failure there is a run that never ends.
    """

    async def get(self) -> Invocation:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await super().get()


class FakeDispatcher:
    """Refuses the first *throttled* invocations; the others are to be had from `begun`."""

    def __init__(self, *, throttled: int = 0) -> None:
        self.begun = Begun()
        self.refused = 0
        self._throttled = throttled

    def invoke(self, invocation: Invocation) -> None:
        if self.refused < self._throttled:
            self.refused += 1
            raise ThrottledError("no room")
        self.begun.put_nowait(invocation)


def reply(invocation: Invocation, *pieces: bytes, content_type: str = "", failure: Failure | None = None) -> None:
    """What a function and its environment do: reply with *pieces*, and go wrong with *failure* if there is one."""
    if pieces or not failure:
        invocation.begin_reply(content_type)
    for piece in pieces:
        invocation.reply.write(piece)
    invocation.end_reply(failure)
    invocation.completed.set()
