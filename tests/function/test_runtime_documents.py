"""Buffered replies: the same JSON as AWS's own marshaller makes, and the document for a caller that cannot stream."""

from __future__ import annotations

import base64
import collections
import datetime
import enum
import json
import math
from collections.abc import AsyncIterator, Callable, Iterable
from decimal import Decimal
from typing import Any

import pytest
from awslambdaric.lambda_runtime_exception import FaultException
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

from lambda_runtime import marshal
from lambda_runtime.client import Invocation
from lambda_runtime.faults import Fault
from lambda_runtime.response import Response
from tests.function.fake_runtime_api import Event, serve

RUNTIMES = ["AWS_Lambda_python3.9", "AWS_Lambda_python3.11", "AWS_Lambda_python3.12", "AWS_Lambda_python3.13"]

Point = collections.namedtuple("Point", "x y")


class Number(enum.IntEnum):
    ONE = 1


class Word(enum.StrEnum):
    ONE = "one"


class Row:
    """As a database library's row: it knows its own dict."""

    def _asdict(self) -> dict[str, int]:
        return {"id": 1}


class Words(list[str]): ...


circle: list[Any] = []
circle.append(circle)


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


VALUES = [
    None,
    True,
    False,
    0,
    -1,
    10**30,
    1.5,
    -0.0,
    1e22,
    1e-7,
    math.nan,
    math.inf,
    -math.inf,
    "",
    'quotes " and \\ and / and \n and \x00 and \x7f',
    "ä \u2028 \u2029 🐌",
    b"raw \xff",
    b"",
    [],
    (),
    {},
    {"statusCode": 200, "headers": {"a": "b"}, "body": "ä"},
    [1, [2, [3, {"four": [5]}]]],
    nested(200),
    {0: "int", 1.5: "float", True: "bool", None: "none", "text": "str"},
    {2: "two", "2": "also two"},
    {math.nan: 1, math.inf: 2},
    {b"key": 1},
    {"value": b"text \xc3\xa4"},
    [b"one", (b"two",)],
    Point(1, 2),
    Point(1, [Point(2, {"p": Point(3, 4)})]),
    {"rows": [Row(), Row()]},
    Words(["one", "two"]),
    collections.OrderedDict(b=1, a=2),
    collections.Counter("aab"),
    Number.ONE,
    {Number.ONE: Number.ONE, Word.ONE: Word.ONE},
    Decimal("1.50"),
    Decimal("-0"),
    Decimal("1E+400"),
    Decimal("0.1234567890123456789012345678901234567890"),
    Decimal("NaN"),
    Decimal("-NaN"),
    Decimal("sNaN"),
    Decimal("Infinity"),
    {"a": [Decimal("1.0"), {"b": Decimal("2.00")}], "c": Decimal("1.0")},
    Point(Decimal("1.10"), b"x"),
]

FAILURES = [
    {(1, 2): 3},
    {Decimal("1"): 1},
    {"a": object()},
    [{1, 2}],
    datetime.date(2020, 1, 1),
    bytearray(b"x"),
    {"a": b"\xff"},
    range(3),
    circle,
    nested(100_000),
]


def aws(monkeypatch: pytest.MonkeyPatch, runtime: str) -> LambdaMarshaller:
    monkeypatch.setenv("AWS_EXECUTION_ENV", runtime)
    return LambdaMarshaller()


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("value", VALUES)
def test_every_value_becomes_what_aws_makes_of_it(value: Any, runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte for byte, for the runtimes that escape what is not ASCII and for those that do not."""
    expected, content_type = aws(monkeypatch, runtime).marshal_response(value)

    assert marshal.reply_of(value) == (expected.encode() if isinstance(expected, str) else expected, content_type)


@pytest.mark.parametrize("value", FAILURES, ids=lambda value: type(value).__name__)
def test_what_cannot_be_json_fails_as_it_does_on_aws(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FaultException) as expected:
        aws(monkeypatch, "AWS_Lambda_python3.13").marshal_response(value)
    with pytest.raises(Fault) as caught:
        marshal.reply_of(value)

    assert caught.value.error_type == expected.value.exception_type == "Runtime.MarshalError"
    assert caught.value.message.startswith("Unable to marshal response: ")
    assert caught.value.trace == []


def test_the_sentence_names_the_type_that_is_no_json() -> None:
    with pytest.raises(Fault, match=r"^Unable to marshal response: Object of type set is not JSON serializable$"):
        marshal.reply_of([{1}])


def test_a_lone_surrogate_is_a_marshal_error_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EXECUTION_ENV", "AWS_Lambda_python3.13")

    with pytest.raises(Fault) as caught:
        marshal.reply_of("\ud800")
    assert caught.value.error_type == "Runtime.MarshalError"


def test_many_decimals_take_one_pass() -> None:
    """A table of them: every number keeps its digits, and its place."""
    table = [Decimal(f"{n}.{n:04}") for n in range(20_000)]

    assert marshal.reply_of(table)[0].decode() == "[" + ", ".join(str(number) for number in table) + "]"


def test_text_next_to_decimals_is_left_alone() -> None:
    assert marshal.reply_of({'"': [Decimal("1"), '"', "1.0"]})[0] == b'{"\\"": [1, "\\"", "1.0"]}'


@pytest.mark.parametrize("event", [b"", b"{", b"nul", b"\xff", b'{"a":1}}', b"[" * 100_000])
def test_an_event_that_is_no_json(event: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FaultException) as expected:
        aws(monkeypatch, "AWS_Lambda_python3.13").unmarshal_request(event)
    with pytest.raises(Fault) as caught:
        marshal.event_of(Invocation({}, event))

    assert caught.value.error_type == expected.value.exception_type == "Runtime.UnmarshalError"
    assert caught.value.message.startswith("Unable to unmarshal input: ")


@pytest.mark.parametrize("event", [b"{}", b"[1.5, null, true]", '"ä"'.encode(), b'"\\ud83d\\udc0c"', b" 12 "])
def test_an_event_is_decoded_as_aws_decodes_it(event: bytes) -> None:
    expected = LambdaMarshaller().unmarshal_request(event)

    assert repr(marshal.event_of(Invocation({}, event))) == repr(expected)


def test_an_event_of_another_type_is_handed_over_as_it_came() -> None:
    assert marshal.event_of(Invocation({"content-type": "image/png"}, b"\x89PNG")) == b"\x89PNG"


def test_a_document_has_its_length_its_type_and_no_streaming_headers() -> None:
    (reply,) = serve(lambda event, context: {"a": 1})

    assert [name for name, _ in reply.headers] == ["host", "user-agent", "content-type", "content-length"]
    assert (reply.header("content-type"), reply.header("content-length")) == ("application/json", "8")
    assert reply.body == b'{"a": 1}'


def test_bytes_go_out_untouched() -> None:
    (reply,) = serve(lambda event, context: b"\x00\xff")

    assert (reply.header("content-type"), reply.body) == ("application/unknown", b"\x00\xff")


@pytest.mark.parametrize("event", [b"{", b""])
def test_an_event_that_is_no_json_is_reported_and_the_handler_not_called(event: bytes) -> None:
    called: list[Any] = []
    (reply,) = serve(lambda event, context: called.append(event), Event(body=event))

    assert (reply.endpoint, called) == ("error", [])
    assert reply.header("lambda-runtime-function-error-type") == "Runtime.UnmarshalError"


# A caller that cannot stream: AWS_SAM_LOCAL=true


async def asynchronous(items: Iterable[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


@pytest.mark.parametrize("wrap", [iter, list, asynchronous])
@pytest.mark.parametrize(
    ("items", "body", "is_base64"),
    [
        (["Once ", b"upon", " ä\xf6"], "Once upon äö", False),
        ([b"\xc3", b"\xa4"], "ä", False),
        ([b"\x89PNG", "text"], base64.b64encode(b"\x89PNGtext").decode(), True),
        ([], "", False),
    ],
)
def test_a_response_becomes_the_document_it_stands_for(
    wrap: Callable[[Any], Any], items: list[Any], body: str, is_base64: bool
) -> None:
    def handler(event: Any, context: Any) -> Response:
        return Response(wrap(items), 201, headers={"x-a": "1"}, cookies=["a=b"])

    (reply,) = serve(handler, buffers=True)

    assert (reply.endpoint, reply.header("content-type")) == ("response", "application/json")
    assert json.loads(reply.body) == {
        "statusCode": 201,
        "headers": {"x-a": "1"},
        "cookies": ["a=b"],
        "body": body,
        "isBase64Encoded": is_base64,
    }


@pytest.mark.parametrize("body", [b"one", bytearray(b"one"), "one"])
def test_a_response_of_one_piece_becomes_a_document_too(body: Any) -> None:
    (reply,) = serve(lambda event, context: Response(body), buffers=True)

    assert json.loads(reply.body)["body"] == "one"


@pytest.mark.parametrize("wrap", [iter, asynchronous])
def test_an_error_in_the_middle_of_a_body_is_an_error_where_nothing_has_been_sent(wrap: Callable[[Any], Any]) -> None:
    (reply,) = serve(lambda event, context: Response(wrap(["one", 2])), buffers=True)

    assert (reply.endpoint, reply.header("lambda-runtime-function-error-type")) == ("error", "TypeError")
