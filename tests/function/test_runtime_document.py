"""Documents for buffering function URLs as streamed replies: what such a URL would have made of them."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, LambdaFunctionUrlResolver
from aws_lambda_powertools.event_handler.api_gateway import Response as PowertoolsResponse
from aws_lambda_powertools.shared.cookies import Cookie

from lambda_runtime.document import response_of
from lambda_runtime.faults import Fault
from local.wire.http_event import reply_of
from local.wire.prelude import PreludeParser
from tests.function.asgi_calls import rest_event, url_event
from tests.function.fake_runtime_api import serve

Reply = tuple[int, list[tuple[bytes, bytes]], bytes]


def streamed(document: Any) -> Reply:
    """Status, headers and body as a streaming URL sends them."""
    (request,) = serve(lambda event, context: response_of(document))
    parsed = PreludeParser().feed(request.body)
    assert parsed
    prelude, body = parsed
    return prelude.status, sorted(prelude.headers), body


def buffered(document: Any) -> Reply:
    """The same as a buffering one does, by the emulator's own reading, which shares no line with this."""
    reply = reply_of(json.dumps(document, ensure_ascii=False).encode())
    return reply.status, sorted(reply.headers), reply.body


@pytest.mark.parametrize(
    "document",
    [
        {"statusCode": 200, "body": "naïve"},
        {"statusCode": 201, "headers": {"Content-Type": "text/html", "x-a": "1"}, "cookies": ["a=1", "b=2"]},
        {"statusCode": 200, "body": "AAH/", "isBase64Encoded": True, "headers": {"content-type": "image/png"}},
        {"statusCode": 404},
        {"statusCode": "302", "headers": {"location": "/"}, "body": None, "cookies": None},
        {"statusCode": 200, "body": "", "headers": None},
        {"statusCode": 200, "headers": {"x-number": 7}, "body": "x"},
        {"ok": True},
        {},
        ["a", 1],
        "text",
        None,
    ],
)  # fmt: skip
def test_it_is_what_a_buffering_url_sends(document: Any) -> None:
    assert streamed(document) == buffered(document)


def test_a_status_without_a_body_gets_no_type() -> None:
    assert streamed({"statusCode": 304, "headers": {"etag": '"1"'}}) == (304, [(b"etag", b'"1"')], b"")


def test_headers_with_several_values() -> None:
    """As for a REST API; cookies stay apart."""
    document = {
        "statusCode": 200,
        "headers": {"x-a": "0", "X-B": "1"},
        "multiValueHeaders": {"X-A": ["1", "2"], "Set-Cookie": ["a=1", "b=2"]},
    }
    response = response_of(document)

    assert response.headers == {"x-a": "1,2", "x-b": "1", "content-type": "application/json"}
    assert response.cookies == ["a=1", "b=2"]


@pytest.mark.parametrize("resolver", [LambdaFunctionUrlResolver, APIGatewayRestResolver])
def test_a_router_of_powertools_answers_beside_a_stream(resolver: Any) -> None:
    app = resolver()

    @app.get("/stories")
    def stories() -> PowertoolsResponse[str]:
        return PowertoolsResponse(200, "text/plain", "moon", cookies=[Cookie("seen", "moon")])

    event = url_event(target="/stories") if resolver is LambdaFunctionUrlResolver else rest_event(path="/stories")
    response = response_of(app.resolve(event, None))

    assert (response.status_code, response.body) == (200, "moon")
    assert response.headers["content-type"] == "text/plain"
    assert [cookie.partition(";")[0] for cookie in response.cookies] == ["seen=moon"]


@pytest.mark.parametrize("resolver", [LambdaFunctionUrlResolver, APIGatewayRestResolver])
def test_a_route_of_powertools_streams(resolver: Any) -> None:
    """Such a router passes on what it cannot read, unless the type is JSON."""
    app = resolver()

    @app.get("/stories")
    def stories() -> PowertoolsResponse[Any]:
        return PowertoolsResponse(200, "text/event-stream", (f"data: {word}\n\n" for word in ["Once", "upon"]))

    event = url_event(target="/stories") if resolver is LambdaFunctionUrlResolver else rest_event(path="/stories")
    (request,) = serve(lambda *_: response_of(app.resolve(event, None)))

    assert b'"content-type":"text/event-stream"' in request.chunks[0]
    assert request.chunks[1:] == [b"data: Once\n\n", b"data: upon\n\n"]


def test_an_async_generator_streams_too() -> None:
    async def words() -> AsyncIterator[str]:
        yield "Once"

    assert streamed({"statusCode": 201, "body": words()}) == (201, [(b"content-type", b"application/json")], b"Once")


@pytest.mark.parametrize(
    ("document", "error", "sentence"),
    [
        ({"statusCode": 200, "body": {"a": 1}}, TypeError, "is str or a generator, not dict; for JSON pass json"),
        ({"statusCode": "many"}, ValueError, "status_code must be an int from 200 to 599, not 'many'"),
        ({"statusCode": None}, ValueError, "status_code must be an int from 200 to 599, not None"),
        ({"statusCode": 99}, ValueError, "status_code must be an int from 200 to 599, not 99"),
        ({"statusCode": 200, "body": "a", "isBase64Encoded": True}, ValueError, "Invalid base64"),
        ({1, 2}, Fault, "Unable to marshal response: Object of type set is not JSON serializable"),
    ],
)  # fmt: skip
def test_what_stands_for_no_reply(document: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=re.escape(sentence)):
        response_of(document)
