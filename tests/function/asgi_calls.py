"""HTTP requests as the events that reach `Streaming`, and what it sends as HTTP again."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from lambda_asgi.asgi import App, Receive, Scope, Send
from local.wire.http_event import HttpRequest, event_of
from tests.function.fake_runtime_api import Event, Request

DOMAIN = "a1b2c3.lambda-url.us-east-1.on.aws"


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply's prelude, as it is in JSON, and its body."""

    prelude: dict[str, Any]
    body: bytes

    @classmethod
    def of(cls, request: Request) -> Reply:
        """The reply that the runtime sent with *request*, whole."""
        assert (request.endpoint, request.ended, request.trailers) == ("response", True, {})
        prelude, delimiter, body = request.body.partition(b"\0" * 8)
        assert delimiter
        return cls(json.loads(prelude), body)


def url_event(
    method: str = "GET", target: str = "/", *, headers: tuple[tuple[str, str], ...] = (), body: bytes = b""
) -> dict[str, Any]:
    """A function URL's event for this request; *target* as on the wire, with its query."""
    path, _, query = target.partition("?")
    fields = [("host", DOMAIN), ("x-forwarded-proto", "https"), ("x-forwarded-port", "443"), *headers]
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in fields]
    request = HttpRequest(method, path, query, encoded, body, "203.0.113.25")
    return event_of(request, url_id="a1b2c3", domain=DOMAIN, account_id="anonymous", request_id="r-1")


def rest_event(
    method: str = "GET",
    path: str = "/",
    *,
    headers: dict[str, list[str]] | None = None,
    query: dict[str, list[str]] | None = None,
    body: bytes | None = None,
) -> dict[str, Any]:
    """A REST API's event, whose stage is `prod`.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    fields = {"Host": ["r5s6t7.execute-api.us-east-1.amazonaws.com"], "X-Forwarded-Proto": ["https"], **(headers or {})}
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {name: values[-1] for name, values in fields.items()},
        "multiValueHeaders": fields,
        "queryStringParameters": query and {name: values[-1] for name, values in query.items()},
        "multiValueQueryStringParameters": query,
        "pathParameters": {"proxy": path[1:]},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "r5s6t7",
            "httpMethod": method,
            "identity": {"sourceIp": "203.0.113.25", "userAgent": "curl/8.14.1"},
            "path": f"/prod{path}",
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "resourcePath": "/{proxy+}",
            "stage": "prod",
        },
        "body": None if body is None else base64.b64encode(body).decode(),
        "isBase64Encoded": body is not None,
    }


def given(event: dict[str, Any] | None = None, **options: Any) -> Event:
    """What the Runtime API gives out for *event*, by default a GET of "/"."""
    return Event(body=json.dumps(url_event() if event is None else event).encode(), **options)


def sends(*messages: dict[str, Any]) -> App:
    """An application that answers every request with these messages."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return app


def start(status: int = 200, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": headers}


def part(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


def end(body: bytes = b"") -> dict[str, Any]:
    return part(body, more=False)
