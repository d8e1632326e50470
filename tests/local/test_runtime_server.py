"""The Runtime API on the wire: whatever bytes come, in whatever pieces."""

from __future__ import annotations

import asyncio
import base64
import time

import pytest

from local.extensions_api import ExtensionsApi
from local.invocation import HIGH_WATER_BYTES, Failure, FunctionError, Invocation, ReplyCutError
from local.runtime_api import MAX_BUFFERED_BYTES, MAX_DOCUMENT_BYTES, RuntimeApi
from local.runtime_server.connection import RuntimeConnection
from tests.local.fakes.environment import FakeEnvironment, a_function
from tests.local.fakes.raw_worker import ACCEPTED, BASE, NEXT, Answer, chunked, post, runtime_bench, until

pytestmark = pytest.mark.anyio

UNKNOWN = "/invocation/8476a536-e9f4-11e8-9739-2dfe598c3fcd"
UNKNOWN_ID = b'{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}\n'
ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
ERROR_BODY = "Lambda-Runtime-Function-Error-Body"
READ_BYTES = 256 * 1024  # the most that uvloop hands over at once


def path(invocation: Invocation, kind: str = "response") -> str:
    return f"/invocation/{invocation.request_id}/{kind}"


async def read_all(invocation: Invocation) -> bytes:
    data = bytearray()
    while (piece := await invocation.reply.read()) is not None:
        data += piece
    return bytes(data)


def forbidden(state: str, wanted: str) -> Answer:
    text = f"State transition from {state} to {wanted} failed for runtime. Error: State transition is not allowed"
    return Answer(403, f'{{"errorMessage":"{text}","errorType":"InvalidStateTransition"}}\n'.encode(), {})


async def test_next_brings_the_event_and_everything_about_it() -> None:
    async with runtime_bench() as bench:
        worker = await bench.connect()
        invocation = Invocation(a_function(timeout_seconds=7), b'{"a":1}', trace_id="Root=1-5bef4de7-ad49b0e87f6ef6c8")
        bench.environment.offer(invocation)

        answer = await worker.ask(NEXT)

        assert answer == Answer(200, b'{"a":1}', {})
        deadline_ms = int(answer.headers.pop("lambda-runtime-deadline-ms"))
        assert 6000 < deadline_ms - time.time() * 1000 <= 7000
        assert answer.headers == {
            "content-type": "application/json",
            "content-length": "7",
            "lambda-runtime-aws-request-id": invocation.request_id,
            "lambda-runtime-invocation-id": invocation.invocation_id,
            "lambda-runtime-invoked-function-arn": "arn:aws:lambda:eu-west-1:123456789012:function:test-worker",
            "lambda-runtime-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c8",
        }


async def test_a_body_that_comes_with_its_end_is_read_with_it() -> None:
    """The last piece and the end need one write towards the viewer, not two."""
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()

        async def read() -> tuple[str, bytes | None, bool]:
            return await invocation.started(), await invocation.reply.read(), invocation.reply.all_read

        reading = asyncio.create_task(read())
        assert (
            await worker.ask(chunked(path(invocation), b"one", b"two", headers=("Content-Type: text/x",))) == ACCEPTED
        )

        assert await reading == ("text/x", b"onetwo", True)


async def test_a_header_without_a_value_is_left_out() -> None:
    async with runtime_bench() as bench:
        worker = await bench.connect()
        bench.environment.offer(Invocation(a_function(), b"{}"))

        assert "lambda-runtime-trace-id" not in (await worker.ask(NEXT)).headers


async def test_next_waits_for_an_event_as_long_as_it_takes() -> None:
    async with runtime_bench() as bench:
        worker = await bench.connect()
        worker.writer.write(NEXT)
        await until(lambda: bench.environment.ready_count == 1)
        bench.environment.offer(Invocation(a_function(), b'"late"'))

        assert (await worker.answer()).body == b'"late"'


async def test_next_while_running_brings_the_same_event_again() -> None:
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()
        other = await bench.connect()

        for connection in (worker, other):
            answer = await connection.ask(NEXT)
            assert answer == Answer(200, b'{"a":1}', {})
            assert answer.headers["lambda-runtime-aws-request-id"] == invocation.request_id


@pytest.mark.parametrize("kind", ["content-length", "chunked"])
async def test_a_reply_of_either_framing_is_accepted_and_read_whole(kind: str) -> None:
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()
        mode = "Content-Type: text/plain"
        reply = post(path(invocation), b"onetwo", mode)
        if kind == "chunked":
            reply = chunked(path(invocation), b"one", b"two", headers=(mode,))

        answer = await worker.ask(reply)

        assert answer == ACCEPTED
        assert answer.headers["content-type"] == "application/json"
        assert await invocation.started() == "text/plain"
        assert await read_all(invocation) == b"onetwo"


@pytest.mark.parametrize("kind", ["content-length", "chunked"])
async def test_an_empty_reply_is_accepted(kind: str) -> None:
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()

        reply = post(path(invocation)) if kind == "content-length" else chunked(path(invocation))

        assert await worker.ask(reply) == ACCEPTED
        assert await read_all(invocation) == b""


async def test_each_chunk_reaches_the_caller_while_the_next_is_still_to_come() -> None:
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()
        request = chunked(path(invocation), b"one", b"two")
        cut = request.index(b"3\r\ntwo")

        worker.writer.write(request[:cut])
        assert await invocation.reply.read() == b"one"
        worker.writer.write(request[cut:])
        assert await invocation.reply.read() == b"two"
        assert await invocation.reply.read() is None
        assert await worker.answer() == ACCEPTED


async def test_error_trailers_cut_the_reply_and_are_accepted() -> None:
    document = b'{"errorMessage":"boom","errorType":"ValueError"}'
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()

        answer = await worker.ask(
            chunked(
                path(invocation),
                b"some",
                headers=("Lambda-Runtime-Function-Response-Mode: streaming", f"Trailer: {ERROR_TYPE}, {ERROR_BODY}"),
                trailers=(f"{ERROR_TYPE}: ValueError", f"{ERROR_BODY}: {base64.b64encode(document).decode()}"),
            )
        )

        assert answer == ACCEPTED
        assert await invocation.reply.read() == b"some"
        with pytest.raises(ReplyCutError) as error:
            await invocation.reply.read()
        assert error.value.failure == Failure("ValueError", document)


async def test_an_error_trailer_that_is_not_even_ascii_still_ends_the_reply() -> None:
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()
        request = chunked(path(invocation), b"some", trailers=(f"{ERROR_TYPE}: E", f"{ERROR_BODY}: caf?"))

        assert await worker.ask(request.replace(b"caf?", b"caf\xe9")) == ACCEPTED
        assert await invocation.reply.read() == b"some"
        with pytest.raises(ReplyCutError, match=r"^E: café$"):
            await invocation.reply.read()


async def test_an_invocation_error_and_an_init_error_are_accepted() -> None:
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()

        assert await worker.ask(post(path(invocation, "error"), b'{"a":1}', f"{ERROR_TYPE}: My.Error")) == ACCEPTED
        with pytest.raises(FunctionError) as error:
            await invocation.started()
        assert error.value.failure == Failure("My.Error", b'{"a":1}')

    async with runtime_bench() as bench:
        worker = await bench.connect()

        assert await worker.ask(post("/init/error", b'{"b":2}', f"{ERROR_TYPE}: My.Init")) == ACCEPTED
        assert bench.environment.init_failures == [Failure("My.Init", b'{"b":2}')]


async def test_what_is_not_allowed_is_refused_in_awss_words() -> None:
    """Each refusal leaves the connection usable and the invocation alone."""
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()

        for kind in ("response", "error"):
            assert await worker.ask(post(f"{UNKNOWN}/{kind}", b"x")) == Answer(400, UNKNOWN_ID, {})
            late = post(path(invocation, kind), b"x", "Lambda-Runtime-Invocation-Id: another")
            assert await worker.ask(late) == Answer(
                410, b'{"errorMessage":"Invoke timeout","errorType":"InvokeTimeout"}\n', {}
            )
        assert await worker.ask(post("/init/error", b"{}")) == forbidden("Running", "InitError")
        assert await worker.ask(chunked(path(invocation), b"whole")) == ACCEPTED
        for kind, wanted in (("response", "InvocationResponse"), ("error", "InvocationErrorResponse")):
            answer = await worker.ask(post(path(invocation, kind), b"x"))
            assert answer == forbidden("RuntimeResponseSentState", wanted)
            assert answer.headers["content-type"] == "application/json"
        assert await read_all(invocation) == b"whole"


async def test_next_is_refused_while_a_reply_comes_in() -> None:
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()
        request = chunked(path(invocation), b"one", b"two")
        worker.writer.write(request[:-10])
        assert await invocation.reply.read() == b"one"

        other = await bench.connect()

        assert await other.ask(NEXT) == forbidden("InvocationResponse", "Ready")


async def test_an_unknown_response_mode_is_refused_after_its_body_was_read() -> None:
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()

        answer = await worker.ask(
            post(path(invocation), b"x" * 1_000_000, "Lambda-Runtime-Function-Response-Mode: Streaming")
        )

        assert answer == Answer(
            400,
            b'{"errorMessage":"Invalid function response mode","errorType":"InvalidFunctionResponseMode"}\n',
            {},
        )
        with pytest.raises(FunctionError, match=r"^Runtime\.InvalidResponseModeHeader: "):
            await invocation.started()


@pytest.mark.parametrize("extra", [1, 300_000])
async def test_a_reply_that_is_too_large_for_its_caller_is_cut_and_the_runtime_told(extra: int) -> None:
    """The worker's whole reply is read before it is answered; the connection serves the next event."""
    async with runtime_bench() as bench:
        worker, invocation = await bench.working(streamed=False)
        reading = asyncio.create_task(read_all(invocation))

        answer = await worker.ask(post(path(invocation), bytes(MAX_BUFFERED_BYTES + extra)))

        assert answer == Answer(
            413,
            b'{"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes).",'
            b'"errorType":"RequestEntityTooLarge"}\n',
            {},
        )
        with pytest.raises(ReplyCutError, match=r"^Function\.ResponseSizeTooLarge: "):
            await reading
        bench.environment.offer(Invocation(a_function(), b"2"))
        assert await worker.ask(NEXT) == Answer(200, b"2", {})


async def test_a_reply_too_large_is_answered_even_if_its_caller_reads_nothing() -> None:
    async with runtime_bench() as bench:
        worker, invocation = await bench.working(streamed=False)
        invocation.reply.abandon()

        assert (await worker.ask(post(path(invocation), bytes(MAX_BUFFERED_BYTES + 1)))).status == 413


async def test_an_error_document_has_a_limit_too() -> None:
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()

        answer = await worker.ask(post(path(invocation, "error"), bytes(MAX_DOCUMENT_BYTES + 1)))

        assert answer.status == 413
        with pytest.raises(FunctionError, match=r"^Runtime\.Unknown: .*The error document was truncated"):
            await invocation.started()


async def test_an_error_document_that_is_cut_still_is_an_error() -> None:
    """While it comes in nothing else may be asked for; afterwards the runtime may go on."""
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()
        request = post(path(invocation, "error"), b"{}", "Lambda-Runtime-Function-Error-Type: Probe.Error")
        worker.writer.write(request[:-1])
        other = await bench.connect()
        while (await other.ask(NEXT)).status == 200:  # until the head has come
            pass

        worker.writer.write_eof()

        assert (await worker.answer()).status == 400
        with pytest.raises(FunctionError, match=r"^Probe\.Error: .*The error document was truncated"):
            await invocation.started()
        bench.environment.offer(Invocation(a_function(), b"{}"))
        assert (await other.ask(NEXT)).status == 200


@pytest.mark.parametrize(
    "request_line",
    [
        f"GET {BASE}/nowhere",
        f"POST {BASE}{UNKNOWN}/respond",
        f"POST {BASE}/invocation/a/b/response",
        "GET /",
        "CONNECT x:80",
        "OPTIONS *",
    ],
)
async def test_there_is_nothing_else_in_this_api(request_line: str) -> None:
    async with runtime_bench() as bench:
        worker = await bench.connect()

        worker.writer.write(f"{request_line} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())

        status_line = await worker.reader.readuntil(b"\r\n")
        assert status_line.startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize(
    "request_line",
    [
        f"POST {BASE}/invocation/next",
        f"HEAD {BASE}/invocation/next",
        f"GET {BASE}{UNKNOWN}/response",
        f"PUT {BASE}{UNKNOWN}/error",
        f"GET {BASE}/init/error",
    ],
)
async def test_another_method_is_not_allowed(request_line: str) -> None:
    async with runtime_bench() as bench:
        worker = await bench.connect()

        worker.writer.write(f"{request_line} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())

        status_line = await worker.reader.readuntil(b"\r\n")
        assert status_line.startswith(b"HTTP/1.1 405 ")


@pytest.mark.parametrize("framing", ["chunked", "content-length"])
async def test_a_connection_cut_in_the_middle_of_a_reply_cuts_the_reply(framing: str) -> None:
    """A body cut short is told apart from one that ended."""
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()
        request = chunked(path(invocation), b"one", b"twenty")
        head, rest = request[: request.index(b"6\r\n")], b"6\r\ntwe"
        if framing == "content-length":
            head, rest = post(path(invocation), b"onetwenty")[: -len("twenty")], b""

        worker.writer.write(head)
        assert await invocation.reply.read() == b"one"
        worker.writer.write(rest)
        assert not rest or await invocation.reply.read() == b"twe"
        worker.close()

        with pytest.raises(ReplyCutError, match=r"^Runtime\.TruncatedResponse: "):
            await invocation.reply.read()


async def test_a_worker_that_stops_sending_in_the_middle_is_told_what_was_wrong() -> None:
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()
        worker.writer.write(chunked(path(invocation), b"one", b"two")[:-12])
        worker.writer.write_eof()

        assert await worker.answer() == Answer(
            400, b'{"errorMessage":"HTTP request detected as truncated","errorType":"TruncatedHTTPRequest"}\n', {}
        )
        assert await worker.sees_the_end()
        with pytest.raises(ReplyCutError, match=r"^Runtime\.TruncatedResponse: "):
            await read_all(invocation)


async def test_a_broken_chunk_cuts_the_reply_and_ends_the_connection() -> None:
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()
        request = chunked(path(invocation), b"one", b"two").replace(b"3\r\ntwo", b"oops\r\ntwo")

        assert (await worker.ask(request)).status == 400
        assert await worker.sees_the_end()
        assert await invocation.reply.read() == b"one"
        with pytest.raises(ReplyCutError, match=r"^Runtime\.TruncatedResponse: "):
            await invocation.reply.read()


@pytest.mark.parametrize(
    ("garbage", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS, say\r\n\r\n", 400),
        (b"not http at all\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),  # no Host
        (b"GET / HTTP/1.1\r\nHost: x\r\n bad\x00\r\n\r\n", 400),
        (post("/invocation/x/response", framing="Transfer-Encoding: gzip"), 501),
        (post("/invocation/x/response", framing="Content-Length: -1"), 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 1_200_000, 431),
    ],
)
async def test_what_is_not_http_is_refused_and_harms_nobody_else(garbage: bytes, status: int) -> None:
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()
        stranger = await bench.connect()

        assert (await stranger.ask(garbage)).status == status
        assert await stranger.sees_the_end()
        assert await worker.ask(chunked(path(invocation), b"fine")) == ACCEPTED
        assert await read_all(invocation) == b"fine"


async def test_headers_of_a_mebibyte_are_taken() -> None:
    """AWS's clients send the X-Ray cause of an error in a header of up to 1 MiB."""
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()
        cause = "Lambda-Runtime-Function-XRay-Error-Cause: " + "x" * 1024 * 1024

        assert await worker.ask(post(path(invocation, "error"), b"{}", cause)) == ACCEPTED


async def test_pipelined_requests_are_answered_in_their_order() -> None:
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()
        second = bench.environment.offer(Invocation(a_function(), b"2"))
        requests = [chunked(path(invocation), b"1"), NEXT, chunked(path(second), b"2"), NEXT]

        worker.writer.write(b"".join(requests))

        assert [await worker.answer() for _ in range(3)] == [ACCEPTED, Answer(200, b"2", {}), ACCEPTED]
        assert await read_all(invocation) == b"1"
        assert await read_all(second) == b"2"
        bench.environment.offer(Invocation(a_function(), b"3"))
        assert (await worker.answer()).body == b"3"


async def test_of_two_connections_that_wait_one_gets_the_event_and_the_other_waits_on() -> None:
    async with runtime_bench() as bench:
        workers = [await bench.connect(), await bench.connect()]
        asking = [asyncio.create_task(worker.ask(NEXT)) for worker in workers]
        await until(lambda: bench.environment.asking_count == 2)
        first = bench.environment.offer(Invocation(a_function(), b"1"))
        (answered,), (waiting,) = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        assert answered.result() == Answer(200, b"1", {})

        winner = workers[asking.index(answered)]
        assert await winner.ask(chunked(path(first), b"x")) == ACCEPTED
        assert not waiting.done()
        winner.writer.write(NEXT)
        await until(lambda: bench.environment.ready_count == 2)
        bench.environment.offer(Invocation(a_function(), b"2"))

        assert await waiting == Answer(200, b"2", {})


async def test_bytes_may_come_as_slowly_as_they_like() -> None:
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()
        for byte in chunked(path(invocation), b"slow", trailers=("X-Nothing: 1",)) + NEXT:
            worker.writer.write(bytes([byte]))
            await worker.writer.drain()
            await asyncio.sleep(0)

        assert await worker.answer() == ACCEPTED
        assert await read_all(invocation) == b"slow"
        bench.environment.offer(Invocation(a_function(), b"2"))
        assert await worker.answer() == Answer(200, b"2", {})


async def test_a_client_that_waits_for_100_continue_gets_it() -> None:
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()
        request = post(path(invocation), b"body", "Expect: 100-continue")

        assert await worker.ask(request[:-4]) == Answer(100, b"", {})
        assert await worker.ask(b"body") == ACCEPTED
        assert await read_all(invocation) == b"body"


async def test_a_slow_caller_stops_the_worker_and_a_quick_one_lets_it_go_on() -> None:
    """No more than the bound and one read of the socket is held; nothing is lost."""
    total = 24 * 1024 * 1024  # more than the kernel's two buffers hold
    async with runtime_bench(30) as bench:
        worker, invocation = await bench.working()
        sending = asyncio.create_task(
            worker.ask(chunked(path(invocation), *[bytes(64 * 1024)] * (total // 64 // 1024)))
        )
        await until(lambda: invocation.reply.full)
        for _ in range(20):
            await asyncio.sleep(0)
        assert HIGH_WATER_BYTES <= invocation.reply.total_bytes <= HIGH_WATER_BYTES + READ_BYTES
        assert not sending.done()

        read = 0
        while (piece := await invocation.reply.read()) is not None:
            assert len(piece) <= HIGH_WATER_BYTES + READ_BYTES
            read += len(piece)

        assert (read, await sending) == (total, ACCEPTED)


async def test_the_connection_is_read_again_after_a_reply_that_filled_the_buffer_at_its_end() -> None:
    """The worker asks for the next event on the same connection, whether or not its caller reads."""
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()

        assert await worker.ask(post(path(invocation), bytes(HIGH_WATER_BYTES))) == ACCEPTED

        assert invocation.reply.full
        bench.environment.offer(Invocation(a_function(), b"2"))
        assert await worker.ask(NEXT) == Answer(200, b"2", {})
        assert len(await read_all(invocation)) == HIGH_WATER_BYTES


async def test_a_worker_that_has_hung_up_on_a_slow_caller_gets_the_next_event() -> None:
    """At its deadline a runtime gives its reply up; nobody reads it then, and so nobody sees that it has ended."""
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()
        worker.writer.write(chunked(path(invocation), bytes(4 * HIGH_WATER_BYTES)).removesuffix(b"0\r\n\r\n"))
        await until(lambda: invocation.reply.full)
        worker.writer.close()

        bench.environment.offer(Invocation(a_function(), b"2"))
        assert await (await bench.connect()).ask(NEXT) == Answer(200, b"2", {})

        assert invocation.failure is not None
        assert invocation.failure.error_type == "Runtime.TruncatedResponse"
        assert len(await invocation.reply.read() or b"") == 4 * HIGH_WATER_BYTES


async def test_a_worker_that_goes_on_with_its_reply_to_a_slow_caller_gets_no_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("local.runtime_server.connection.LEFT_REPLY_SECONDS", 0)
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()
        worker.writer.write(chunked(path(invocation), bytes(4 * HIGH_WATER_BYTES)).removesuffix(b"0\r\n\r\n"))
        await until(lambda: invocation.reply.full)

        assert (await (await bench.connect()).ask(NEXT)).status == 403

        worker.writer.write(b"0\r\n\r\n")
        assert len(await read_all(invocation)) == 4 * HIGH_WATER_BYTES
        assert await worker.answer() == ACCEPTED


async def test_a_slow_caller_stops_a_worker_that_has_asked_too_early_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What had come when its question was refused is the end of that: nothing more is read until its caller reads."""
    monkeypatch.setattr("local.runtime_server.connection.LEFT_REPLY_SECONDS", 0)
    total = 64 * 1024 * 1024  # more than the kernel's two buffers hold and a few turns of the loop read
    async with runtime_bench(30) as bench:
        worker, invocation = await bench.working()
        sending = asyncio.create_task(
            worker.ask(chunked(path(invocation), *[bytes(64 * 1024)] * (total // 64 // 1024)))
        )
        await until(lambda: invocation.reply.full)
        assert (await (await bench.connect()).ask(NEXT)).status == 403

        read_out = invocation.reply.total_bytes
        for _ in range(200):
            await asyncio.sleep(0)
        assert invocation.reply.total_bytes == read_out
        assert not sending.done()

        assert len(await read_all(invocation)) == total
        assert await sending == ACCEPTED


async def test_a_caller_who_leaves_lets_a_blocked_worker_go_on() -> None:
    async with runtime_bench(30) as bench:
        worker, invocation = await bench.working()
        sending = asyncio.create_task(worker.ask(post(path(invocation), bytes(24 * 1024 * 1024))))
        await until(lambda: invocation.reply.full)

        invocation.abandon()

        assert await sending == ACCEPTED


@pytest.mark.parametrize(("version", "header"), [("1.1", "Connection: close"), ("1.0", "X: y")])
async def test_a_connection_ends_after_its_answer_when_the_worker_wants_it(version: str, header: str) -> None:
    async with runtime_bench() as bench:
        worker = await bench.connect()
        bench.environment.offer(Invocation(a_function(), b"{}"))

        answer = await worker.ask(f"GET {BASE}/invocation/next HTTP/{version}\r\nHost: x\r\n{header}\r\n\r\n".encode())

        assert answer == Answer(200, b"{}", {})
        assert await worker.sees_the_end()


async def test_closing_drops_every_connection_and_cuts_a_reply_that_comes_in() -> None:
    async with runtime_bench() as bench:
        worker, invocation = await bench.working()
        worker.writer.write(chunked(path(invocation), b"one", b"two")[:-10])
        assert await invocation.reply.read() == b"one"
        idle = await bench.connect()
        assert (await idle.ask(post(UNKNOWN + "/response"))).status == 400

        bench.listener.close()

        assert await worker.sees_the_end()
        assert await idle.sees_the_end()
        with pytest.raises(ReplyCutError, match=r"^Runtime\.TruncatedResponse: "):
            await read_all(invocation)
        with pytest.raises(ConnectionRefusedError):
            await bench.connect()


class RecordingTransport(asyncio.Transport):
    """Where a connection writes to."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def connection_of(api: RuntimeApi) -> tuple[RuntimeConnection, RecordingTransport]:
    """A connection without a socket: what it gets is decided turn by turn."""
    extensions = ExtensionsApi(FakeEnvironment())  # type: ignore[arg-type]
    connection, transport = RuntimeConnection(api, extensions, set()), RecordingTransport()
    connection.connection_made(transport)
    return connection, transport


@pytest.mark.parametrize("lost", ["before the event", "after the event"])
async def test_a_connection_that_is_lost_while_it_waits_takes_no_event_with_it(lost: str) -> None:
    environment = FakeEnvironment()
    api = RuntimeApi(environment)  # type: ignore[arg-type]
    (first, first_got), (second, second_got) = connection_of(api), connection_of(api)
    first.data_received(NEXT)
    assert environment.ready_count == 1

    if lost == "before the event":
        first.connection_lost(None)
    environment.offer(Invocation(a_function(), b"42"))
    if lost == "after the event":
        assert first_got.written.endswith(b"\r\n\r\n42")
        first.connection_lost(None)
    second.data_received(NEXT)

    assert second_got.written.endswith(b"\r\n\r\n42")


async def test_a_reply_cut_in_two_at_any_byte_is_the_same_reply() -> None:
    request = chunked(
        "/invocation/an-id/response",
        b"one",
        b"sixteen bytes!!!",
        headers=("Content-Type: text/plain", "Lambda-Runtime-Function-Response-Mode: streaming"),
        trailers=(f"{ERROR_TYPE}: E", f"{ERROR_BODY}: e30="),
    )
    for cut in range(1, len(request)):
        environment = FakeEnvironment()
        api = RuntimeApi(environment)  # type: ignore[arg-type]
        invocation = environment.offer(Invocation(a_function(), b"{}", request_id="an-id"))
        given: list[Invocation] = []
        api.next(given.append)
        assert given == [invocation]
        connection, transport = connection_of(api)

        connection.data_received(request[:cut])
        connection.data_received(request[cut:])

        assert transport.written.startswith(b"HTTP/1.1 202 ")
        assert await invocation.started() == "text/plain"
        assert await invocation.reply.read() == b"onesixteen bytes!!!"
        with pytest.raises(ReplyCutError, match=r"^E: {}$"):
            await invocation.reply.read()
