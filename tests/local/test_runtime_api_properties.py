"""Whatever a worker asks of its Runtime API: what is not allowed is a 4xx, and no other environment feels it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from hypothesis import example, given, settings
from hypothesis import strategies as st

from local.invocation import Invocation
from tests.local.fakes.environment import a_function
from tests.local.fakes.local_lambda import read_all
from tests.local.fakes.raw_worker import ACCEPTED, BASE, NEXT, Bench, RawWorker, post, runtime_bench

OTHER_ID = "00000000-0000-0000-0000-000000000000"
STARTED, RUNNING, SENT, FAILED = "Started", "Running", "RuntimeResponseSentState", "InitError"

visible = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20).map(str.strip)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request; *path* has "own" where the id of the current invocation goes."""

    method: str
    path: str
    body: bytes = b""
    mode: str = ""
    invocation_id: str = ""

    def is_next(self) -> bool:
        return (self.method, self.path) == ("GET", "/invocation/next")

    def is_reply(self) -> bool:
        return self.method == "POST" and re.fullmatch("/invocation/own/(response|error)", self.path) is not None

    def is_init_error(self) -> bool:
        return (self.method, self.path) == ("POST", "/init/error")

    def encoded(self, own_id: str) -> bytes:
        headers = {
            "Lambda-Runtime-Function-Response-Mode": self.mode,
            "Lambda-Runtime-Invocation-Id": self.invocation_id,
        }
        lines = [f"{name}: {value}" for name, value in headers.items() if value]
        request = post(self.path.replace("/own/", f"/{own_id}/"), self.body, *lines)
        return request.replace(b"POST", self.method.encode(), 1)


paths = st.one_of(
    st.sampled_from(
        [
            "/invocation/next",
            "/invocation/own/response",
            "/invocation/own/error",
            "/init/error",
            f"/invocation/{OTHER_ID}/response",
            f"/invocation/{OTHER_ID}/error",
            "/invocation//response",
            "/invocation/next/response",
            "/invocation/own/next",
            "/invocation",
            "",
        ]
    ),
    visible.map(lambda text: f"/nothing/{text}"),
    visible.map(lambda text: f"/invocation/x{text.replace('/', '')}/response"),
)
asks = st.builds(
    Ask,
    method=st.sampled_from(["GET", "POST", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]),
    path=paths,
    body=st.binary(max_size=50),
    mode=st.one_of(st.sampled_from(["", "streaming"]), header_values),
    invocation_id=st.one_of(st.just(""), st.just(OTHER_ID)),
)


class Model:
    """What AWS's documentation allows, in a few lines: the oracle."""

    def __init__(self) -> None:
        self.state = STARTED

    def status(self, ask: Ask) -> range:
        """The statuses that may be the answer; moves on if the request does."""
        if ask.is_next() and self.state != FAILED:
            self.state = RUNNING
            return range(200, 201)
        if ask.is_init_error() and self.state == STARTED:
            self.state = FAILED
            return range(202, 203)
        if ask.is_reply() and self.state == RUNNING and not ask.invocation_id:
            self.state = SENT
            if ask.path.endswith("error") or ask.mode in ("", "streaming"):
                return range(202, 203)
        return range(400, 500)


async def with_two_environments(steps: list[Ask]) -> None:
    """*steps* are asked of one; the other is in the middle of an invocation."""
    async with runtime_bench() as bench, runtime_bench() as other:
        worker, theirs = await other.working()
        model, current = Model(), None
        for ask in steps:
            if ask.is_next() and model.state in (STARTED, SENT):
                current = bench.environment.offer(Invocation(a_function(), b'{"a":1}'))
            stranger = await bench.connect()
            expected = model.status(ask)
            answer = await stranger.ask(ask.encoded(current.request_id if current else OTHER_ID))
            assert answer.status in expected, (ask, answer)
            stranger.close()

        if model.state == RUNNING:
            assert current is not None
            await assert_served(bench, current, b"own")
        assert await worker.ask(post(f"/invocation/{theirs.request_id}/response", b"theirs")) == ACCEPTED
        assert await read_all(theirs) == "theirs"


async def assert_served(bench: Bench, invocation: Invocation, body: bytes) -> None:
    """The invocation that is being worked on can still be answered."""
    worker = await bench.connect()
    assert await worker.ask(post(f"/invocation/{invocation.request_id}/response", body)) == ACCEPTED
    assert await read_all(invocation) == body.decode()


@settings(max_examples=100)
@given(st.lists(asks, max_size=8))
def test_any_illegal_request_is_a_4xx_and_harms_no_other_environment(steps: list[Ask]) -> None:
    """In any order, in every state; the legal ones between them are served as ever."""
    asyncio.run(with_two_environments(steps))


async def with_garbage(garbage: bytes) -> bytes:
    async with runtime_bench() as bench, runtime_bench() as other:
        (_, ours), (worker, theirs) = await bench.working(), await other.working()
        stranger = await RawWorker.connect(bench.listener)
        stranger.writer.write(garbage)
        stranger.writer.write_eof()
        try:
            answers = await stranger.reader.read()
        except ConnectionError:
            answers = b""
        stranger.close()
        await assert_served(bench, ours, b"own")
        assert await worker.ask(post(f"/invocation/{theirs.request_id}/response", b"theirs")) == ACCEPTED
        assert await read_all(theirs) == "theirs"
        return answers


mutations = st.builds(
    lambda request, at, with_: request[: at % len(request)] + with_ + request[at % len(request) + 1 :],
    st.sampled_from([NEXT, post("/invocation/x/response", b"{}"), post("/init/error", b"{}")]),
    st.integers(0, 200),
    st.binary(max_size=3),
)


@settings(max_examples=100)
@example(b"GET /\n\r\n")
@given(st.one_of(st.binary(max_size=200), mutations))
def test_any_bytes_are_refused_or_left_alone_and_harm_nobody(garbage: bytes) -> None:
    """Rubbish, or a request in which one place is another: no answer but a refusal, or the same event again.

    Of 5xx there are those that say what HTTP is not spoken here: another coding (501), another version (505).
    """
    statuses = set(re.findall(rb"^HTTP/1\.1 (\d+)", asyncio.run(with_garbage(garbage)), re.MULTILINE))

    refused = {status for status in statuses if status.startswith(b"4")} | {b"501", b"505"}
    assert statuses - refused <= ({b"200"} if b"/invocation/next" in garbage else set())


def test_the_model_knows_the_way_of_an_invocation() -> None:
    """So that the properties above do not hold for want of legal requests."""
    model = Model()
    way = [Ask("GET", "/invocation/next"), Ask("POST", "/invocation/own/response"), Ask("GET", "/invocation/next")]

    assert [model.status(ask)[0] for ask in way] == [200, 202, 200]
    assert f"{BASE}/invocation/{OTHER_ID}/error".encode() in Ask("POST", "/invocation/own/error").encoded(OTHER_ID)
