"""Where does a request end? Whoever can make two readers disagree about it can put words into another's mouth."""

from __future__ import annotations

import pytest

from tests.hostile.viewer import Door, Viewer, ask, viewer

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked"

REFUSED = {
    "two different lengths": ([b"Content-Length: 2", b"Content-Length: 41"], b"{}"),
    "two equal lengths in a list": ([b"Content-Length: 2, 41"], b"{}"),
    "a negative length": ([b"Content-Length: -1"], b"{}"),
    "a length with a sign": ([b"Content-Length: +2"], b"{}"),
    "a length in hexadecimal": ([b"Content-Length: 0x2"], b"{}"),
    "a length with a space in it": ([b"Content-Length: 1 2"], b"{}"),
    "a length past any integer": ([b"Content-Length: 99999999999999999999999999"], b"{}"),
    "an empty length": ([b"Content-Length:"], b"{}"),
    "length and coding": ([b"Content-Length: 2", CHUNKED], b"2\r\n{}\r\n0\r\n\r\n"),
    "coding and length": ([CHUNKED, b"Content-Length: 2"], b"2\r\n{}\r\n0\r\n\r\n"),
    "a coding that is none": ([b"Transfer-Encoding: xchunked"], b"2\r\n{}\r\n0\r\n\r\n"),
    "a coding after chunked": ([b"Transfer-Encoding: chunked, gzip"], b"2\r\n{}\r\n0\r\n\r\n"),
    "a coding behind a vertical tab": ([b"Transfer-Encoding:\x0bchunked"], b"2\r\n{}\r\n0\r\n\r\n"),
    "a header name with a space": ([b"Content-Length : 2"], b"{}"),
    "a folded line": ([b"X-Folded: one\r\n two", b"Content-Length: 2"], b"{}"),
    "a line that begins with a space": ([b" X-Folded: one", b"Content-Length: 2"], b"{}"),
    "a carriage return in a value": ([b"X-A: a\rX-B: b", b"Content-Length: 2"], b"{}"),
    "a header without a name": ([b": nobody", b"Content-Length: 2"], b"{}"),
    "a header without a colon": ([b"nothing", b"Content-Length: 2"], b"{}"),
    "a chunk size that is none": ([CHUNKED], b"zz\r\n{}\r\n0\r\n\r\n"),
    "a negative chunk size": ([CHUNKED], b"-2\r\n{}\r\n0\r\n\r\n"),
    "a chunk size with a prefix": ([CHUNKED], b"0x2\r\n{}\r\n0\r\n\r\n"),
    "a chunk size past any integer": ([CHUNKED], b"fffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
    "no chunk size": ([CHUNKED], b"\r\n{}\r\n0\r\n\r\n"),
    "a chunk longer than it says": ([CHUNKED], b"2\r\n{}}}}\r\n0\r\n\r\n"),
    "chunks ended by bare line feeds": ([CHUNKED], b"2\n{}\n0\n\n"),
}


def assert_refused(one: Viewer) -> None:
    """One 400 and the end of the connection, so that nothing behind the bad request is taken for a request."""
    assert one.answer().status == 400
    assert one.is_closed()


@pytest.mark.parametrize("case", REFUSED)
def test_what_can_be_read_in_two_ways_is_refused(door: Door, case: str) -> None:
    """And what hides behind it is not served."""
    lines, body = REFUSED[case]
    with viewer(door) as one:
        one.send(door.head("POST", None, *lines) + b"\r\n" + body + SMUGGLED)
        assert_refused(one)


@pytest.mark.parametrize("where", ["request line", "header", "both"])
def test_a_bare_line_feed_ends_no_line(door: Door, where: str) -> None:
    head = door.get(None, b"X-A: b")
    bare = {
        "request line": head.replace(b" HTTP/1.1\r\n", b" HTTP/1.1\n"),
        "header": head.replace(b"X-A: b\r\n", b"X-A: b\n"),
        "both": head.replace(b"\r\n", b"\n"),
    }[where]
    with viewer(door) as one:
        one.send(bare)
        assert_refused(one)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"2\r\n{}\r\n0\r\n\r\n", id="plain"),
        pytest.param(b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", id="two chunks"),
        pytest.param(b"0002\r\n{}\r\n000\r\n\r\n", id="leading zeros"),
        pytest.param(b'2;name=value;other="quoted"\r\n{}\r\n0;last\r\n\r\n', id="extensions"),
        pytest.param(b"2\r\n{}\r\n0\r\nX-Late: late\r\nHost: elsewhere\r\n\r\n", id="trailers"),
    ],
)
def test_chunks_are_put_together_and_nothing_beside_them_counts(url: Door, body: bytes) -> None:
    """Neither extensions nor trailers become a part of the request."""
    with viewer(url) as one:
        answer = one.ask(url.head("POST", None, CHUNKED, b"Content-Type: text/plain") + b"\r\n" + body)

        assert (answer.status, answer.event["body"]) == (200, "{}")
        headers = answer.event["headers"]
        assert isinstance(headers, dict)
        assert headers["host"] == url.host
        assert "x-late" not in headers
        assert one.ask(url.get()).status == 200


def test_extensions_without_end_do_not_harm(door: Door) -> None:
    """They are passed over or refused, and not kept."""
    body = b"2;" + b"x" * 300_000 + b"\r\n{}\r\n0\r\n\r\n"

    assert ask(door, door.head("POST", None, CHUNKED) + b"\r\n" + body).status in (200, 400, 413, 431)


@pytest.mark.parametrize("door_name", ["function URL", "buffered URL", "edge"])
def test_pipelined_requests_are_answered_in_their_order(doors: dict[str, Door], door_name: str) -> None:
    """Each with its own answer, also when a body stands between two of them."""
    door = doors[door_name]
    post = door.head("POST", "/echo/2", b"Content-Length: 5", b"Content-Type: text/plain") + b"\r\nGET /"
    requests = [door.get("/echo/1"), post, door.get("/echo/3"), door.head("HEAD", "/echo/4") + b"\r\n"]
    with viewer(door) as one:
        one.send(b"".join([*requests, door.get("/echo/5", b"Connection: close")]))
        answers = [one.answer(head_only=number == 4) for number in range(1, 6)]

        assert [answer.event["rawPath"] for answer in answers if answer.body] == [
            f"/echo/{number}" for number in (1, 2, 3, 5)
        ]
        assert answers[1].event["body"] == "GET /"
        assert one.is_closed()


def test_many_pipelined_requests_are_answered_one_after_another(url: Door) -> None:
    """A hundred at once start no hundred environments: a connection has one request at a time."""
    with viewer(url) as one:
        one.send(b"".join(url.get(f"/{number}") for number in range(100)))

        assert [one.answer().event["rawPath"] for _ in range(100)] == [f"/{number}" for number in range(100)]


def test_a_bad_request_behind_a_good_one_does_not_spoil_its_answer(url: Door) -> None:
    with viewer(url) as one:
        one.send(url.get("/first") + b"NOT HTTP\r\n\r\n")

        assert one.answer().event["rawPath"] == "/first"
        assert_refused(one)


def test_a_body_that_was_not_announced_is_the_next_request(url: Door) -> None:
    """Without a length or a coding there is no body, whatever the method."""
    with viewer(url) as one:
        one.send(url.head("POST", "/one") + b"\r\n" + url.get("/two"))

        assert [one.answer().event["rawPath"] for _ in range(2)] == ["/one", "/two"]


def test_empty_lines_before_a_request_are_passed_over(door: Door) -> None:
    """https://www.rfc-editor.org/rfc/rfc9112#section-2.2"""
    assert ask(door, b"\r\n\r\n" + door.head("POST", None, b"Content-Length: 2") + b"\r\n{}").status == 200


def test_an_expectation_is_met_or_refused_and_never_waited_for(url: Door) -> None:
    for expectation in (b"100-continue", b"the moon"):
        head = url.head("POST", None, b"Expect: " + expectation, b"Content-Length: 2", b"Content-Type: text/plain")
        answer = ask(url, head + b"\r\n{}")

        assert answer.status in ((200,) if expectation == b"100-continue" else (200, 417))
