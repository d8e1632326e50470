"""Both ends of the Runtime API at once: a runtime in its process, and the local Runtime API that it speaks to.

The streaming layer may not import the emulator, nor the other way round; here is where the two meet.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from lambda_runtime.client import Client
from lambda_runtime.faults import Fault
from lambda_runtime.response import Response
from local.invocation import Failure, FunctionError, Invocation
from local.runtime_server.connection import RuntimeConnection
from local.wire.prelude import CONTENT_TYPE, Prelude, PreludeParser
from tests.local.fakes.environment import a_function
from tests.local.fakes.local_lambda import LocalLambda, local_lambda
from tests.local.fakes.raw_worker import Bench, runtime_bench

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parent.parent.parent
LAYER = ROOT / "functions" / "layers" / "streaming"
CODE = {"code": Path(__file__).parent / "functions", "handler": "replies.handler"}
BY_LAYER = a_function(
    **CODE, runtime="python3.13", layers=(LAYER,), environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap"}
)
BY_LAYER_ALONE = a_function(**CODE, runtime="provided.al2023", layers=(LAYER,))
BY_AWS = a_function(**CODE, runtime="python3.13")


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop the emulator runs on."""
    return "asyncio", {"use_uvloop": True}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the caller of a function got."""

    content_type: str = ""
    prelude: Prelude | None = None
    body: bytes = b""
    failure: Failure | None = None


async def outcome_of(cloud: LocalLambda, kind: str) -> Outcome:
    """Invoke the function with the event *kind*, and wait until it could take another."""
    invocation = Invocation(cloud.function, json.dumps(kind).encode())
    cloud.dispatcher.invoke(invocation)
    content_type, body, failure = "", b"", None
    try:
        content_type = await invocation.started()
        while (data := await invocation.reply.read()) is not None:
            body += data
    except FunctionError as error:
        failure = error.failure
    await invocation.completed.wait()
    prelude = None
    if content_type == CONTENT_TYPE:
        parsed = PreludeParser().feed(body)
        assert parsed is not None
        prelude, body = parsed
    return Outcome(content_type, prelude, body, failure)


def streamed(body: bytes, *headers: tuple[bytes, bytes], status: int = 200) -> Outcome:
    return Outcome(CONTENT_TYPE, Prelude(status, headers or ((b"content-type", b"application/octet-stream"),)), body)


STREAMS = {
    "text_body": streamed(
        "grüß dich".encode(),
        (b"content-type", b"text/plain"),
        (b"x-a", b"1"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
        status=201,
    ),
    "bytes_body": streamed(b"\0\xff", (b"content-type", b"image/png")),
    "empty_body": streamed(b"", (b"x-a", b"1"), status=204),
    "iterated_body": streamed(b"onetwothree"),
    "async_body": streamed(b"onetwo"),
    "large_body": streamed(b"".join(bytes([number]) * 100_000 for number in range(10))),
    "generator": Outcome("application/octet-stream", None, b"raw bytes"),
    "async_generator": Outcome("application/octet-stream", None, b"raw bytes"),
}
DOCUMENTS = {
    "document": Outcome(
        "application/json", None, '{"statusCode": 200, "body": "grüß dich", "number": 1.5, "none": null}'.encode()
    ),
    "raw_bytes": Outcome("application/unknown", None, b"\0\xff"),
    "large_document": Outcome("application/json", None, b'"' + b"x" * 300_000 + b'"'),
}


def byte_by_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the Runtime API get every byte on its own."""
    take = RuntimeConnection.data_received

    def take_one_by_one(connection: RuntimeConnection, data: bytes) -> None:
        for byte in data:
            take(connection, bytes([byte]))

    monkeypatch.setattr(RuntimeConnection, "data_received", take_one_by_one)


async def test_every_kind_of_streamed_reply_arrives_as_the_handler_made_it(tmp_path: Path) -> None:
    """All by one worker, whose connection is good for the next event after each of them."""
    async with local_lambda(BY_LAYER, folder=tmp_path) as cloud:
        assert {kind: await outcome_of(cloud, kind) for kind in STREAMS} == STREAMS
        assert len(cloud.log("REPORT")) == len(STREAMS)
        assert [line for line in cloud.log("REPORT") if "Status" in line] == []
        assert len([line for line in cloud.log("REPORT") if "Init Duration" in line]) == 1


async def test_every_kind_of_buffered_reply_arrives_as_the_handler_made_it(tmp_path: Path) -> None:
    async with local_lambda(BY_LAYER, folder=tmp_path) as cloud:
        assert {kind: await outcome_of(cloud, kind) for kind in DOCUMENTS} == DOCUMENTS


async def test_cut_at_every_byte_the_replies_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    byte_by_byte(monkeypatch)
    kinds = {**STREAMS, **DOCUMENTS}
    for large in ("large_body", "large_document"):
        del kinds[large]
    async with local_lambda(BY_LAYER, folder=tmp_path) as cloud:
        assert {kind: await outcome_of(cloud, kind) for kind in kinds} == kinds
        cut = await outcome_of(cloud, "body_that_fails_in_the_middle")
        assert cut.failure is not None
        assert (cut.body, cut.failure.error_type) == (b"one", "ValueError")


async def test_an_error_in_the_middle_of_a_stream_travels_in_trailers(tmp_path: Path) -> None:
    """Its document comes through whole, line break and all, and the worker lives on."""
    async with local_lambda(BY_LAYER, folder=tmp_path) as cloud:
        cut = await outcome_of(cloud, "body_that_fails_in_the_middle")

        assert cut.prelude == Prelude(200, ((b"content-type", b"application/octet-stream"),))
        assert cut.body == b"one"
        assert cut.failure is not None
        assert cut.failure.error_type == "ValueError"
        document = json.loads(cut.failure.document)
        assert (document["errorType"], document["errorMessage"]) == ("ValueError", "in the\nmiddle")
        assert 'raise ValueError("in the\\nmiddle")' in document["stackTrace"][-1]
        assert await outcome_of(cloud, "generator") == STREAMS["generator"]
        assert len([line for line in cloud.log("REPORT") if "Init Duration" in line]) == 1


@pytest.mark.parametrize(
    ("kind", "error_type", "text"),
    [
        ("failure", "ValueError", "as asked"),
        ("body_that_fails_at_once", "ValueError", "at once"),
        ("unencodable", "Runtime.MarshalError", "Unable to marshal response: "),
    ],
)
async def test_an_error_before_the_first_byte_is_the_callers_error(
    tmp_path: Path, kind: str, error_type: str, text: str
) -> None:
    async with local_lambda(BY_LAYER, folder=tmp_path) as cloud:
        outcome = await outcome_of(cloud, kind)

        assert outcome.failure is not None
        assert (outcome.content_type, outcome.failure.error_type) == ("", error_type)
        document = json.loads(outcome.failure.document)
        assert document["errorType"] == error_type
        assert document["errorMessage"].startswith(text)


async def test_a_stream_that_is_stuck_is_cut_at_the_timeout(tmp_path: Path) -> None:
    function = a_function(
        **CODE,
        runtime="python3.13",
        layers=(LAYER,),
        environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap"},
        timeout_seconds=1,
    )
    async with local_lambda(function, folder=tmp_path) as cloud:
        outcome = await outcome_of(cloud, "stuck_stream")

        assert outcome.body == b"one"
        assert outcome.failure is not None
        assert outcome.failure.error_type == "Sandbox.Timedout"
        assert json.loads(outcome.failure.document)["errorMessage"].endswith("Task timed out after 1.00 seconds")


async def test_the_layers_bootstrap_is_the_entry_point_of_an_os_only_runtime(tmp_path: Path) -> None:
    async with local_lambda(BY_LAYER_ALONE, folder=tmp_path) as cloud:
        for kind in ("text_body", "document"):
            assert await outcome_of(cloud, kind) == {**STREAMS, **DOCUMENTS}[kind]


async def test_awss_own_runtime_client_sends_the_same_documents(tmp_path: Path) -> None:
    """And its connection is good for the next event, also after a reply larger than the buffer."""
    async with local_lambda(BY_AWS, folder=tmp_path) as cloud:
        assert {kind: await outcome_of(cloud, kind) for kind in DOCUMENTS} == DOCUMENTS
        for kind, error_type in (("failure", "ValueError"), ("unencodable", "Runtime.MarshalError")):
            outcome = await outcome_of(cloud, kind)
            assert outcome.failure is not None
            assert json.loads(outcome.failure.document)["errorType"] == error_type
        assert await outcome_of(cloud, "document") == DOCUMENTS["document"]
        assert len([line for line in cloud.log("REPORT") if "Init Duration" in line]) == 1


@pytest.mark.parametrize(
    ("status", "headers", "cookies"),
    [
        (200, {}, []),
        (404, {"content-type": "text/plain; charset=utf-8", "x-quote": '"\\ \t'}, ["a=1; Path=/; HttpOnly", "b=ü"]),
        (599, {"x-place": "Zürich 🎉"}, []),
    ],
)
async def test_a_prelude_of_the_layer_is_read_by_the_emulator_cut_at_any_byte(
    status: int, headers: dict[str, str], cookies: list[str]
) -> None:
    reply = Response(b"", status, headers=headers, cookies=cookies).prelude() + b"\0body"
    default = {} if "content-type" in headers else {"content-type": "application/octet-stream"}
    expected = [(name.encode(), value.strip().encode()) for name, value in {**headers, **default}.items()]
    expected += [(b"set-cookie", cookie.encode()) for cookie in cookies]

    for cut in range(len(reply) + 1):
        parser = PreludeParser()
        first, rest = parser.feed(reply[:cut]), reply[cut:]
        prelude, body = first or parser.feed(rest) or pytest.fail("no prelude")
        assert prelude == Prelude(status, tuple(expected))
        assert body + (rest if first else b"") == b"\0body"


@asynccontextmanager
async def bench_and_client() -> AsyncIterator[tuple[Bench, Client]]:
    """The layer's client before a fake environment; it cannot be closed, since a runtime lives as its process does."""
    async with runtime_bench() as bench:
        client = Client(bench.listener.address)
        try:
            yield bench, client
        finally:
            if client._connection:
                client._connection.close()


async def test_a_late_answer_is_refused_and_the_runtime_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    """The reply to an invocation that timed out must not become the reply to its retry, which has the same id."""
    async with bench_and_client() as (bench, client):
        first = bench.environment.offer(Invocation(a_function(), b"1"))
        late = await asyncio.to_thread(client.next)
        await asyncio.to_thread(client.response, late, b"in time", "text/plain")
        retry = bench.environment.offer(Invocation(a_function(), b"2", request_id=first.request_id))
        current = await asyncio.to_thread(client.next)
        assert (late.request_id, late.invocation_id != current.invocation_id) == (current.request_id, True)

        answers: list[Callable[[], None]] = [
            lambda: client.response(late, b"too late", "text/plain"),
            lambda: client.invocation_error(late, Fault("Function.Late", "too late")),
        ]
        for answer in answers:
            await asyncio.to_thread(answer)
        await asyncio.to_thread(client.response, current, b"on time", "text/plain")

        assert await retry.reply.read() == b"on time"
        assert await retry.reply.read() is None
        refusals = [line for line in capsys.readouterr().out.splitlines() if "refused the reply" in line]
        body = '{"errorMessage":"Invoke timeout","errorType":"InvokeTimeout"}'
        assert refusals == [f"[WARN] the Runtime API refused the reply: 410 {body}"] * 2


async def test_the_context_of_an_invocation_gets_through() -> None:
    """Event, ids, deadline, ARN and trace id as the emulator gave them."""
    async with bench_and_client() as (bench, client):
        function = a_function(timeout_seconds=7)
        invocation = bench.environment.offer(Invocation(function, '{"grüß":"dich"}'.encode(), trace_id="Root=1-2-3"))

        got = await asyncio.to_thread(client.next)

        assert got.event == invocation.event
        assert got.request_id == invocation.request_id
        assert got.invocation_id == invocation.invocation_id
        assert got.deadline_ms == invocation.deadline_ms
        assert got.function_arn == function.arn
        assert got.trace_id == "Root=1-2-3"
