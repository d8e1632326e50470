"""Requests that never end: each has a limit, and nobody else waits for it."""

from __future__ import annotations

import threading

import pytest

from local import asgi, servers
from local.http1.connection import Patience
from tests.hostile.viewer import Door, ask, viewer


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a test can wait for."""
    monkeypatch.setattr(asgi, "BODY_SECONDS", 0.3)
    monkeypatch.setattr(servers, "PATIENCE", Patience(head=0.3))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("sent", [b"G", b"GET / HTT", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: b"])
@pytest.mark.parametrize("name", ["function URL", "AWS endpoint"])
def test_a_head_that_does_not_end_is_given_up(doors: dict[str, Door], name: str, sent: bytes) -> None:
    """With a 408, or without a word: https://www.rfc-editor.org/rfc/rfc9110#section-15.5.9"""
    with viewer(doors[name]) as one:
        one.send(sent)
        one.socket.settimeout(2)
        rest = one.rest()

    assert rest == b"" or rest.startswith(b"HTTP/1.1 408 ")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (b"Content-Length: 20", b""),
        (b"Content-Length: 20", b"{"),
        (b"Transfer-Encoding: chunked", b""),
        (b"Transfer-Encoding: chunked", b"5\r\n{"),
        (b"Transfer-Encoding: chunked", b"1\r\n{\r\n"),
        (b"Transfer-Encoding: chunked", b"2\r\n{}\r\n0\r\nX-Late: "),
    ],
)
def test_a_body_that_does_not_end_is_a_408(door: Door, framing: bytes, body: bytes) -> None:
    """At the function, for the edge waits as long as its viewer uploads."""
    with viewer(door) as one:
        assert one.ask(door.head("POST", None, framing) + b"\r\n" + body).status == 408


@pytest.mark.usefixtures("impatient")
def test_a_body_for_the_rest_of_aws_is_given_up_too(doors: dict[str, Door]) -> None:
    """It is passed on to moto while it comes."""
    door = doors["AWS endpoint"]

    assert ask(door, door.head("PUT", "/bucket/key", b"Content-Length: 20") + b"\r\n{").status == 408


@pytest.mark.usefixtures("impatient")
def test_a_body_that_trickles_is_given_up_too(url: Door) -> None:
    """A byte now and then does not make the limit begin anew."""
    enough = threading.Event()
    with viewer(url) as one:
        one.send(url.head("POST", None, b"Content-Length: 1000000") + b"\r\n")

        def trickle() -> None:
            while not enough.wait(0.02):
                one.send(b"x")

        trickling = threading.Thread(target=trickle)
        trickling.start()
        try:
            assert one.answer().status == 408
        finally:
            enough.set()
            trickling.join()


def test_others_are_served_while_one_is_slow(door: Door, doors: dict[str, Door]) -> None:
    """Whatever part of its request the slow one is in; the slow one is served as well, when it comes to its end."""
    request = door.head("POST", None, b"Content-Length: 2") + b"\r\n{}"
    with viewer(door) as one:
        for byte in request:
            one.send(bytes([byte]))
            if byte in b"\r{":
                for other in doors.values():
                    assert ask(other, other.head("POST", None, b"Content-Length: 2") + b"\r\n{}").status == 200

        assert one.answer().status == 200


@pytest.mark.parametrize("length", [6 * 2**20 + 1, 2**40])
def test_a_body_that_would_be_too_large_is_refused_before_it_comes(url: Door, edge: Door, length: int) -> None:
    """6 MB, https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html; the head says enough."""
    for door in (url, edge):
        head = door.head("POST", None, b"Expect: 100-continue", b"Content-Length: %d" % length)
        assert ask(door, head + b"\r\n").status == 413


def test_a_body_without_a_length_is_refused_at_the_limit(door: Door) -> None:
    """In chunks it may pretend to be endless."""
    with viewer(door) as one:
        one.send(door.head("POST", None, b"Transfer-Encoding: chunked") + b"\r\n")
        for _ in range(7):
            one.send(b"100000\r\n" + b"x" * 2**20 + b"\r\n")

        assert one.answer().status == 413


def test_a_viewer_that_does_not_read_keeps_nobody_waiting(url: Door, doors: dict[str, Door]) -> None:
    """Its function stands still, and the others run."""
    body = b"x" * 5_000_000
    with viewer(url) as one:
        head = url.head("POST", None, b"X-Reply-Type: text/plain", b"Content-Length: %d" % len(body))
        one.send(head + b"\r\n" + body)
        for door in doors.values():
            assert ask(door, door.head("POST", None, b"Content-Length: 2") + b"\r\n{}").status == 200

        assert one.answer().body == body
