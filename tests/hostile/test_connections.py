"""Connections that speak something else, or end where none should."""

from __future__ import annotations

import contextlib
import socket

import pytest

from tests.hostile.viewer import Door, ask, viewer

TLS_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2
HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"


@pytest.mark.parametrize(
    "data",
    [TLS_HELLO, HTTP2_PREFACE, b"\0" * 1000, b"\xff" * 1000, b"SSH-2.0-OpenSSH_9.6\r\n", b"EHLO there\r\n"],
    ids=["TLS", "HTTP/2", "NULs", "0xff", "SSH", "SMTP"],
)
def test_another_protocol_is_refused_and_hung_up_on(door: Door, data: bytes) -> None:
    with viewer(door) as one:
        assert one.ask(data).status in (400, 505)
        assert one.is_closed()


@pytest.mark.parametrize(
    "lines",
    [
        [
            b"Connection: Upgrade",
            b"Upgrade: websocket",
            b"Sec-WebSocket-Version: 13",
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        ],
        [b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"],
    ],
    ids=["websocket", "h2c"],
)
def test_an_upgrade_is_not_made(url: Door, lines: list[bytes]) -> None:
    """The request is answered as any other, https://www.rfc-editor.org/rfc/rfc9110#section-7.8, or refused."""
    with viewer(url) as one:
        answer = one.ask(url.get(None, *lines))

        assert answer.status in (200, 400, 403, 426, 501)
        if answer.status == 200:
            assert one.ask(url.get("/next")).event["rawPath"] == "/next"


def test_a_viewer_who_only_closes_its_sending_half_gets_its_answer_or_none(door: Door) -> None:
    """A viewer that has said its last word has left, but the answer may be quicker."""
    with viewer(door) as one:
        one.send(door.head("POST", None, b"Content-Length: 2") + b"\r\n{}")
        one.socket.shutdown(socket.SHUT_WR)
        rest = one.rest()

    assert rest == b"" or rest.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("sent", [0, 10, 40, -1])
def test_a_connection_may_be_reset_anywhere(door: Door, sent: int) -> None:
    """In the request line, in the headers, in the body, after it."""
    request = door.head("POST", None, b"Content-Length: 20") + b"\r\n{}"
    with viewer(door) as one:
        one.send(request[:sent] if sent >= 0 else request)
        one.reset()


def test_a_connection_may_be_reset_while_the_answer_comes(url: Door) -> None:
    body = b"x" * 4_000_000
    with viewer(url) as one:
        one.send(
            url.head("POST", None, b"X-Reply-Type: text/plain", b"Content-Length: %d" % len(body)) + b"\r\n" + body
        )
        one.socket.recv(1)
        one.reset()


def test_hundreds_of_silent_connections_keep_nobody_out(door: Door) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(300):
            one = stack.enter_context(viewer(door))
            if number % 2:
                one.send(door.head("POST", None, b"Content-Length: 2"))
        assert ask(door, door.head("POST", None, b"Content-Length: 2") + b"\r\n{}").status == 200
