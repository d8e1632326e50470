"""Payloads as large as AWS takes them, and a byte more."""

from __future__ import annotations

import pytest

from local import runtime_api
from local.emulator import Emulator
from tests.contract.log import Log
from tests.hostile.viewer import Door, ask

MEBIBYTE = 2**20
REQUEST_LIMIT = 6 * MEBIBYTE
REPLY_LIMIT = 6 * MEBIBYTE + 100  # as AWS's own emulator has it


def upload(door: Door, length: int, *, chunked: bool) -> bytes:
    """A request with a body of JSON, so that every door takes it."""
    body = b'{"x":"' + b"x" * (length - 8) + b'"}'
    if not chunked:
        return door.head("POST", None, b"Content-Length: %d" % length, b"Content-Type: text/plain") + b"\r\n" + body
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:MEBIBYTE], body[MEBIBYTE:])) + b"0\r\n\r\n"
    return door.head("POST", None, b"Transfer-Encoding: chunked", b"Content-Type: text/plain") + b"\r\n" + chunks


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_request_of_six_megabytes_is_taken_and_no_more(door: Door, chunked: bool) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
    # A function URL's event has more in it than the body, so the echo of the largest one would be too large a reply.
    headers = b"X-Reply-Bytes: 2\r\n"
    largest = upload(door, REQUEST_LIMIT, chunked=chunked).replace(b"\r\n\r\n", b"\r\n" + headers + b"\r\n", 1)

    assert ask(door, largest).status == 200
    assert ask(door, upload(door, REQUEST_LIMIT + 1, chunked=chunked)).status == 413


def test_a_buffered_reply_of_six_megabytes_is_sent_and_a_byte_more_is_a_502(doors: dict[str, Door], said: Log) -> None:
    """And the log says that it was too large."""
    door = doors["buffered URL"]
    largest = ask(door, door.get(None, b"X-Reply-Bytes: %d" % REPLY_LIMIT))
    assert largest.status == 502  # six megabytes of x are no JSON: it came, and was looked at

    answer = ask(door, door.get(None, b"X-Reply-Bytes: %d" % (REPLY_LIMIT + 1)))

    assert (answer.status, answer.body) == (502, b"Internal Server Error")
    said.wait_for("GET /echo 502", "Buffered", "Function.ResponseSizeTooLarge")


def test_a_streamed_reply_is_cut_at_its_limit(
    url: Door, monkeypatch: pytest.MonkeyPatch, said: Log, cloud: Emulator
) -> None:
    """The viewer has what came until then, and sees that it is not all."""
    assert runtime_api.MAX_STREAMED_BYTES == 200 * MEBIBYTE
    monkeypatch.setattr(runtime_api, "MAX_STREAMED_BYTES", 8 * MEBIBYTE)

    whole = ask(url, url.get(None, b"X-Reply-Bytes: %d" % (8 * MEBIBYTE)))
    cut = ask(url, url.get(None, b"X-Reply-Bytes: %d" % (9 * MEBIBYTE)))

    assert (whole.status, len(whole.body), whole.whole) == (200, 8 * MEBIBYTE, True)
    assert (cut.status, cut.whole) == (200, False)
    assert len(cut.body) <= 8 * MEBIBYTE
    said.wait_for("GET /echo 200", "Streamed", "Function.ResponseSizeTooLarge")
