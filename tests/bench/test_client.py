"""The load client reads replies however they are cut, and what it counts is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from tests.bench.client import Connection, ReplyError
from tests.bench.event_sinks import Counter, Stamps

BODY = b"id: 1\ndata: 100\n\n", b"data: 2000\nid: 2\n\n"
HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
REPLY = HEAD + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in BODY) + b"0\r\n\r\n"
REQUEST = b"GET / HTTP/1.1\r\n\r\n"


@asynccontextmanager
async def connection_to(*replies: Sequence[bytes], close: bool = False) -> AsyncIterator[Connection]:
    """A server that answers with one of *replies* a request, each piece in a write of its own."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while left and await reader.read(65536):
            for piece in left.pop(0):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            if close:
                break
        writer.close()

    left = list(replies)
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, Connection(server.sockets[0].getsockname()[1]) as connection:
        yield connection


@pytest.mark.anyio
async def test_a_reply_cut_anywhere_is_the_same_reply() -> None:
    """At every byte, one request after the other on one connection."""
    cuts = [(REPLY[:cut], REPLY[cut:]) for cut in range(1, len(REPLY))]
    async with connection_to(*cuts) as connection:
        for _ in cuts:
            counter, stamps = Counter(), Stamps()
            sent_ns = await connection.ask(
                REQUEST, lambda now, body, to=(counter, stamps): [each(now, body) for each in to]
            )

            assert counter.count == 2
            assert sent_ns <= counter.first_ns <= counter.last_ns
            assert stamps.sent_ns == [100, 2000]


@pytest.mark.anyio
async def test_a_server_that_closes_is_asked_again() -> None:
    """On a new connection."""
    async with connection_to([REPLY], [REPLY], close=True) as connection:
        for _ in range(2):
            counter = Counter()
            await connection.ask(REQUEST, counter)
            connection.close()

            assert counter.count == 2


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (REPLY[:-5], "closed in the middle"),
        (b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n", "status 502"),
        (b"what?\r\n\r\n", "no HTTP"),
    ],
)
async def test_what_is_no_whole_reply_is_an_error(reply: bytes, sentence: str) -> None:
    """With the reason in it."""
    async with connection_to([reply], close=True) as connection:
        with pytest.raises(ReplyError, match=sentence):
            await connection.ask(REQUEST, Counter())


def test_events_are_counted_across_pieces() -> None:
    """Also where the two newlines of an end come apart; the times are those of the pieces that end one."""
    counter = Counter()
    for now_ns, piece in enumerate([b"data: a\n", b"\ndata: b\n\nda", b"ta: c", b"\n\n", b"", b"data: d\n\n"]):
        counter(now_ns, piece)

    assert (counter.count, counter.first_ns, counter.last_ns) == (4, 1, 5)


def test_lag_is_from_stamp_to_arrival() -> None:
    """Of those that left since the moment asked about."""
    stamps = Stamps()
    stamps(3_000_000, b"id: 1\ndata: 1000000\n\nid: 2\nda")
    stamps(9_000_000, b"ta: 8500000\n\n")

    assert stamps.lags_ms() == [2.0, 0.5]
    assert stamps.lags_ms(since_ns=2_000_000) == [0.5]
