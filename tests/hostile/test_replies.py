"""Functions that would put words into their viewer's mouth: what they reply is data, and never HTTP."""

from __future__ import annotations

import json

import pytest

from local.wire.prelude import CONTENT_TYPE
from tests.hostile.viewer import Answer, Door, ask, viewer

NULS = b"\0" * 8


def reply(door: Door, document: bytes, content_type: str, *lines: bytes) -> Answer:
    """What a viewer gets from a function that replies with *document*; nothing may come behind it."""
    head = door.head(
        "POST", None, b"X-Reply-Type: " + content_type.encode(), b"Content-Length: %d" % len(document), *lines
    )
    with viewer(door) as one:
        answer = one.ask(head + b"\r\n" + document)
        assert one.ask(door.get("/echo/next")).event["rawPath"] == "/echo/next"
    return answer


def streamed(door: Door, fields: object, body: bytes = b"body") -> Answer:
    return reply(door, json.dumps(fields).encode() + NULS + body, CONTENT_TYPE)


def buffered(door: Door, fields: object) -> Answer:
    return reply(door, json.dumps(fields).encode(), "application/json")


INJECTED = [
    "a\r\nX-Injected: yes",
    "a\nX-Injected: yes",
    "a\rX-Injected: yes",
    "a\0b",
    "a\x0bb",
    "a\x7fb",
    "\r\n\r\n<p>",
]
PLACES = ["value", "name", "cookie", "multi"]


def fields_with(place: str, text: str) -> dict[str, object]:
    return {
        "value": {"statusCode": 200, "headers": {"x-a": text}},
        "name": {"statusCode": 200, "headers": {text: "a"}},
        "cookie": {"statusCode": 200, "cookies": [text]},
        "multi": {"statusCode": 200, "multiValueHeaders": {"x-a": ["fine", text]}},
    }[place]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", INJECTED)
def test_a_header_that_would_be_two_is_a_502(doors: dict[str, Door], place: str, text: str) -> None:
    """In preludes and in buffered replies, behind the edge and before it: nothing of the header comes out."""
    fields = fields_with(place, text)
    answers = [
        streamed(doors["function URL"], fields),
        streamed(doors["edge"], fields),
        buffered(doors["buffered URL"], fields),
    ]

    for answer in answers:
        assert (answer.status, answer.body) == (502, b"Internal Server Error")
        assert not answer.header(b"x-injected")
        assert not answer.header(b"x-a")


@pytest.mark.parametrize(
    "status", [0, 99, 100, 101, 103, 199, 600, 1000, -200, 2**64, 200.5, "200 OK", "", "abc", True, None, [200], {}]
)
def test_a_status_that_is_none_is_a_502(doors: dict[str, Door], status: object) -> None:
    """Also one that only announces another, below 200."""
    fields = {"statusCode": status, "headers": {}, "body": "body"}

    assert streamed(doors["function URL"], fields).status == 502
    assert buffered(doors["buffered URL"], fields).status == 502


@pytest.mark.parametrize("name", ["transfer-encoding", "connection", "upgrade", "keep-alive", "trailer", "te"])
def test_a_function_does_not_touch_the_connection(doors: dict[str, Door], name: str) -> None:
    fields = {"statusCode": 200, "headers": {name: "chunked", "x-a": "a"}, "body": "body"}
    for answer in (streamed(doors["function URL"], fields), buffered(doors["buffered URL"], fields)):
        assert (answer.status, answer.body, answer.header(b"x-a")) == (200, b"body", [b"a"])
        assert answer.header(name.encode()) in ([], [b"chunked"] if name == "transfer-encoding" else [])


@pytest.mark.parametrize("length", ["0", "2", "1000", "-1", "x"])
def test_a_length_that_a_function_makes_up_does_not_count(doors: dict[str, Door], length: str) -> None:
    """It goes out under another name, as on AWS."""
    fields = {"statusCode": 200, "headers": {"Content-Length": length}, "body": "body"}
    for answer in (streamed(doors["function URL"], fields), buffered(doors["buffered URL"], fields)):
        assert (answer.status, answer.body, answer.whole) == (200, b"body", True)
        assert answer.header(b"x-amzn-remapped-content-length") == [length.encode()]


@pytest.mark.parametrize("status", [204, 304])
def test_a_body_where_none_may_be_is_not_the_next_answer(doors: dict[str, Door], status: int) -> None:
    smuggled = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    fields = {"statusCode": status, "headers": {}, "body": smuggled.decode()}

    assert streamed(doors["function URL"], fields, smuggled).status == status
    assert buffered(doors["buffered URL"], fields).status == status


def test_the_body_of_an_answer_to_head_is_not_the_next_answer(url: Door) -> None:
    """The function does not know better, and sends one."""
    with viewer(url) as one:
        assert one.ask(url.head("HEAD") + b"\r\n", head_only=True).status == 200
        assert one.ask(url.get("/next")).event["rawPath"] == "/next"


@pytest.mark.parametrize(
    "document",
    [
        b"no JSON" + NULS,
        b"[1]" + NULS,
        b'{"statusCode":200}',
        b'{"statusCode":200}' + NULS[:7],
        b'{"headers":["a"]}' + NULS,
        b'{"headers":{"a":["b"]}}' + NULS,
        b'{"cookies":"a=1"}' + NULS,
        b'{"cookies":[1,null]}' + NULS,
        b'\xff{"statusCode":200}' + NULS,
        b"[" * 5000 + NULS,
        b'{"statusCode":200,"headers":{"x":"' + b"x" * 20_000 + b'"}}' + NULS,
        b'{"statusCode":NaN}' + NULS,
        b'{"headers":{"x-a":"\\ud800"}}' + NULS,
    ],
)
def test_a_prelude_that_is_none_is_a_502(doors: dict[str, Door], document: bytes) -> None:
    for name in ("function URL", "edge"):
        answer = reply(doors[name], document, CONTENT_TYPE)
        assert (answer.status, answer.body) == (502, b"Internal Server Error")


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"no JSON",
        b"\xff\xfe",
        b'{"statusCode":200,"body":{"a":1}}',
        b'{"statusCode":200,"body":"%%%","isBase64Encoded":true}',
        b'{"statusCode":200,"headers":"x"}',
        b'{"statusCode":200,"body":"\\ud800"}',
        b'{"statusCode":Infinity}',
        b"[" * 100_000,
    ],
)
def test_a_buffered_reply_that_is_none_is_a_502(doors: dict[str, Door], document: bytes) -> None:
    answer = reply(doors["buffered URL"], document, "application/json")

    assert (answer.status, answer.body) == (502, b"Internal Server Error")


@pytest.mark.parametrize("content_type", ["text/plain; charset=x", "text/\xe4", "not a type", '"', ";", "a" * 5000])
def test_the_content_type_of_a_reply_without_a_prelude_is_one_header(url: Door, content_type: str) -> None:
    """Whatever it says."""
    head = url.head("POST", None, b"X-Reply-Type: " + content_type.encode("latin-1"), b"Content-Length: 4")
    answer = ask(url, head + b"\r\nbody")

    assert (answer.status, answer.body) == (200, b"body")
    assert answer.header(b"content-type") == [content_type.encode("latin-1")]


def test_html_in_what_is_refused_is_not_html(edge: Door, url: Door) -> None:
    """The edge's error page quotes nothing of the request as it came."""
    answer = ask(edge, edge.head("DELETE", "/<script>alert(1)</script>") + b"\r\n")

    assert answer.status == 403
    assert b"<script>" not in answer.body
