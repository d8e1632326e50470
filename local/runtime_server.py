"""The Runtime API on a socket of its own for each domain: HTTP/1.1 in, `runtime_api` and `extensions_api` calls out.

What hop this is: `worker -> [runtime_server] -> runtime_api, extensions_api`.

What the real service does: listens on loopback inside the environment; waits on `next` without a limit; takes replies
of any framing, with trailers (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).

What differs here, on purpose:
1. h11 parses the requests, because a server such as uvicorn drops request trailers, in which late errors travel;
2. a refused request is read to its end before it is answered, so that the answer is not lost in a reset connection.
"""

from __future__ import annotations

import asyncio
import re
from typing import cast

import h11

from local.environment.domain import Domain
from local.extensions_api import ROOTS, ExtensionsApi
from local.invocation import Invocation
from local.runtime_api import RefusedError, Reply, ReplyRequest, RuntimeApi

_REPLY = re.compile(r"/2018-06-01/runtime/invocation/([^/]+)/(response|error)")
_NEXT = "/2018-06-01/runtime/invocation/next"
_EXTENSIONS = tuple(root.encode() for root in ROOTS)
_RESTORE_ERROR = "/2018-06-01/runtime/restore/error"
_SMALL = re.compile(  # requests that are taken whole before anything is done
    rf"POST /2018-06-01/runtime/(init/error|invocation/[^/]+/error)|POST {_RESTORE_ERROR}"
    "|GET /2018-06-01/runtime/restore/next"
)
_ACCEPTED = b'{"status":"OK"}\n'
MAX_DOCUMENT_BYTES = 6 * 1024 * 1024


class RuntimeListener:
    """The Runtime API of one domain; only that domain's worker knows the port."""

    def __init__(self, server: asyncio.Server, connections: set[RuntimeConnection]) -> None:
        host, port = server.sockets[0].getsockname()[:2]
        self.address = f"{host}:{port}"
        self._server = server
        self._connections = connections

    @classmethod
    async def open(cls, domain: Domain) -> RuntimeListener:
        """Listen on a free port of the loopback interface."""
        api, extensions, connections = RuntimeApi(domain), ExtensionsApi(domain), set[RuntimeConnection]()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: RuntimeConnection(api, extensions, connections), "127.0.0.1", 0)
        return cls(server, connections)

    def close(self) -> None:
        """Stop listening and drop what is connected."""
        self._server.close()
        for connection in list(self._connections):
            connection.drop()


class RuntimeConnection(asyncio.Protocol):
    """One connection of a worker. It never waits: a full reply buffer pauses the socket until it is drained."""

    def __init__(self, api: RuntimeApi, extensions: ExtensionsApi, connections: set[RuntimeConnection]) -> None:
        self._api = api
        self._extensions = extensions
        self._connections = connections
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=1024 * 1024 + 64 * 1024)
        self._transport: asyncio.Transport | None = None
        self._reply: Reply | None = None  # a reply that is coming in
        self._document: tuple[h11.Request, bytearray] | None = None  # a small body that is coming in
        self._refused: RefusedError | None = None  # the answer to a request whose rest is still coming in
        self._answer: asyncio.Task[None] | None = None  # to a request that may have to wait, such as `next`
        self._head_only = False  # the answer to HEAD has no body

    # Protocol interface

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class has the methods, not the base
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        self._http.receive_data(data)
        self._advance()

    def eof_received(self) -> None:
        self._http.receive_data(b"")
        self._advance()

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        if self._answer:
            self._answer.cancel()
        if reply := self._taken_reply():
            reply.truncated()

    def drop(self) -> None:
        if self._transport:
            self._transport.abort()

    # Requests

    def _advance(self) -> None:
        """Act on everything that has come in so far."""
        try:
            while True:
                if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
                    self._http.start_next_cycle()
                event = self._http.next_event()
                if event in (h11.NEED_DATA, h11.PAUSED):
                    return
                if isinstance(event, h11.ConnectionClosed):
                    self._close()
                    return
                self._handle(event)
        except h11.RemoteProtocolError as error:
            self._broken(error)

    def _handle(self, event: object) -> None:
        try:
            if isinstance(event, h11.Request):
                self._begin(event)
            elif isinstance(event, h11.Data) and not self._refused:
                self._body(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                self._end(dict(event.headers))
        except RefusedError as refused:
            self._taken_reply()
            self._document = None
            if self._http.their_state is h11.SEND_BODY:
                self._refused = refused
            else:
                self._send(refused.status, refused.body + b"\n")

    def _begin(self, request: h11.Request) -> None:
        if self._http.they_are_waiting_for_100_continue and self._transport:
            self._transport.write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        method, target = request.method.decode(), request.target.decode("latin-1")
        self._head_only = method == "HEAD"
        if method == "GET" and target == _NEXT:
            return
        if target.startswith(ROOTS) or _SMALL.fullmatch(f"{method} {target}"):
            self._document = (request, bytearray())
        elif method == "POST" and _REPLY.fullmatch(target):
            self._reply = self._api.begin_response(_reply_request(request))
            self._reply.buffer.on_drained = self._resume
        else:
            raise RefusedError(404, "NotFound", f"the Runtime API has no {method} {target}")

    def _body(self, data: bytes) -> None:
        if self._reply:
            self._reply.write(data)
            if self._reply.buffer.full and self._transport:
                self._transport.pause_reading()
        elif self._document:
            self._document[1].extend(data)
            if len(self._document[1]) > MAX_DOCUMENT_BYTES:
                raise RefusedError(
                    413, "RequestEntityTooLarge", f"this document may have at most {MAX_DOCUMENT_BYTES} bytes"
                )

    def _end(self, trailers: dict[bytes, bytes]) -> None:
        if self._refused:
            refused, self._refused = self._refused, None
            self._send(refused.status, refused.body + b"\n")
        elif reply := self._taken_reply():
            reply.end(
                trailers.get(b"lambda-runtime-function-error-type", b"").decode("latin-1"),
                trailers.get(b"lambda-runtime-function-error-body", b"").decode("latin-1"),
            )
            self._send(202, _ACCEPTED)
        elif self._document:
            (request, document), self._document = self._document, None
            if request.target.startswith(_EXTENSIONS):
                self._answer = asyncio.get_running_loop().create_task(self._answer_extension(request, bytes(document)))
            elif request.method == b"GET":
                self._api.restore_next()
                self._send(200, b"")
            else:
                self._take_error(request, bytes(document))
                self._send(202, _ACCEPTED)
        else:
            self._answer = asyncio.get_running_loop().create_task(self._answer_next())

    def _take_error(self, request: h11.Request, document: bytes) -> None:
        reply = _reply_request(request)
        if reply.request_id:
            self._api.invocation_error(reply, document)
        elif request.target == _RESTORE_ERROR.encode():
            self._api.restore_error(reply.error_type, document)
        else:
            self._api.init_error(reply.error_type, document)

    async def _answer_next(self) -> None:
        try:
            invocation = await self._api.next()
        except RefusedError as refused:
            self._send(refused.status, refused.body + b"\n")
        else:
            self._send(200, invocation.event, _invocation_headers(invocation))
        self._advance()  # what the worker has sent meanwhile

    async def _answer_extension(self, request: h11.Request, document: bytes) -> None:
        headers = {name.decode(): value.decode("latin-1") for name, value in request.headers}
        method, target = request.method.decode(), request.target.decode("latin-1")
        try:
            answer = await self._extensions.answer(method, target, headers, document)
        except RefusedError as refused:
            self._send(refused.status, refused.body + b"\n")
        else:
            self._send(answer.status, answer.body, [(k.encode(), v.encode()) for k, v in answer.headers.items()])
        self._advance()

    # Answers

    def _send(self, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        assert self._transport is not None
        fields = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *(headers or [])]
        head = self._http.send(h11.Response(status_code=status, headers=fields))
        data = self._http.send(h11.Data(data=b"" if self._head_only else body))
        end = self._http.send(h11.EndOfMessage())
        self._transport.write((head or b"") + (data or b"") + (end or b""))
        if self._http.our_state is h11.MUST_CLOSE:
            self._close()

    def _broken(self, error: h11.RemoteProtocolError) -> None:
        """What came is not HTTP, or ended in the middle of a message."""
        refused = RefusedError(error.error_status_hint, "BadRequest", str(error))
        if reply := self._taken_reply():
            reply.truncated()
            refused = RefusedError(400, "TruncatedHTTPRequest", "HTTP request detected as truncated")
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._send(refused.status, refused.body + b"\n", [(b"connection", b"close")])
        self._close()

    def _close(self) -> None:
        if self._transport:
            self._transport.close()

    def _taken_reply(self) -> Reply | None:
        """The reply that was coming in; it does so no longer, and what comes after it is read again."""
        reply, self._reply = self._reply, None
        if reply:
            reply.buffer.on_drained = _nothing
            self._resume()
        return reply

    def _resume(self) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.resume_reading()


def _reply_request(request: h11.Request) -> ReplyRequest:
    headers = {name: value.decode("latin-1") for name, value in request.headers}
    match = _REPLY.fullmatch(request.target.decode("latin-1"))
    return ReplyRequest(
        request_id=match[1] if match else "",
        invocation_id=headers.get(b"lambda-runtime-invocation-id", ""),
        content_type=headers.get(b"content-type", ""),
        response_mode=headers.get(b"lambda-runtime-function-response-mode", ""),
        error_type=headers.get(b"lambda-runtime-function-error-type", ""),
    )


def _invocation_headers(invocation: Invocation) -> list[tuple[bytes, bytes]]:
    fields = {
        "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
        "Lambda-Runtime-Invocation-Id": invocation.invocation_id,
        "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
        "Lambda-Runtime-Invoked-Function-Arn": invocation.invoked_arn,
        "Lambda-Runtime-Trace-Id": invocation.trace_id,
        "Lambda-Runtime-Client-Context": invocation.client_context,
    }
    return [(name.encode(), value.encode()) for name, value in fields.items() if value]


def _nothing() -> None:
    pass
