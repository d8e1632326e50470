"""The endpoint as an ASGI callable; what it follows and where it differs is told in `local.function_url`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable

import orjson

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
from local.function_url.answer import JSON, Answer
from local.function_url.request_rate import RequestRate
from local.invocation import Invocation, trace_id_of
from local.reports import Reports, RequestReport
from local.request_head import head_bytes
from local.signature import SignatureError
from local.wire.headers import Header
from local.wire.http_event import HttpRequest, event_of

MAX_REQUEST_BYTES = 6 * 1024 * 1024
MAX_HEAD_BYTES = 1024 * 1024


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
        self._rate = RequestRate(self._function.reserved_concurrency)

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
        trace_id = trace_id_of(_first(scope["headers"], b"x-amzn-trace-id"))
        request = _request(scope, body, trace_id)
        edge = scope.get("extensions", {}).get(ORIGIN_ACCESS_CONTROL, {})
        try:
            access_key = self._access.check(request, distribution_arn=edge.get("source_arn"))
        except AccessDeniedError as denied:
            _explain(scope, denied.reason)
            await _refuse(send, 403, {"Message": denied.message}, (b"x-amzn-errortype", b"AccessDeniedException"))
            return
        except SignatureError as error:
            _explain(scope, error.error_type)
            await _refuse(send, 403, {"message": error.message}, (b"x-amzn-errortype", error.error_type.encode()))
            return
        await self._invoke(scope, receive, send, self._invocation(request, access_key, trace_id))

    async def _invoke(self, scope: Scope, receive: Receive, send: Send, invocation: Invocation) -> None:
        report: RequestReport | None = scope.get("local.report")
        if report:
            report.function, report.request_id = self._function.logical_id, invocation.request_id
        if not self._rate.take():
            await _throttle(scope, send, "ReservedFunctionInvocationRateLimitExceeded")
            return
        try:
            self._dispatcher.invoke(invocation)
        except ThrottledError:
            await _throttle(scope, send, "ReservedFunctionConcurrentInvocationLimitExceeded")
            return
        if report:
            report.cold_start = invocation.cold_start
        added = cors.response_headers(self._cors, scope["headers"])
        answer = Answer(invocation, send, report, added=added, reports=self._reports)
        watcher = asyncio.get_running_loop().create_task(answer.abandon_when_left(receive))
        try:
            await answer.give(is_head=scope["method"] == "HEAD")
        except asyncio.CancelledError:
            answer.abandon("the edge had given it up")  # it waits for an origin only so long
            raise
        except BaseException:
            answer.abandon("its viewer had left")  # nothing can be sent
            raise
        finally:
            watcher.cancel()

    def _invocation(self, request: HttpRequest, access_key: str | None, trace_id: str) -> Invocation:
        streamed = self._url.invoke_mode == "RESPONSE_STREAM"
        invocation = Invocation(self._function, b"", streamed=streamed, trace_id=trace_id)
        event = event_of(
            request,
            url_id=self._url.url_id,
            domain=self._url.domain,
            account_id=self._account_id if self._url.auth_type == "AWS_IAM" else "anonymous",
            request_id=invocation.request_id,
            access_key=access_key,
        )
        invocation.event = orjson.dumps(event)
        return invocation


def _explain(scope: Scope, reason: str) -> None:
    """Have the line of the request tell why it was refused; the viewer is told less, as on AWS."""
    report: RequestReport | None = scope.get("local.report")
    if report:
        report.note = reason


async def _body(scope: Scope, receive: Receive) -> bytes:
    """The request's body. Raises `_RefusedError`, before anything is uploaded if the head says enough."""
    if head_bytes(scope) > MAX_HEAD_BYTES:
        raise _RefusedError(431, f"Request line and headers must be smaller than {MAX_HEAD_BYTES} bytes")
    announced = int(_first(scope["headers"], b"content-length") or 0)
    try:
        body = None if announced > MAX_REQUEST_BYTES else await whole_body(scope, receive, limit=MAX_REQUEST_BYTES)
    except SlowRequestError as error:
        raise _RefusedError(408, "The body of the request did not come in time") from error
    if body is None:
        raise _RefusedError(413, f"Request must be smaller than {MAX_REQUEST_BYTES} bytes")
    return body


def _first(headers: Iterable[Header], wanted: bytes) -> str:
    """The first value of a header, "" without one."""
    for name, value in headers:
        if name == wanted:
            return value.decode("latin-1")
    return ""


def _request(scope: Scope, body: bytes, trace_id: str) -> HttpRequest:
    """The request, with the headers that a function URL adds; here they tell of loopback, so redirects lead back."""
    client = scope["client"][0] if scope.get("client") else "127.0.0.1"
    port = (scope.get("server") or ("", 80))[1] or 80
    added = (
        (b"x-forwarded-for", client.encode()),
        (b"x-forwarded-port", b"%d" % port),
        (b"x-forwarded-proto", scope.get("scheme", "http").encode()),
    )
    headers = [header for header in scope["headers"] if header[0] != b"x-amzn-trace-id"]
    there = dict(headers)
    headers += [header for header in added if header[0] not in there]
    headers.append((b"x-amzn-trace-id", trace_id.encode()))
    return HttpRequest(
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
        source_ip=client,
        http_version=scope["http_version"],
    )


async def _throttle(scope: Scope, send: Send, reason: str) -> None:
    _explain(scope, reason)
    await _refuse(send, 429, {"Reason": reason, "Type": "User", "message": "Rate Exceeded."})


async def _refuse(send: Send, status: int, document: dict[str, str], *headers: Header) -> None:
    await respond(send, status, headers=[JSON, *headers], body=json.dumps(document).encode())
