"""Payload format 2.0: what of an HTTP request a function sees, and what of a buffered reply a viewer sees."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.wire.headers import Header
from local.wire.http_event import BufferedReply, HttpRequest, MalformedReplyError, event_of, reply_of

JSON_TYPE = (b"content-type", b"application/json")


def event(
    *, path: str = "/", query: str = "", headers: tuple[Header, ...] = (), body: bytes = b"", method: str = "GET"
) -> dict[str, object]:
    request = HttpRequest(method, path, query, list(headers), body, "192.0.2.7")
    return event_of(
        request,
        url_id="abc123",
        domain="abc123.lambda-url.eu-west-1.localhost",
        account_id="123456789012",
        request_id="8476a536-e9f4-11e8-9739-2dfe598c3fcd",
    )


def test_the_event_has_the_fields_of_payload_format_2_and_no_others() -> None:
    before = int(time.time() * 1000)

    made = event(
        method="POST",
        path="/caf%C3%A9/a%2Fb",
        query="a=1&b=%20x&a=2&empty=",
        headers=(
            (b"Host", b"abc123.lambda-url.eu-west-1.localhost:8080"),
            (b"User-Agent", b"test/1"),
            (b"Accept", b"text/html"),
            (b"accept", b"text/event-stream"),
            (b"Cookie", b"one=1; two=2"),
            (b"content-type", b"application/json"),
        ),
        body='{"grüß":"dich"}'.encode(),
    )

    context = made["requestContext"]
    assert isinstance(context, dict)
    epoch = context.pop("timeEpoch")
    assert before <= epoch <= time.time() * 1000
    assert context.pop("time") == datetime.fromtimestamp(epoch // 1000, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    assert made == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/caf%C3%A9/a%2Fb",
        "rawQueryString": "a=1&b=%20x&a=2&empty=",
        "cookies": ["one=1", "two=2"],
        "headers": {
            "host": "abc123.lambda-url.eu-west-1.localhost:8080",
            "user-agent": "test/1",
            "accept": "text/html,text/event-stream",
            "content-type": "application/json",
        },
        "queryStringParameters": {"a": "1,2", "b": " x", "empty": ""},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc123",
            "domainName": "abc123.lambda-url.eu-west-1.localhost",
            "domainPrefix": "abc123",
            "http": {
                "method": "POST",
                "path": "/caf%C3%A9/a%2Fb",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.7",
                "userAgent": "test/1",
            },
            "requestId": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            "routeKey": "$default",
            "stage": "$default",
        },
        "body": '{"grüß":"dich"}',
        "isBase64Encoded": False,
    }


def test_a_bare_request_has_neither_cookies_nor_query_nor_body() -> None:
    made = event()

    assert {"cookies", "queryStringParameters", "body"} & made.keys() == set()
    assert (made["headers"], made["rawQueryString"], made["isBase64Encoded"]) == ({}, "", False)


@pytest.mark.parametrize(
    ("fields", "cookies"),
    [
        ([b"a=1"], ["a=1"]),
        ([b"a=1;b=2 ;  c=3"], ["a=1", "b=2", "c=3"]),
        ([b"a=1", b"b=2; c=3"], ["a=1", "b=2", "c=3"]),
        ([b'list="1,2"; b=3'], ['list="1,2"', "b=3"]),
        ([b"a=1;;"], ["a=1"]),
    ],
)
def test_cookies_come_as_a_list_and_leave_the_headers(fields: list[bytes], cookies: list[str]) -> None:
    """Several Cookie headers are one list, and a comma in a cookie does not cut it."""
    made = event(headers=tuple((b"cookie", field) for field in fields))

    assert made["cookies"] == cookies
    assert made["headers"] == {}


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/html; charset=utf-8",
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/problem+json",
        "application/xml",
        "application/atom+xml",
        "application/javascript",
        "application/x-www-form-urlencoded",
    ],
)
def test_a_body_of_a_textual_type_goes_in_as_text(content_type: str) -> None:
    made = event(method="POST", headers=((b"content-type", content_type.encode()),), body="ümlaut".encode())

    assert (made["body"], made["isBase64Encoded"]) == ("ümlaut", False)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("", b"text"),
        ("application/octet-stream", b"text"),
        ("image/png", b"\x89PNG"),
        ("application/jsonlines", b"{}"),
        ("multipart/form-data; boundary=x", b"--x"),
        ("text/plain", b"\xff not UTF-8"),
    ],
)
def test_every_other_body_goes_in_as_base64(content_type: str, body: bytes) -> None:
    made = event(method="POST", headers=((b"content-type", content_type.encode()),), body=body)

    assert made["isBase64Encoded"] is True
    assert base64.b64decode(str(made["body"])) == body


@given(
    body=st.binary(min_size=1),
    content_type=st.sampled_from(["text/plain", "application/json", "image/png", ""]),
    values=st.lists(st.binary(max_size=20), max_size=4),
    query=st.text(st.characters(min_codepoint=33, max_codepoint=126)),
)
def test_any_request_makes_an_event_that_is_json_and_keeps_the_body(
    body: bytes, content_type: str, values: list[bytes], query: str
) -> None:
    headers = ((b"content-type", content_type.encode()), *((b"x-any", value) for value in values))

    sent = json.loads(json.dumps(event(method="PUT", query=query, headers=headers, body=body)))

    text = sent["body"]
    assert (base64.b64decode(text) if sent["isBase64Encoded"] else text.encode()) == body
    assert sent["headers"].get("x-any", "") == ",".join(value.decode("latin-1").strip(" \t") for value in values)
    assert sent["rawQueryString"] == query


@pytest.mark.parametrize("document", [b'"Hello"', b"[1, 2]", b'{"message": "x"}', b"null", b"7", b'{"body": "x"}'])
def test_a_reply_without_a_status_code_is_the_body_of_a_200(document: bytes) -> None:
    assert reply_of(document) == BufferedReply(200, [JSON_TYPE], document)


@pytest.mark.parametrize(
    ("fields", "reply"),
    [
        ({"statusCode": 200}, BufferedReply(200, [JSON_TYPE], b"")),
        ({"statusCode": 200, "headers": [], "cookies": None}, BufferedReply(200, [JSON_TYPE], b"")),
        ({"statusCode": "404", "body": None}, BufferedReply(404, [JSON_TYPE], b"")),
        (
            {"statusCode": 200, "headers": {"Content-Type": "text/plain"}, "body": "grüß"},
            BufferedReply(200, [(b"content-type", b"text/plain")], "grüß".encode()),
        ),
        (
            {"statusCode": 200, "body": "AAH/", "isBase64Encoded": True, "cookies": ["a=1; Secure", "b=2"]},
            BufferedReply(200, [(b"set-cookie", b"a=1; Secure"), (b"set-cookie", b"b=2"), JSON_TYPE], b"\x00\x01\xff"),
        ),
        (
            {"statusCode": 301, "headers": {"Location": "/", "Connection": "close", "Content-Length": 5}},
            BufferedReply(301, [(b"location", b"/"), (b"x-amzn-remapped-content-length", b"5"), JSON_TYPE], b""),
        ),
    ],
)
def test_a_reply_with_a_status_code_is_an_http_response(fields: object, reply: BufferedReply) -> None:
    assert reply_of(json.dumps(fields).encode()) == reply


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (b"", "the reply is not JSON: "),
        (b"\xff\xfe", "the reply is not JSON: "),
        (b"[" * 100_000, "the reply is not JSON: "),
        (b'{"statusCode": null}', "the reply is no HTTP response: statusCode must be a whole number, not null"),
        (b'{"statusCode": "many"}', 'the reply is no HTTP response: statusCode must be a whole number, not "many"'),
        (b'{"statusCode": 200.5}', "the reply is no HTTP response: statusCode must be a whole number, not 200.5"),
        (b'{"statusCode": [200]}', "the reply is no HTTP response: statusCode must be a whole number, not a list"),
        (b'{"statusCode": Infinity}', "the reply is no HTTP response: statusCode must be a whole number, not Infinity"),
        (b'{"statusCode": NaN}', "the reply is no HTTP response: statusCode must be a whole number, not NaN"),
        (b'{"statusCode": 199}', "statusCode 199 is not from 200 to 599"),
        (b'{"statusCode": 600}', "statusCode 600 is not from 200 to 599"),
        (b'{"statusCode": true}', "statusCode 1 is not from 200 to 599"),
        (b'{"statusCode": 200, "headers": "a"}', "the reply is no HTTP response: headers must be an object"),
        (
            b'{"statusCode": 200, "headers": {"a": "b\\r\\nc: d"}}',
            "the reply is no HTTP response: the value of header a",
        ),
        (
            b'{"statusCode": 200, "body": {"a": 1}}',
            "the reply is no HTTP response: body must be a string; json.dumps makes one of anything else",
        ),
        (b'{"statusCode": 200, "body": "\\ud83d"}', "the reply is no HTTP response: body has half a surrogate pair"),
        (
            b'{"statusCode": 200, "body": "?", "isBase64Encoded": true}',
            "the reply is no HTTP response: isBase64Encoded is true and body is no base64: ",
        ),
        (
            b'{"statusCode":200}' + bytes(8) + b"data: x",
            "the function streams and its URL buffers: set InvokeMode of the URL to RESPONSE_STREAM",
        ),
    ],
)
def test_what_is_no_http_response_is_refused_in_a_sentence(document: bytes, sentence: str) -> None:
    with pytest.raises(MalformedReplyError) as error:
        reply_of(document)

    assert str(error.value).startswith(sentence)
