"""The server of the front and of the AWS endpoint on the wire: what comes in, in whatever pieces, and what goes out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from local.asgi import ASGIApp, Message, Receive, Scope, Send, respond, whole_body
from local.http1.connection import Patience
from local.http1.request_reader import MAX_HEAD_BYTES
from local.servers import HttpServer, bind, port_of
from tests.local.server import served

pytestmark = pytest.mark.anyio

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
TLS = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a handshake, say\r\n\r\n"
HTTP_2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
# Enough to have a request begin on a slow machine, where the time counts from when the connection was accepted.
HURRIED = Patience(head=0.05, next_request=60, last_bytes=0.05)
HURRIED_FROM_THE_START = replace(HURRIED, next_request=0.05)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what the request was."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, more = body + message["body"], message["more_body"]
    told = f"{scope['method']} {scope['path']} {scope['raw_path']!r} {scope['query_string']!r} {body!r}"
    await respond(send, 200, headers=[(b"x-host", dict(scope["headers"]).get(b"host", b""))], body=told.encode())


async def chunks(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": int(scope["path"][1:] or 200), "headers": []})
    await send({"type": "http.response.body", "body": b"one", "more_body": True})
    await send({"type": "http.response.body", "body": b"sixteen bytes!!!", "more_body": False})


@asynccontextmanager
async def connected(app: ASGIApp, patience: Patience | None = None) -> AsyncIterator[Streams]:
    async with asyncio.timeout(10), served(app, patience) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


async def answer_to(request: bytes, app: ASGIApp = echo, patience: Patience | None = None) -> bytes:
    """All that comes until the server closes."""
    async with connected(app, patience) as (reader, writer):
        writer.write(request)
        return await reader.read()


async def one_answer(reader: asyncio.StreamReader) -> tuple[int, dict[bytes, bytes], bytes]:
    """Status, headers and body of an answer with a length."""
    head = await reader.readuntil(b"\r\n\r\n")
    headers = {name.lower(): value for name, value in re.findall(rb"\r\n([^:]+): ([^\r]*)", head)}
    return int(head.split()[1]), headers, await reader.readexactly(int(headers[b"content-length"]))


async def test_an_answer_in_chunks_has_a_date_and_ends_properly() -> None:
    async with connected(chunks) as (reader, writer):
        for _ in range(2):
            writer.write(GET)
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(len(b"3\r\none\r\n10\r\nsixteen bytes!!!\r\n0\r\n\r\n"))

    pattern = (
        rb"HTTP/1.1 200 OK\r\ndate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    assert re.fullmatch(pattern, head)
    assert body == b"3\r\none\r\n10\r\nsixteen bytes!!!\r\n0\r\n\r\n"


@pytest.mark.parametrize(("request_line", "body"), [("GET /204", b""), ("GET /304", b""), ("HEAD /", b"")])
async def test_what_has_no_body_gets_none(request_line: str, body: bytes) -> None:
    answer = await answer_to(f"{request_line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode(), chunks)

    head, _, rest = answer.partition(b"\r\n\r\n")
    assert (b"transfer-encoding" in head, rest) == (False, body)


async def test_a_client_of_http_1_0_gets_the_body_until_the_end_of_the_connection() -> None:
    answer = await answer_to(b"GET / HTTP/1.0\r\n\r\n", chunks)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert body == b"onesixteen bytes!!!"
    assert b"\r\nconnection: close" in head
    assert b"transfer-encoding" not in head


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_a_body_that_is_cut_short_is_seen_to_be(version: str) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"some", "more_body": True})
        await cut.wait()

    cut = asyncio.Event()
    async with connected(app) as (reader, writer):
        writer.write(f"GET / HTTP/{version}\r\nHost: x\r\n\r\n".encode())
        await reader.readuntil(b"some")
        cut.set()
        if version == "1.1":
            assert await reader.read() == b"\r\n"  # the end of the chunk, and no last one
        else:
            with pytest.raises(ConnectionResetError):
                await reader.read()


REQUESTS = [
    b"GET /a%20b?c=d#e HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none",
    b"POST /2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;x=y\r\none\r\n10\r\nsixteen bytes!!!\r\n0\r\nT: 1\r\n\r\n",
    b"GET http://user@there:80/3 HTTP/1.1\r\nHost: x\r\n\r\n",
    # Clients that would rather speak HTTP/2 ask so for it.
    b"POST /4 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nfar",
    b"POST /5 HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"1\r\nX\r\n0\r\n\r\n",
    b"GET /6 HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    b"GET /7 HTTP/1.1\r\nHost: x\r\n\r\n",
]
BODIES = [
    b"GET /a b b'/a%20b' b'c=d' b''",
    b"POST /1 b'/1' b'' b'one'",
    b"POST /2 b'/2' b'' b'onesixteen bytes!!!'",
    b"GET /3 b'/3' b'' b''",
    b"POST /4 b'/4' b'' b'far'",
    b"POST /5 b'/5' b'' b'X'",
    b"GET /6 b'/6' b'' b''",
    b"GET /7 b'/7' b'' b''",
]


@pytest.mark.parametrize("size", [1, 2, 7, 100, 10_000])
async def test_requests_on_one_connection_are_answered_in_their_order_however_they_come(size: int) -> None:
    sent = b"".join(REQUESTS)
    async with connected(echo) as (reader, writer):
        for start in range(0, len(sent), size):
            writer.write(sent[start : start + size])
            if size < 100:
                await asyncio.sleep(0)
        answers = [await one_answer(reader) for _ in REQUESTS]

    assert [body for _, _, body in answers] == BODIES
    assert [headers[b"x-host"] for _, headers, _ in answers] == [b"x"] * 3 + [b"there:80"] + [b"x"] * 4


async def test_a_pipelined_request_is_not_begun_before_the_one_before_it_is_answered() -> None:
    begun: list[str] = []
    waits, first = asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        begun.append(scope["path"])
        if scope["path"] == "/1":
            waits.set()
            await first.wait()
        await respond(send, 200, body=scope["path"].encode())

    async with connected(app) as (reader, writer):
        writer.write(GET.replace(b"/ ", b"/1 ") + GET.replace(b"/ ", b"/2 "))
        await waits.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        assert begun == ["/1"]
        first.set()

        assert [(await one_answer(reader))[2] for _ in range(2)] == [b"/1", b"/2"]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (TLS, 400),
        (HTTP_2, 505),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (b"GET /\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: x\n\n", 400),
        (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (b"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -3\r\n\r\nabc", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\noops\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 2 * MAX_HEAD_BYTES, 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * (MAX_HEAD_BYTES // 3), 431),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: " + b"a" * 2_000_000, 431),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;" + b"a" * 2_000_000, 431),
    ],
)
async def test_what_is_no_request_is_answered_with_a_sentence_and_the_end(request_: bytes, status: int) -> None:
    """Also when it comes behind a good one, which is answered before it."""
    for before in (b"", GET):
        answer = await answer_to(before + request_)

        good, _, bad = answer.rpartition(b"HTTP/1.1 ")
        assert bad.startswith(b"%d " % status)
        assert b"\r\nconnection: close\r\n" in bad
        assert re.search(rb"\r\n\r\n[ -~]+\.\n$", bad)
        assert (b"HTTP/1.1 200 OK" in good) is bool(before)


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (TLS, b"TLS is not spoken here, ask http:// instead of https://.\n"),
        (HTTP_2, b"HTTP/2 is not spoken here, ask in HTTP/1.1.\n"),
    ],
)
async def test_who_speaks_another_protocol_is_told_what_to_speak(request_: bytes, sentence: bytes) -> None:
    assert (await answer_to(request_)).endswith(b"\r\n\r\n" + sentence)


async def test_a_head_of_a_mebibyte_is_taken() -> None:
    """The limit of a request's line and headers at Lambda."""
    answer = await answer_to(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nA: " + b"a" * 2**20 + b"\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("request_", "patience", "answer"),
    [
        (b"GET / HT", HURRIED, b"HTTP/1.1 408 Request Timeout\r\n"),
        (b"", HURRIED_FROM_THE_START, b""),
    ],
)
async def test_who_does_not_finish_a_request_is_not_waited_for(
    request_: bytes, patience: Patience, answer: bytes
) -> None:
    got = await answer_to(request_, patience=patience)

    assert got.startswith(answer)
    assert bool(got) is bool(answer)


async def test_a_long_answer_takes_no_time_from_the_request_behind_it() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.wait_for(asyncio.shield(longer_than_all), 5)
        await respond(send, 200, body=b"at last")

    longer_than_all: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.2, longer_than_all.set_result, None)

    answer = await answer_to(GET + b"GET / HT", app, HURRIED)

    assert b"at last" in answer
    assert answer.count(b"HTTP/1.1 ") == 2  # what has come of the next request waits for this, and is late then


async def test_leave_to_send_a_body_is_given_when_the_application_wants_it() -> None:
    async with connected(echo) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-Continue\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"abc")

        assert (await one_answer(reader))[2] == b"POST / b'/' b'' b'abc'"


async def test_who_sends_the_body_without_waiting_for_leave_is_given_none_and_keeps_the_connection() -> None:
    async with connected(take_whole) as (reader, writer):
        for _ in range(2):
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc")

            assert (await one_answer(reader))[2] == b"abc"


@pytest.mark.parametrize("pieces", [[b"abcd"], [b"ab", b"cd"]])
async def test_a_body_is_limited_whether_it_comes_with_its_head_or_after_it(pieces: list[bytes]) -> None:
    async with connected(take_whole) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n" + pieces[0])
        if len(pieces) > 1:
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(pieces[1])

        assert (await one_answer(reader))[0] == 413


async def take_whole(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with a body of three bytes at most."""
    body = await whole_body(scope, receive, limit=3)
    await respond(send, 413 if body is None else 200, body=body or b"")


async def test_an_application_that_wants_no_body_ends_the_connection_of_who_asked_for_leave() -> None:
    """Whether the body comes now, or the next request, nobody could tell."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, 413)

    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"

    assert (await answer_to(request, app)).startswith(b"HTTP/1.1 413 ")


async def test_a_body_that_is_not_read_is_not_the_next_request() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, 200, body=scope["method"].encode())

    async with connected(app) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        assert (await one_answer(reader))[2] == b"POST"
        writer.write(b"x" * 1_000_000 + GET)

        assert (await one_answer(reader))[2] == b"GET"


async def test_an_upload_waits_for_the_application() -> None:
    """Of what the application has not asked for, a bound is held here; the rest stays with the sender."""
    total = 24 * 1024 * 1024  # more than the kernel's two buffers hold
    read = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await read.wait()
        await echo_length(receive, send)

    async with connected(app) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % total)
        writer.write(bytes(total))
        sent = asyncio.create_task(writer.drain())
        done, _ = await asyncio.wait([sent], timeout=0.2)
        assert not done
        read.set()
        await sent

        assert (await one_answer(reader))[2] == b"%d" % total


async def echo_length(receive: Receive, send: Send) -> None:
    length, more = 0, True
    while more:
        message = await receive()
        assert len(message["body"]) <= 1024 * 1024
        length, more = length + len(message["body"]), message["more_body"]
    await respond(send, 200, body=b"%d" % length)


async def test_a_slow_viewer_makes_the_application_wait() -> None:
    sent = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1000):
            await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
            sent += 1

    async with connected(app) as (reader, writer):
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(GET)
        before = -1
        while before != sent or not sent:
            before = sent
            await asyncio.sleep(0.05)
        assert sent < 500
        reader._transport.resume_reading()  # type: ignore[attr-defined]

        assert len(await reader.read()) > 1000 * 65536


async def test_a_viewer_who_leaves_is_a_disconnect() -> None:
    heard: list[Message] = []
    done = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"word", "more_body": True})
        await receive()
        heard.append(await receive())
        await send({"type": "http.response.body", "body": b"to nobody", "more_body": True})
        done.set()

    async with connected(app) as (reader, writer):
        writer.write(GET)
        await reader.readuntil(b"word")
        writer.close()
        await done.wait()

    assert heard == [{"type": "http.disconnect"}]


async def test_a_disconnect_is_also_what_comes_after_the_response() -> None:
    heard: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, 200)
        heard.append((await receive())["type"])

    async with connected(app) as (reader, writer):
        for _ in range(2):
            writer.write(GET)
            await one_answer(reader)

    assert heard == ["http.disconnect"] * 2


@pytest.mark.parametrize(
    "headers",
    [
        [(b"a", b"b\r\nc: d")],
        [(b"a", b"b\0")],
        [(b"a b", b"c")],
        [(b"", b"c")],
        [(b"content-length", b"many")],
    ],
)
async def test_no_header_of_an_application_breaks_out_of_its_line(
    headers: list[tuple[bytes, bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    async with connected(app) as (reader, writer):
        writer.write(GET)
        assert (await one_answer(reader))[0] == 500
    assert "GET / failed" in caplog.text


async def test_an_application_that_fails_is_a_500_and_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/raise":
            raise ZeroDivisionError

    async with connected(app) as (reader, writer):
        for path in ("raise", "return"):
            writer.write(GET.replace(b"/ ", f"/{path} ".encode()))
            assert (await one_answer(reader))[::2] == (500, b"Internal Server Error")

    told = [record.getMessage() for record in caplog.records if record.name == "local.http1.exchange"]
    assert told == ["GET /raise failed", "GET /return was not answered"]


@pytest.mark.parametrize("messages", [["body"], ["start", "start"], ["start", "end", "body"]])
async def test_messages_in_the_wrong_order_are_refused(messages: list[str]) -> None:
    kinds: dict[str, Message] = {
        "start": {"type": "http.response.start", "status": 200, "headers": []},
        "body": {"type": "http.response.body", "body": b"x", "more_body": True},
        "end": {"type": "http.response.body"},
    }
    refused: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages[:-1]:
            await send(kinds[message])
        try:
            await send(kinds[messages[-1]])
        except RuntimeError:
            refused.append(messages[-1])

    with suppress(ConnectionError):
        await answer_to(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), app)

    assert refused == messages[-1:]


async def test_the_head_leaves_by_itself_when_the_body_is_not_there_yet() -> None:
    """So that an EventSource opens, and a page can say so."""
    opened = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await opened.wait()
        await send({"type": "http.response.body", "body": b"late"})

    async with connected(app) as (reader, writer):
        writer.write(GET)
        await reader.readuntil(b"\r\n\r\n")
        opened.set()

        assert await reader.readuntil(b"0\r\n\r\n") == b"4\r\nlate\r\n0\r\n\r\n"


async def test_closing_lets_a_short_answer_end_and_cuts_one_that_does_not() -> None:
    release = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        if scope["path"] != "/idle":
            await (release.wait() if scope["path"] == "/short" else asyncio.Event().wait())
        await send({"type": "http.response.body", "body": b"ended"})

    async with asyncio.timeout(10):
        sockets = bind(0, "--port")
        server = HttpServer(app, sockets)
        await server.open()
        streams: dict[str, Streams] = {}
        for path in ("/short", "/long", "/idle"):
            reader, writer = streams[path] = await asyncio.open_connection("127.0.0.1", port_of(sockets))
            writer.write(GET.replace(b"/ ", f"{path} ".encode()))
            await reader.readuntil(b"ended\r\n0\r\n\r\n" if path == "/idle" else b"begun")
        closing = asyncio.create_task(server.close())
        assert await streams["/idle"][0].read() == b""
        release.set()
        assert (await streams["/short"][0].read()).endswith(b"ended\r\n0\r\n\r\n")
        with suppress(ConnectionResetError):
            assert await streams["/long"][0].read() == b"\r\n"
        await closing
        for _, writer in streams.values():
            writer.close()
        for bound in sockets:
            bound.close()


def test_patience_is_longest_with_what_costs_least() -> None:
    """One timer looks after both limits, and it is set for the shorter of them."""
    patience = Patience()

    assert patience.head <= patience.next_request
