"""Headers that are too many, too large, or made of bytes that no header has."""

from __future__ import annotations

import pytest

from tests.hostile.viewer import Door, ask, viewer

MEBIBYTE = 2**20


@pytest.mark.parametrize("byte", [b"\0", b"\x01", b"\x08", b"\x0b", b"\x1f", b"\x7f"])
@pytest.mark.parametrize("place", [b"X-A: a%b", b"X%A: ab"], ids=["value", "name"])
def test_a_control_character_is_refused(door: Door, place: bytes, byte: bytes) -> None:
    with viewer(door) as one:
        assert one.ask(door.get(None, place.replace(b"%", byte))).status == 400
        assert one.is_closed()


@pytest.mark.parametrize("name", [b"X A", b"X\xc3\xbc", b"X(A)", b"X@A", b'"X"'])
def test_a_name_that_is_no_token_is_refused(door: Door, name: bytes) -> None:
    assert ask(door, door.get(None, name + b": a")).status == 400


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (b"\xc3\xbc", "Ã¼"),
        (b"\xff\xfe", "ÿþ"),
        (b"\ta\t", "a"),
        (b"", ""),
        (b'"a", b;c=%00', '"a", b;c=%00'),
    ],
)
def test_bytes_that_are_not_ascii_reach_the_function_one_by_one(url: Door, value: bytes, told: str) -> None:
    """As ISO-8859-1, in which every byte is a character: nothing is lost, and the event is JSON."""
    headers = ask(url, url.get(None, b"X-A: " + value)).event["headers"]

    assert isinstance(headers, dict)
    assert headers["x-a"] == told


@pytest.mark.parametrize("kind", ["one", "many", "cookies"])
def test_a_mebibyte_of_headers_is_refused(url: Door, kind: str) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 1 MB for request line and headers."""
    lines = {
        "one": [b"X-A: " + b"a" * MEBIBYTE],
        "many": [b"X-%d: %b" % (number, b"a" * 100) for number in range(MEBIBYTE // 100)],
        "cookies": [b"Cookie: a=" + b"a" * 4000] * (MEBIBYTE // 4000 + 1),
    }[kind]

    assert ask(url, url.get(None, *lines)).status in (400, 413, 431)


def test_headers_may_be_as_large_as_a_function_url_takes(url: Door) -> None:
    value = b"a" * (MEBIBYTE - 1000)

    headers = ask(url, url.get(None, b"X-A: " + value)).event["headers"]
    assert isinstance(headers, dict)
    assert headers["x-a"] == value.decode()


def test_the_edge_takes_no_more_than_cloudfront(edge: Door) -> None:
    """32,768 bytes of request, without its body, and a 413 past it."""
    head = edge.get(None, b"X-A: ")
    room = 32_768 - len(head)

    assert ask(edge, edge.get(None, b"X-A: " + b"a" * (room + 1))).status == 413
    assert ask(edge, edge.get(None, b"X-A: " + b"a" * room)).status == 200


@pytest.mark.parametrize("name", ["function URL", "edge", "AWS endpoint"])
def test_headers_without_end_are_cut_off(doors: dict[str, Door], name: str) -> None:
    """However much is sent, only so much is kept: the answer comes before the head is whole."""
    with viewer(doors[name]) as one:
        one.send(doors[name].head("GET"))
        for _ in range(16):
            one.send((b"X-A: " + b"a" * 1000 + b"\r\n") * 1000)

        one.socket.settimeout(2)
        assert one.answer().status in (400, 413, 431)
        assert one.is_closed()
