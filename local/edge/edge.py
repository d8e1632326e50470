"""The edge as an ASGI callable; which hop it is, what it follows and where it differs is told in `local.edge`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from html import escape
from http import HTTPStatus
from urllib.parse import quote

from local.asgi import ORIGIN_ACCESS_CONTROL, ASGIApp, Message, Receive, Scope, Send, respond
from local.config import Behavior, Distribution, Origin
from local.edge import headers
from local.edge.error_page import ErrorWatch, page_scope, sending_as, without_upload
from local.edge.exchange import Exchange, Route
from local.edge.path_pattern import compile_pattern, normalized
from local.errors import EmulatorError
from local.request_head import head_bytes

# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html; past either it answers 413.
MAX_HEAD_BYTES = 32_768  # with the query; older copies of that page say 20,480
MAX_URL_BYTES = 8192
_REMEMBERED_PATHS = 256

_PAGE = """<!doctype html>
<title>{title}</title>
<h1>{title}</h1>
<p>{sentence}</p>
<hr>
<p>Answered by the local edge, which stands in for CloudFront. Request ID: {request_id}</p>
"""


class Edge:
    """CloudFront's part: sends each request to the origin of its behavior, and the response back chunk by chunk.

    *origins* has an ASGI app for every `Origin.origin_id` served here. *function_urls* are only named, in the answer
    of an edge that has no distribution. *note* takes a sentence for the log.
    """

    def __init__(
        self,
        distribution: Distribution | None,
        origins: Mapping[str, ASGIApp],
        *,
        function_urls: Sequence[str] = (),
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._distribution = distribution
        self._note = note
        self._function_urls = tuple(function_urls)
        self._routes = _routes(distribution, origins) if distribution else ()
        identity = sha256(distribution.arn.encode()).hexdigest()[:32] if distribution else "local"
        self._via = f"{identity}.cloudfront.net (CloudFront)".encode()
        self._route = lru_cache(maxsize=_REMEMBERED_PATHS)(self._matching)  # most requests are for the same few paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            send = _without_body(send)
        if self._distribution is None:
            await self._refuse(send, 404, self._nothing_here(), request_id=headers.new_request_id())
            return
        scope = _rooted(scope, self._distribution.default_root_object)
        if not self._distribution.error_pages:
            await self._forward(scope, receive, send, arn=self._distribution.arn)
            return
        watch = ErrorWatch(send, self._distribution.error_pages)
        await self._forward(scope, receive, watch.send, arn=self._distribution.arn)
        if page := watch.page:
            send = sending_as(send, page.status or watch.status)
            await self._forward(page_scope(scope, page), without_upload(receive), send, arn=self._distribution.arn)

    async def _forward(self, scope: Scope, receive: Receive, send: Send, *, arn: str) -> None:
        request_id = headers.new_request_id()
        if sentence := _too_long(scope):
            await self._refuse(send, 413, sentence, request_id=request_id)
            return
        route = self._route(scope["raw_path"])
        failure = _forbidden(scope, route.behavior)
        exchange = Exchange(route, via=self._via, request_id=request_id, receive=receive, send=send, note=self._note)
        if failure is None:
            failure = await exchange.run(_origin_scope(scope, route, arn=arn, via=self._via, request_id=request_id))
        # A response that has begun and cannot go on is left unfinished: the server then closes the connection without
        # a clean end, and the viewer knows that something is missing.
        if failure is not None and not exchange.started:
            await self._refuse(send, *failure, request_id=request_id)

    def _matching(self, raw_path: bytes) -> Route:
        path = normalized(raw_path.decode("latin-1"))
        return next((route for route in self._routes if route.pattern.fullmatch(path)), self._routes[-1])

    async def _refuse(self, send: Send, status: int, sentence: str, *, request_id: bytes) -> None:
        title = f"{status} {HTTPStatus(status).phrase}"
        page = _PAGE.format(title=title, sentence=escape(sentence), request_id=request_id.decode())
        own = [(b"server", b"CloudFront"), (b"content-type", b"text/html; charset=utf-8")]
        answer = headers.response_headers(own, (), status=status, via=self._via, request_id=request_id)
        if status == 413:
            answer.append((b"connection", b"close"))  # CloudFront "then terminates the TCP connection"
        await respond(send, status, headers=answer, body=page.encode())

    def _nothing_here(self) -> str:
        elsewhere = (
            f"the function URLs are {', '.join(self._function_urls)}"
            if self._function_urls
            else "no function has a URL"
        )
        return f"No AWS::CloudFront::Distribution is deployed, so this address serves nothing; {elsewhere}."


def _routes(distribution: Distribution, origins: Mapping[str, ASGIApp]) -> tuple[Route, ...]:
    return tuple(_route(behavior, distribution, origins) for behavior in distribution.behaviors)


def _route(behavior: Behavior, distribution: Distribution, origins: Mapping[str, ASGIApp]) -> Route:
    known = {origin.origin_id: origin for origin in distribution.origins}
    origin = known.get(behavior.origin_id) or Origin(behavior.origin_id, "")
    return Route(
        pattern=compile_pattern(behavior.path_pattern),
        behavior=behavior,
        policy=headers.encoded_policy(behavior),
        withheld=headers.withheld(behavior, origin),
        added=headers.added(origin),
        origin=origin,
        app=origins.get(behavior.origin_id) or _unserved(behavior.origin_id),
    )


def _unserved(origin_id: str) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise EmulatorError(f"The origin {origin_id} is neither a bucket nor a function URL of this template.")

    return app


def _rooted(scope: Scope, default_root_object: str) -> Scope:
    if scope["raw_path"] != b"/" or not default_root_object:
        return scope
    path = "/" + default_root_object
    return {**scope, "path": path, "raw_path": quote(path).encode()}


def _too_long(scope: Scope) -> str | None:
    size = head_bytes(scope)
    if size > MAX_HEAD_BYTES:
        return f"A request without its body has at most {MAX_HEAD_BYTES} bytes."
    if size > MAX_URL_BYTES and _url_bytes(scope) > MAX_URL_BYTES:  # the head, which has all of the URL, is longer
        return f"A URL has at most {MAX_URL_BYTES} bytes."
    return None


def _forbidden(scope: Scope, behavior: Behavior) -> tuple[int, str] | None:
    if scope["method"] not in behavior.allowed_methods:
        allowed = ", ".join(behavior.allowed_methods)
        return 403, f"The behavior {behavior.path_pattern} allows {allowed}, and not {scope['method']}."
    if scope["method"] == "GET":
        lengths = [value for name, value in scope["headers"] if name in (b"content-length", b"transfer-encoding")]
        if lengths not in ([], [b"0"]):
            return 403, "A GET request with a body is not forwarded."
    return None


def _url_bytes(scope: Scope) -> int:
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    query = scope["query_string"]
    return len(scope["scheme"]) + len("://") + len(host) + len(scope["raw_path"]) + len(query) + bool(query)


def _origin_scope(scope: Scope, route: Route, *, arn: str, via: bytes, request_id: bytes) -> Scope:
    origin = route.origin
    host = None if route.behavior.forwards_viewer_host else origin.domain.encode()
    forwarded = headers.request_headers(scope, host=host, withheld=route.withheld, via=via, request_id=request_id)
    forwarded.extend(route.added)
    changed = {
        **scope,
        "path": origin.path + scope["path"],
        "raw_path": origin.path.encode() + scope["raw_path"],
        "headers": forwarded,
    }
    if origin.origin_access_control is not None:
        changed["extensions"] = {**scope.get("extensions", {}), ORIGIN_ACCESS_CONTROL: {"source_arn": arn}}
    return changed


def _without_body(send: Send) -> Send:
    async def send_without_body(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return send_without_body
