"""A function's own HTTP endpoint.

What hop this is: `edge (or a viewer) -> [function_url] -> dispatcher -> invocation`.

What the real service does (https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html,
https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html): turns the request into an event;
in invoke mode `RESPONSE_STREAM` passes status and headers on when the prelude is there and then every chunk as it
comes; in `BUFFERED` waits for the whole reply. When the viewer leaves, the function runs on. A function that fails, or
answers what is no HTTP response, is a 502. A streamed reply without any bytes, where a prelude should be, was seen as
an empty 200 (https://github.com/middyjs/middy/issues/1189); AWS's client for Node sends such a reply for a stream that
is ended and was never written to.

What differs here, on purpose:
1. a reply that is cut short ends without its last chunk, so that the viewer sees an aborted body; what AWS's function
   URLs do then is not documented;
2. the body of a 429 is the Invoke API's; for function URLs none is documented;
3. the answers to requests that are too large or too slow are our own: AWS documents the sizes, and no status;
4. a buffered reply has the content-length of its body, and one that the function sets is renamed as in a streamed
   reply, where that was observed; for buffered ones it is not documented.
"""

from __future__ import annotations

import asyncio
import json

from local import cors
from local.asgi import (
    ORIGIN_ACCESS_CONTROL,
    DisconnectedError,
    Receive,
    Scope,
    Send,
    SlowRequestError,
    respond,
    whole_body,
)
from local.config import Cors, FunctionUrl
from local.dispatcher import Dispatcher, ThrottledError
from local.function_access import Access, AccessDeniedError
from local.invocation import CallerLeftError, FunctionError, Invocation, ReplyCutError, new_trace_id
from local.reports import Reports, RequestReport
from local.request_head import head_bytes
from local.signature import SignatureError
from local.wire import prelude
from local.wire.headers import Header, leaving_function
from local.wire.http_event import HttpRequest, MalformedReplyError, event_of, reply_of

MAX_REQUEST_BYTES = 6 * 1024 * 1024
MAX_HEAD_BYTES = 1024 * 1024
_JSON: Header = (b"content-type", b"application/json")
_BODYLESS = (204, 304)


class _RefusedError(Exception):
    """A request of a size or a slowness that no function gets to see."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class FunctionUrlApp:
    """ASGI: the endpoint of the function that *access* guards."""

    def __init__(self, access: Access, dispatcher: Dispatcher, reports: Reports, *, account_id: str) -> None:
        self._access = access
        self._function = access.function
        assert self._function.url is not None
        self._url: FunctionUrl = self._function.url
        self._cors: Cors = self._url.cors or Cors()
        self._dispatcher = dispatcher
        self._reports = reports
        self._account_id = account_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._url.cors and cors.is_preflight(scope["method"], scope["headers"]):
            await respond(send, 200, headers=cors.preflight_headers(self._cors, scope["headers"]))
            return
        try:
            body = await _body(scope, receive)
        except DisconnectedError:
            return
        except _RefusedError as refused:
            await _refuse(send, refused.status, {"message": str(refused)}, (b"connection", b"close"))
            return
        request = _request(scope, body)
        edge = scope.get("extensions", {}).get(ORIGIN_ACCESS_CONTROL, {})
        try:
            access_key = self._access.check(request, distribution_arn=edge.get("source_arn"))
        except AccessDeniedError as denied:
            await _refuse(send, 403, {"Message": denied.message}, (b"x-amzn-errortype", b"AccessDeniedException"))
            return
        except SignatureError as error:
            await _refuse(send, 403, {"message": error.message}, (b"x-amzn-errortype", error.error_type.encode()))
            return
        await self._invoke(scope, receive, send, self._invocation(request, access_key))

    async def _invoke(self, scope: Scope, receive: Receive, send: Send, invocation: Invocation) -> None:
        report: RequestReport | None = scope.get("local.report")
        if report:
            report.function, report.request_id = self._function.logical_id, invocation.request_id
        try:
            self._dispatcher.invoke(invocation)
        except ThrottledError:
            reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
            await _refuse(send, 429, {"Reason": reason, "Type": "User", "message": "Rate Exceeded."})
            return
        if report:
            report.cold_start = invocation.cold_start
        watcher = asyncio.get_running_loop().create_task(_abandon_when_left(receive, invocation))
        try:
            added = cors.response_headers(self._cors, scope["headers"])
            answer = _Answer(invocation, send, report, added=added, reports=self._reports)
            await answer.give(is_head=scope["method"] == "HEAD")
        except BaseException:  # cancelled by the edge, which waits for an origin only so long, or nothing can be sent
            invocation.abandon()
            raise
        finally:
            watcher.cancel()

    def _invocation(self, request: HttpRequest, access_key: str | None) -> Invocation:
        invocation = Invocation(
            self._function, b"", streamed=self._url.invoke_mode == "RESPONSE_STREAM", trace_id=new_trace_id()
        )
        event = event_of(
            request,
            url_id=self._url.url_id,
            domain=self._url.domain,
            account_id=self._account_id if self._url.auth_type == "AWS_IAM" else "anonymous",
            request_id=invocation.request_id,
            access_key=access_key,
        )
        invocation.event = json.dumps(event, ensure_ascii=False).encode()
        return invocation


class _Answer:
    """The HTTP response to one request."""

    def __init__(
        self,
        invocation: Invocation,
        send: Send,
        report: RequestReport | None,
        *,
        added: list[Header],
        reports: Reports,
    ) -> None:
        self._invocation = invocation
        self._send = send
        self._report = report
        self._added = added  # by the URL's CORS configuration
        self._reports = reports

    async def give(self, *, is_head: bool) -> None:
        """Answer; returns without the last chunk when the reply was cut short after its first."""
        started = False
        try:
            content_type = await self._invocation.started()
            answer = self._streamed(content_type) if self._invocation.streamed else self._buffered()
            status, headers, first = await answer
            started = True
            await self._start(status, headers)
            await self._relay(first, bodyless=is_head or status in _BODYLESS)
        except ReplyCutError as error:
            self._note(error.failure.error_type)
            if not started:
                await self._fail()
        except FunctionError as error:
            self._note(error.failure.error_type)
            await self._fail()
        except CallerLeftError:
            pass
        except (prelude.PreludeError, MalformedReplyError) as error:
            self._note(str(error))
            self._invocation.reply.abandon()
            await self._fail()

    async def _streamed(self, content_type: str) -> tuple[int, list[Header], bytes]:
        """Status, headers, and what of the body is already there."""
        if content_type != prelude.CONTENT_TYPE:
            return 200, [(b"content-type", (content_type or "application/octet-stream").encode("latin-1"))], b""
        parser = prelude.PreludeParser()
        while (data := await self._invocation.reply.read()) is not None:
            if parsed := parser.feed(data):
                head, body = parsed
                return head.status, leaving_function(head.headers), body
        if parser.empty:
            self._note("the reply is empty, without even its prelude: status and headers are lost")
            return 200, [(b"content-type", b"application/octet-stream")], b""
        raise parser.unfinished()

    async def _buffered(self) -> tuple[int, list[Header], bytes]:
        document = bytearray()
        while (data := await self._invocation.reply.read()) is not None:
            document += data
        reply = reply_of(bytes(document))
        length = [] if reply.status in _BODYLESS else [(b"content-length", b"%d" % len(reply.body))]
        return reply.status, [*reply.headers, *length], reply.body

    async def _start(self, status: int, headers: list[Header]) -> None:
        ours = [
            (b"x-amzn-requestid", self._invocation.request_id.encode()),
            (b"x-amzn-trace-id", self._invocation.trace_id.encode()),
        ]
        if twice := cors.duplicated(self._added, headers):
            names = ", ".join(twice)
            function = self._invocation.function.logical_id
            self._reports.note(f"{function}  sets {names}, and so does its URL's Cors: browsers refuse that")
        headers = [*headers, *self._added, *ours]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _relay(self, first: bytes, *, bodyless: bool) -> None:
        data: bytes | None = first
        while data is not None:
            if data and not bodyless:
                await self._send({"type": "http.response.body", "body": data, "more_body": True})
            data = await self._invocation.reply.read()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _fail(self) -> None:
        await respond(
            self._send,
            502,
            headers=[_JSON, (b"x-amzn-requestid", self._invocation.request_id.encode())],
            body=b"Internal Server Error",
        )

    def _note(self, text: str) -> None:
        if self._report:
            self._report.note = text


async def _body(scope: Scope, receive: Receive) -> bytes:
    """The request's body. Raises `_RefusedError`, before anything is uploaded if the head says enough."""
    if head_bytes(scope) > MAX_HEAD_BYTES:
        raise _RefusedError(431, f"Request line and headers must be smaller than {MAX_HEAD_BYTES} bytes")
    announced = next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0)
    try:
        body = None if announced > MAX_REQUEST_BYTES else await whole_body(receive, limit=MAX_REQUEST_BYTES)
    except SlowRequestError as error:
        raise _RefusedError(408, "The body of the request did not come in time") from error
    if body is None:
        raise _RefusedError(413, f"Request must be smaller than {MAX_REQUEST_BYTES} bytes")
    return body


def _request(scope: Scope, body: bytes) -> HttpRequest:
    """The request, with the headers that a function URL adds; here they tell of loopback, so redirects lead back."""
    client = scope["client"][0] if scope.get("client") else "127.0.0.1"
    port = (scope.get("server") or ("", 80))[1] or 80
    added = {"x-forwarded-for": client, "x-forwarded-port": str(port), "x-forwarded-proto": scope.get("scheme", "http")}
    there = {name for name, _ in scope["headers"]}
    missing = [(name.encode(), value.encode()) for name, value in added.items() if name.encode() not in there]
    return HttpRequest(
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=[*scope["headers"], *missing],
        body=body,
        source_ip=client,
        http_version=scope["http_version"],
    )


async def _abandon_when_left(receive: Receive, invocation: Invocation) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    invocation.abandon()


async def _refuse(send: Send, status: int, document: dict[str, str], *headers: Header) -> None:
    await respond(send, status, headers=[_JSON, *headers], body=json.dumps(document).encode())
