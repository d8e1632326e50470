"""Header fields: none that could break the wire, none that belongs to one connection."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.wire.headers import HeaderError, encode_header, leaving_function


@pytest.mark.parametrize(
    ("name", "value", "header"),
    [
        ("Content-Type", "text/plain; charset=utf-8", (b"content-type", b"text/plain; charset=utf-8")),
        ("x", "", (b"x", b"")),
        ("x", " \tinner\ttab \t", (b"x", b"inner\ttab")),
        ("x", "\u2028 is no line break here", (b"x", "\u2028 is no line break here".encode())),
        ("x", 7, (b"x", b"7")),
        ("x", 1.5, (b"x", b"1.5")),
        ("x", False, (b"x", b"false")),
    ],
)
def test_a_field_is_a_lower_case_name_and_a_trimmed_value(
    name: str, value: object, header: tuple[bytes, bytes]
) -> None:
    assert encode_header(name, value) == header


@given(name=st.text(), value=st.text())
def test_no_text_whatever_gets_a_line_break_or_a_second_field_onto_the_wire(name: str, value: str) -> None:
    try:
        encoded_name, encoded_value = encode_header(name, value)
    except HeaderError:
        return

    assert re.fullmatch(rb"[!-9;-~]+", encoded_name)
    assert not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", encoded_value)


@pytest.mark.parametrize("name", ["", " a", "a ", "a:b", "a\r\nb", "é", "a\0"])
def test_a_name_is_a_token(name: str) -> None:
    with pytest.raises(HeaderError, match=r"is not a header name$"):
        encode_header(name, "value")


def test_a_functions_headers_leave_without_those_of_a_connection_and_some_renamed() -> None:
    headers = [
        (b"content-type", b"text/html"),
        (b"connection", b"close"),
        (b"keep-alive", b"timeout=5"),
        (b"proxy-connection", b"close"),
        (b"te", b"trailers"),
        (b"trailer", b"x"),
        (b"transfer-encoding", b"chunked"),
        (b"upgrade", b"websocket"),
        (b"content-length", b"12"),
        (b"www-authenticate", b"Basic"),
        (b"date", b"today"),
        (b"server", b"mine"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
    ]

    assert leaving_function(headers) == [
        (b"content-type", b"text/html"),
        (b"x-amzn-remapped-content-length", b"12"),
        (b"x-amzn-remapped-www-authenticate", b"Basic"),
        (b"x-amzn-remapped-date", b"today"),
        (b"x-amzn-remapped-server", b"mine"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
    ]
