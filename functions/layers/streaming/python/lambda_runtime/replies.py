"""From what a handler returned to what goes out: a stream, or one document.

What this is: `handler -> result -> [replies] -> client`.

What the real service does: a function URL in `RESPONSE_STREAM` mode passes each chunk on as it comes; before the first
one an error is still an error (`/error`, status 502), after it the error travels in trailers
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming).

What differs here, on purpose:
1. the reply begins with the first chunk, not before: prelude and first chunk leave in one write, and a body that fails
   at once is answered as the error it is;
2. a stream is ended, with trailers and its generator closed, a moment before the deadline at which Lambda would kill
   it; a handler that sleeps through that moment is killed all the same;
3. where the caller cannot stream (`sam local invoke`), a `Response` is sent as the buffered document it stands for.
"""

from __future__ import annotations

import time

from lambda_runtime.client import BURST_SECONDS, Client, Invocation, ReplyLostError, ResponseStream
from lambda_runtime.faults import Fault
from lambda_runtime.handler import COROUTINE, is_async
from lambda_runtime.http1 import chunk
from lambda_runtime.response import CONTENT_TYPE, Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator
    from typing import TypeGuard

    from lambda_runtime.body import AsyncBody, Body, Chunk
    from lambda_runtime.threaded_cork import ThreadedCork

DEADLINE_MARGIN_MS = 50
LEADING_ITEMS = 4  # of a burst, sent one by one: what a second thread costs pays only for a longer one


class Reply:
    """The reply to one invocation while its chunks come in."""

    def __init__(
        self, client: Client, invocation: Invocation, body: Body, *, content_type: str, opening: bytes = b""
    ) -> None:
        self.body = body
        self.stream: ResponseStream | None = None
        self.rest = b""  # frames that leave with the end
        self._client = client
        self.invocation = invocation
        self._ends_at = _ends_at(invocation)
        self._content_type = content_type
        self._opening = opening

    def seconds_left(self) -> float:
        """Time until the reply must have ended."""
        return self._ends_at - time.time()

    def data(self, item: Chunk) -> bytes:
        """The bytes of *item*. Raises `TypeError` for what is neither bytes nor str, and `Fault` at the deadline."""
        data = item if type(item) is bytes else encode(item)
        if time.time() >= self._ends_at:
            raise deadline_fault()
        return data

    def frame(self, item: Chunk) -> bytes:
        """What to send for *item*; the first follows the head of the request and the prelude. Raises as `data` does."""
        data = self.data(item)
        if self.stream is None:
            return self._open() + chunk(data)
        return chunk(data)

    def send(self, item: Chunk) -> None:
        """Send *item* now, and wait while the receiver is slow. Raises as `frame` does, and `ReplyLostError`."""
        data = self.frame(item)
        assert self.stream is not None
        try:
            self.stream.connection.send(data)
        except Exception as error:  # whatever it was, a signal handler's exception too: half a frame may be out
            raise self.stream.lost(error) from error

    def end(self, failure: BaseException | None) -> None:
        """End the reply; a *failure* before the first chunk is raised, a later one is logged and goes into trailers."""
        if isinstance(failure, ReplyLostError):
            self._lose(failure)
            return
        fault = Fault.of(failure) if failure else None
        if self.stream is None:
            if fault:
                raise fault
            self.rest = self.frame(b"")  # an empty body still has a status and headers
        if fault:
            fault.log(self.invocation.request_id)
        assert self.stream is not None
        try:
            self.stream.finish(fault, self.rest)
        except ReplyLostError as error:
            self._lose(error)

    def _open(self) -> bytes:
        self.stream = self._client.response_stream(self.invocation, self._content_type)
        return self.stream.opening(self._opening)

    def _lose(self, error: ReplyLostError) -> None:
        print(f"[WARN] the reply to {self.invocation.request_id} was cut off: {error}", flush=True)


def streamed(client: Client, invocation: Invocation, result: object) -> Reply | None:
    """The streamed reply that *result* asks for: a `Response`, or a sync or async generator; None for a document."""
    if isinstance(result, Response):
        return Reply(client, invocation, result.body, content_type=CONTENT_TYPE, opening=result.prelude())
    if is_generator(result):
        return Reply(client, invocation, result, content_type="application/octet-stream")
    return None


def is_generator(value: object) -> TypeGuard[Iterator[Chunk] | AsyncIterator[Chunk]]:
    """Whether *value* is a generator, sync or async, or is like one; what it yields is checked chunk by chunk."""
    return hasattr(value, "__next__") or hasattr(value, "__anext__")


def stream(reply: Reply) -> None:
    """Send a body that is not asynchronous, and end *reply*; its generator is closed whatever happens."""
    body = chunks_of(reply.body)
    close = getattr(body, "close", _nothing)
    cork: ThreadedCork | None = None
    failure: BaseException | None = None
    try:
        try:
            items = iter(body)
            if isinstance(reply.body, (bytes, bytearray, str)):
                reply.rest = reply.frame(reply.body)  # nothing else will come: head, body and end are one write
            elif _leads_a_burst(items, reply):
                from lambda_runtime.threaded_cork import ThreadedCork  # only a burst needs it

                assert reply.stream is not None
                cork = ThreadedCork(reply.stream)
                reply.rest = cork.pour(map(reply.data, items), close)
        finally:
            if cork is None:  # which closes it itself
                close()
    except Exception as error:  # noqa: BLE001 - a failing body becomes error trailers
        failure = error
    reply.end(failure)
    if cork:
        cork.join()  # here, since its thread ends while the Runtime API answers


def _leads_a_burst(items: Iterator[Chunk], reply: Reply) -> bool:
    """Send *items* each by itself until as many as `LEADING_ITEMS` were a burst; False when there are no more."""
    burst, burst_until = 0, 0.0
    for item in items:
        reply.send(item)
        now = time.monotonic()
        burst, burst_until = burst + 1 if now < burst_until else 1, now + BURST_SECONDS
        if burst == LEADING_ITEMS:
            return True
    return False


def is_asynchronous(body: Body) -> TypeGuard[AsyncBody]:
    """Whether *body* has to be iterated with `async for`, or is an `async def` that writes."""
    return hasattr(body, "__aiter__") or is_async(body, COROUTINE)


def chunks_of(body: Body) -> Iterable[Chunk]:
    """A body that is not asynchronous as an iterable of its chunks. Raises `TypeError` for what is no body."""
    if isinstance(body, (bytes, bytearray, memoryview, str)):
        return [body]
    if isinstance(body, dict) or not hasattr(body, "__iter__"):
        advice = "call it and pass what it returns" if callable(body) else "for JSON pass json.dumps(...)"
        raise TypeError(f"a Response body is bytes, str or an iterable of them, not {type(body).__name__}; {advice}")
    return body  # type: ignore[return-value]


def encode(item: Chunk) -> bytes:
    """A chunk's bytes. Raises `TypeError` for what is neither bytes nor str."""
    if isinstance(item, str):
        return item.encode()
    if isinstance(item, (bytes, bytearray, memoryview)):
        return bytes(item)
    raise TypeError(f"a body yields bytes or str, not {type(item).__name__}")


def buffered(response: Response, body: list[bytes]) -> dict[str, object]:
    """The document that stands for *response* where the caller cannot stream.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-response-payload
    """
    import binascii  # only the local emulators that buffer need it

    data = b"".join(body)
    try:
        text, is_base64 = data.decode(), False
    except UnicodeDecodeError:
        text, is_base64 = binascii.b2a_base64(data, newline=False).decode(), True
    return {**response.metadata(), "body": text, "isBase64Encoded": is_base64}


def seconds_left(invocation: Invocation) -> float:
    """Time until *invocation* must have ended, its clean end included."""
    return _ends_at(invocation) - time.time()


def _ends_at(invocation: Invocation) -> float:
    return (invocation.deadline_ms - DEADLINE_MARGIN_MS) / 1000


def deadline_fault() -> Fault:
    return Fault("Runtime.DeadlineExceeded", "the function's timeout was up before its reply was complete")


def _nothing() -> None:
    pass
