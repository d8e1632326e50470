"""One connection of a worker; what it follows and where it differs is told in `local.runtime_server`."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Sequence
from typing import cast

from local.busy_poll import BusyPoll
from local.extensions_api import ROOTS, ExtensionsApi
from local.http1.request_reader import BadRequestError, RequestHead, RequestReader
from local.http1.response_head import STATUS_LINES
from local.invocation import Invocation
from local.runtime_api import MAX_DOCUMENT_BYTES, ErrorReply, RefusedError, Reply, RuntimeApi
from local.runtime_server.headers import invocation_headers, reply_request
from local.wire.headers import Header

_REPLY = re.compile(rb"/2018-06-01/runtime/invocation/([^/]*)/(response|error)")
_NEXT = "/2018-06-01/runtime/invocation/next"
_RESTORE_ERROR = "/2018-06-01/runtime/restore/error"
_SMALL = re.compile(  # requests that are taken whole before anything is done
    rf"POST /2018-06-01/runtime/init/error|POST {_RESTORE_ERROR}|GET /2018-06-01/runtime/restore/next"
)
_KNOWN = re.compile(rf"{_REPLY.pattern.decode()}|{_NEXT}|/2018-06-01/runtime/(init/error|restore/(next|error))")
_ACCEPTED = b'{"status":"OK"}\n'
LEFT_REPLY_SECONDS = 1  # for the end of a reply whose runtime asks for the next event
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class RuntimeConnection(asyncio.Protocol):
    """One connection of a worker. It never waits: a full reply buffer pauses the socket until it is drained."""

    def __init__(self, api: RuntimeApi, extensions: ExtensionsApi, connections: set[RuntimeConnection]) -> None:
        self._api = api
        self._extensions = extensions
        self._connections = connections
        self._reader = RequestReader(self)
        self._transport: asyncio.Transport | None = None
        self._head: RequestHead | None = None  # of the request that is coming in or being answered
        self._reply: Reply | ErrorReply | None = None  # a reply that is coming in
        self._document: bytearray | None = None  # a small body that is coming in
        self._refused: RefusedError | None = None  # the answer to a request whose rest is still coming in
        self._withdraw: Callable[[], None] = _nothing  # the question for an event that is not answered yet
        self._answer: asyncio.Task[None] | None = (
            None  # to what may have to wait: an extension, or a question for the next event
        )
        self._reply_over: asyncio.Event | None = None  # for whoever waits for the end of the reply
        self._busy_poll = BusyPoll()  # after an event, until its reply begins

    # Protocol interface

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class has the methods, not the base
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        if self._reader.backlog and self._transport:
            self._transport.pause_reading()

    def eof_received(self) -> None:
        self._reader.end()

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        self._withdraw()
        if self._answer:
            self._answer.cancel()
        if reply := self._taken_reply():
            reply.truncated()

    def drop(self) -> None:
        if self._transport:
            self._transport.abort()

    # Called by another connection of the same worker

    @property
    def waits_for_caller(self) -> bool:
        """Whether a reply is coming in and is not read, since its caller has not taken what came before."""
        return self._reply is not None and self._reply.buffer.full

    async def read_out(self) -> None:
        """Read what is left of the reply, no more than a socket holds where its worker has hung up; return at its end.

        While somebody waits for that here, its caller does not hold it back; who gives up leaves it held back again.
        """
        self._reply_over = asyncio.Event()
        try:
            self._resume()
            await self._reply_over.wait()
        finally:
            self._reply_over = None
            if self.waits_for_caller and self._transport:
                self._transport.pause_reading()

    # Called by the reader

    def request_begun(self, head: RequestHead) -> None:
        self._busy_poll.stop()
        self._head = head
        if head.expects_continue and self._transport:
            self._transport.write(_CONTINUE)
        try:
            self._begin(head)
        except RefusedError as refused:
            self._refuse_later(refused)

    def body_came(self, data: bytes) -> None:
        if self._refused is None:
            try:
                self._body(data)
            except RefusedError as refused:
                self._refuse_later(refused)

    def request_ended(self, trailers: list[Header]) -> None:
        if self._refused is None:
            try:
                self._end(dict(trailers))
            except RefusedError as refused:
                self._refuse_later(refused)
        if self._refused:
            self._refuse(self._refused)

    def request_broken(self, error: BadRequestError) -> None:
        """What came is not HTTP, or ended in the middle of a message."""
        refused = RefusedError(error.status, "BadRequest", str(error))
        if reply := self._taken_reply():
            reply.truncated()
            refused = RefusedError(400, "TruncatedHTTPRequest", "HTTP request detected as truncated")
        self._head = None
        self._refuse(refused)

    # Requests

    def _refuse_later(self, refused: RefusedError) -> None:
        self._taken_reply()
        self._document, self._refused = None, refused

    def _begin(self, head: RequestHead) -> None:
        if head.method == "POST" and (match := _REPLY.fullmatch(head.target)):
            begin = self._api.begin_response if match[2] == b"response" else self._api.begin_error
            self._reply = begin(reply_request(head, match[1].decode("latin-1")))
            self._reply.buffer.on_drained = self._resume
            return
        method, target = head.method, head.target.decode("latin-1")
        if method == "GET" and target == _NEXT:
            return
        if target.startswith(ROOTS) or _SMALL.fullmatch(f"{method} {target}"):
            self._document = bytearray()
        elif _KNOWN.fullmatch(target):
            raise RefusedError(405, "MethodNotAllowed", f"the Runtime API has {target}, but not with {method}")
        else:
            raise RefusedError(404, "NotFound", f"the Runtime API has no {method} {target}")

    def _body(self, data: bytes) -> None:
        if self._reply:
            self._reply.write(data, last=self._reader.backlog)  # after a body, only its end can have come
            if self._reply.buffer.full and self._transport and not self._reply_over:
                self._transport.pause_reading()
        elif self._document is not None:
            self._document.extend(data)
            if len(self._document) > MAX_DOCUMENT_BYTES:
                raise RefusedError(
                    413, "RequestEntityTooLarge", f"this document may have at most {MAX_DOCUMENT_BYTES} bytes"
                )

    def _end(self, trailers: dict[bytes, bytes]) -> None:
        head = self._head
        assert head is not None
        if reply := self._taken_reply():
            reply.end(
                trailers.get(b"lambda-runtime-function-error-type", b"").decode("latin-1"),
                trailers.get(b"lambda-runtime-function-error-body", b"").decode("latin-1"),
            )
            self._send(202, _ACCEPTED)
        elif self._document is None:
            self._next()
        else:
            document, self._document = bytes(self._document), None
            if head.target.decode("latin-1").startswith(ROOTS):
                self._answer = asyncio.get_running_loop().create_task(self._answer_extension(head, document))
            elif head.method == "GET":
                self._api.restore_next()
                self._send(200, b"")
            else:
                self._take_error(head, document)
                self._send(202, _ACCEPTED)

    def _next(self) -> None:
        if self._api.replying and (left := [other for other in self._connections if other.waits_for_caller]):
            self._answer = asyncio.get_running_loop().create_task(self._next_after(left))
        else:
            self._withdraw = self._api.next(self._answer_next)

    async def _next_after(self, left: list[RuntimeConnection]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEFT_REPLY_SECONDS):
                for connection in left:
                    await connection.read_out()
        try:
            self._withdraw = self._api.next(self._answer_next)
        except RefusedError as refused:
            self._refuse(refused)

    def _take_error(self, head: RequestHead, document: bytes) -> None:
        reply = reply_request(head)
        if head.target == _RESTORE_ERROR.encode():
            self._api.restore_error(reply.error_type, document)
        else:
            self._api.init_error(reply.error_type, document)

    def _answer_next(self, invocation: Invocation) -> None:
        self._send(200, invocation.event, invocation_headers(invocation))
        self._busy_poll.start()

    async def _answer_extension(self, head: RequestHead, document: bytes) -> None:
        headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
        try:
            answer = await self._extensions.answer(head.method, head.target.decode("latin-1"), headers, document)
        except RefusedError as refused:
            self._refuse(refused)
        else:
            self._send(answer.status, answer.body, [(k.encode(), v.encode()) for k, v in answer.headers.items()])

    # Answers

    def _refuse(self, refused: RefusedError) -> None:
        self._refused = None
        self._send(refused.status, refused.body + b"\n")

    def _send(self, status: int, body: bytes, headers: Sequence[Header] = ()) -> None:
        """Answer the request, or what was none; then what the worker has sent meanwhile is read."""
        assert self._transport is not None
        head, self._head = self._head, None
        fields = [b"content-type: application/json", b"content-length: %d" % len(body), *map(b": ".join, headers)]
        keep_alive = head is not None and head.keep_alive
        if not keep_alive:
            fields.append(b"connection: close")
        content = b"" if head and head.method == "HEAD" else body
        self._transport.write(STATUS_LINES[status] + b"\r\n".join([*fields, b"", content]))
        if keep_alive:
            self._reader.go_on()
            self._resume()
        else:
            self._transport.close()

    def _taken_reply(self) -> Reply | ErrorReply | None:
        """The reply that was coming in; it does so no longer, and what comes after it is read again."""
        reply, self._reply = self._reply, None
        if reply:
            if self._reply_over:
                self._reply_over.set()
            reply.buffer.on_drained = _nothing
            self._resume()
        return reply

    def _resume(self) -> None:
        if self._transport and not self._transport.is_closing() and not self._reader.backlog:
            self._transport.resume_reading()


def _nothing() -> None:
    pass
