"""One event on its way through a function, and the one buffer its reply passes.

What hop this is: `function_url, invoke_api -> dispatcher -> [invocation] <- runtime_api <- worker`. The two sides never
call each other; they meet here.

What the real service does: a reply is streamed while it is made; an error before its first byte is an error to the
caller, one after it cuts the reply short; when the caller leaves, the function runs on to its end and is billed for it
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html).

What differs here, on purpose:
1. the buffer between function and caller is small, so a slow caller slows the function down: how much the real service
   holds in between is not documented.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from local.config import Function
from local.news import News
from local.reports import LogTail

HIGH_WATER_BYTES = 64 * 1024
_TRACE_ID = re.compile(r"[!-~]{1,1024}")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an invocation failed: an error type, and the JSON document the caller gets."""

    error_type: str
    document: bytes

    @classmethod
    def of(cls, error_type: str, message: str) -> Failure:
        document = {"errorType": error_type, "errorMessage": message}
        return cls(error_type, json.dumps(document).encode())


class FunctionError(Exception):
    """The invocation failed before the first byte of its reply."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.error_type}: {failure.document.decode(errors='replace')}")
        self.failure = failure


class ReplyCutError(FunctionError):
    """The invocation failed after the first byte: what was read is not the whole reply."""


class CallerLeftError(Exception):
    """The caller has left: there is nobody to be answered."""


class ReplyBuffer:
    """What the function has sent and the caller has not read yet.

    The writer never waits here: when `full` is set it stops reading its socket until `on_drained` is called. A reader
    that waits is given what comes in the writer's own turn of the loop, unless the writer has `corked` the buffer,
    because it is about to say that the reply ends here.
    """

    def __init__(self) -> None:
        self.news = News()
        self.corked = False
        self.on_drained: Callable[[], None] = _nothing
        self.total_bytes = 0
        self._pieces: list[bytes] = []
        self._held_bytes = 0
        self._ended = False
        self._failure: Failure | None = None
        self._abandoned = False

    @property
    def full(self) -> bool:
        return self._held_bytes >= HIGH_WATER_BYTES

    @property
    def all_read(self) -> bool:
        """Whether the reply is whole, and nothing of it is left here."""
        return self._ended and not self._pieces and self._failure is None

    @property
    def unread(self) -> bytes:
        """What is there and was not read yet."""
        return b"".join(self._pieces)

    def write(self, data: bytes) -> None:
        """Take *data* from the function; once the caller has left, or the reply has ended, it is only counted."""
        self.total_bytes += len(data)
        if self._abandoned or self._ended:
            return
        self._pieces.append(data)
        self._held_bytes += len(data)
        self.wake()

    def end(self, failure: Failure | None = None) -> None:
        """The reply is whole, or cut short by *failure*. Only the first end counts."""
        if not self._ended:
            self._ended, self._failure = True, failure
        self.corked = False
        if failure:
            self.news.tell_later()  # who tells of it has more to do, such as a line for the log
        else:
            self.wake()

    def abandon(self) -> None:
        """The caller has left: hold nothing for it any more, and let the function run on."""
        self._abandoned = True
        self._take()
        self.corked = False
        self.news.tell_later()

    def wake(self) -> None:
        """Let the reader see how things stand."""
        if not self.corked:
            self.news.tell()

    async def read(self) -> bytes | None:
        """All that is there, as soon as anything is; None at the end.

        Raises `ReplyCutError` at the end of a reply that was cut short, `CallerLeftError` when it was abandoned.
        """
        while not self._pieces and not self._ended and not self._abandoned:
            await self.news
        if self._abandoned:
            raise CallerLeftError
        if self._pieces:
            return self._take()
        if self._failure:
            raise ReplyCutError(self._failure)
        return None

    def _take(self) -> bytes:
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        was_full = self.full
        self._pieces, self._held_bytes = [], 0
        if was_full:
            self.on_drained()
        return data


@dataclass(slots=True)
class Timings:
    """When things happened, in seconds of `time.monotonic`; None for what has not happened."""

    created: float = field(default_factory=time.monotonic)
    handed_over: float | None = None
    first_byte: float | None = None
    replied: float | None = None
    caller_left: float | None = None


class Invocation:
    """One event for *function*; *event* is the JSON document the handler gets.

    A caller that takes the reply as a whole, not *streamed*, may be sent much less. *invoked_arn* has the version or
    alias that the caller named, *client_context* is a JSON document that it sent beside the event.
    """

    def __init__(
        self,
        function: Function,
        event: bytes,
        *,
        streamed: bool = True,
        trace_id: str = "",
        request_id: str = "",
        invoked_arn: str = "",
        client_context: str = "",
    ) -> None:
        self.function = function
        self.event = event
        self.streamed = streamed
        self.request_id = request_id or new_request_id()
        self.invocation_id = os.urandom(16).hex()  # what the runtime echoes, unlike the request id never used twice
        self.trace_id = trace_id
        self.invoked_arn = invoked_arn or function.arn
        self.client_context = client_context
        self.log_tail: LogTail | None = None  # set by a caller who wants to read it
        self.deadline_ms = 0  # epoch milliseconds, set when the event is handed over
        self.cold_start = False
        self.reply = ReplyBuffer()
        self.timings = Timings()
        self.failure: Failure | None = None
        self.abandoned = ""  # how it came that nobody waits for the reply
        self.completed = asyncio.Event()  # the environment has nothing more to do for it
        self._content_type: str | None = None  # of the reply, once it has begun
        self._error: Exception | None = None  # why there will be none

    async def started(self) -> str:
        """Wait for the first byte of the reply; its content type.

        Raises `FunctionError` when there is none, `CallerLeftError` when the reply is abandoned before it.
        """
        while self._content_type is None:
            if self._error:
                raise self._error
            await self.reply.news
        return self._content_type

    def hand_over(self) -> None:
        """The runtime gets the event now: from here on the function's timeout counts."""
        self.timings.handed_over = time.monotonic()
        self.deadline_ms = int((time.time() + self.function.timeout_seconds) * 1000)

    def begin_reply(self, content_type: str) -> None:
        """The runtime begins its reply."""
        self.timings.first_byte = time.monotonic()
        if self._content_type is None and self._error is None:
            self._content_type = content_type
            self.reply.wake()

    def end_reply(self, failure: Failure | None = None) -> None:
        """The reply is whole, or ends with *failure*. Only the first end counts."""
        if self.timings.replied is None:
            self.timings.replied = time.monotonic()
            self.failure = failure
        if failure:
            self._will_not_start(FunctionError(failure))
        self.reply.end(failure)

    def abandon(self, how: str = "its caller had left") -> None:
        """Nobody waits for the reply any more, because of what *how* says; the function runs on.

        Who has read all of it may go.
        """
        if self.reply.all_read:
            return
        if self.timings.caller_left is None:
            self.timings.caller_left, self.abandoned = time.monotonic(), how
        self._will_not_start(CallerLeftError())
        self.reply.abandon()

    def _will_not_start(self, error: Exception) -> None:
        if self._content_type is None and self._error is None:
            self._error = error


def new_request_id() -> str:
    """A random UUID, as `uuid.uuid4` makes it at three times the price."""
    digits = os.urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def trace_id_of(sent: str) -> str:
    """The X-Ray trace header of a request: the one that it brought, or else a new root, not sampled.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
    """
    if _TRACE_ID.fullmatch(sent):
        return sent
    return f"Root=1-{int(time.time()):08x}-{os.urandom(12).hex()};Sampled=0"


def _nothing() -> None:
    pass
