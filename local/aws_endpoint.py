"""The AWS endpoint: the one address that functions, the AWS CLI and SDKs use in place of all of AWS.

What hop this is: `function, CLI, SDK -> [aws_endpoint] -> invoke_api, metadata, cloudformation, custom_resources,
aws_services`.

What the real service does: each service has endpoints of its own; `AWS_ENDPOINT_URL` sends the calls of any client to
one address (https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html).

What differs here, on purpose:
1. a request is passed on as it came: path, query, host and signed headers untouched, for moto routes by all of them;
2. `expect: 100-continue` ends here, where it is answered.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from urllib.parse import unquote

from local import asgi
from local.asgi import (
    ASGIApp,
    DisconnectedError,
    NotMeantError,
    Receive,
    Route,
    Scope,
    Send,
    SlowRequestError,
    end_to_end,
    respond,
    stream,
)
from local.aws_services import AwsServices
from local.custom_resources import ANSWER_PATH
from local.errors import EmulatorError
from local.request_head import BadHeadError, host_of, refuse

_CREDENTIAL = re.compile(r"Credential=[^/]+/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")


class AwsEndpoint:
    """ASGI app. *answers* takes what functions PUT to a custom resource's ResponseURL, *functions* are the routes of
    Lambda's own APIs, *own* the services, by the names that signatures have for them, that answer here as a whole; moto
    takes everything else. The named groups of a route's pattern are the scope's `path_params`.
    """

    def __init__(
        self,
        services: AwsServices,
        answers: ASGIApp,
        functions: Iterable[Route] = (),
        own: Mapping[str, ASGIApp] | None = None,
    ) -> None:
        self._services = services
        self._own = own or {}
        self._routes: tuple[Route, ...] = (("PUT", re.escape(ANSWER_PATH) + ".*", answers), *functions)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            host_of(scope)
        except BadHeadError as error:
            await refuse(send, error)
            return
        for method, pattern, app in self._routes:
            # The raw path, or a slash that was escaped would end a name.
            if scope["method"] == method and (match := re.fullmatch(pattern, scope["raw_path"].decode("latin-1"))):
                scope["path_params"] = {name: unquote(value) for name, value in match.groupdict().items()}
                with suppress(NotMeantError):
                    await app(scope, receive, send)
                    return
        region, service = _scope_of_credential(scope)
        if service in self._own:
            scope["local.region"], scope["local.service"] = region, service
            try:
                await self._own[service](scope, receive, send)
            except SlowRequestError:
                await respond(send, 408, headers=[(b"connection", b"close")])
            return
        await self._pass_on(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [header for header in end_to_end(scope["headers"]) if header[0] != b"expect"]
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        body = _body(receive) if _has_body(scope) else None
        started = False
        try:
            async with self._services.request(scope["method"], target, headers=headers, body=body) as reply:
                started = True
                await stream(send, reply.status, headers=reply.headers, chunks=reply.chunks)
        except DisconnectedError:
            return
        except SlowRequestError:
            if not started:
                await respond(send, 408, headers=[(b"connection", b"close")])
        except EmulatorError as error:
            if not started:  # else what was begun stays visibly unfinished
                await respond(send, 503, headers=[(b"content-type", b"text/plain")], body=f"{error}\n".encode())


def _scope_of_credential(scope: Scope) -> tuple[str, str]:
    """Region and service in the request's signature, "" where it has none."""
    signed = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    match = _CREDENTIAL.search(signed.decode("latin-1"))
    return (match["region"], match["service"]) if match else ("", "")


def _has_body(scope: Scope) -> bool:
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        try:
            async with asyncio.timeout(asgi.BODY_SECONDS):  # anew for each part: an upload may be as large as it likes
                message = await receive()
        except TimeoutError as error:
            raise SlowRequestError from error
        if message["type"] == "http.disconnect":
            raise DisconnectedError
        more = message.get("more_body", False)
        if message.get("body"):
            yield message["body"]
