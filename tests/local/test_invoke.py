"""`python -m local invoke`: one event, its reply printed as it comes, and whether the function succeeded."""

from __future__ import annotations

import asyncio
import io
import sys
from pathlib import Path

import pytest

from local.config import Stack
from local.errors import EmulatorError
from local.invocation import HIGH_WATER_BYTES, Failure, Invocation
from local.invoke import invoke, read_event
from local.wire.prelude import CONTENT_TYPE
from tests.local.fakes.environment import a_function
from tests.local.fakes.viewer import Script, ScriptedDispatcher

pytestmark = pytest.mark.anyio

STACK = Stack("stack", "eu-west-1", "123456789012", (a_function(), a_function(logical_id="Other", name="other")))
FAILURE = Failure("Function.Bad", b'{"errorMessage":"bad"}')


async def run(script: Script | None, name: str = "Worker") -> tuple[bool, list[bytes]]:
    """Whether the function that follows *script* succeeded, and what was written."""
    written: list[bytes] = []
    async with asyncio.timeout(10):
        dispatcher = ScriptedDispatcher(script)
        succeeded = await invoke(STACK, dispatcher, name, b"{}", write=written.append)  # type: ignore[arg-type]
        assert all(invocation.completed.is_set() for invocation in dispatcher.invocations)
    return succeeded, written


def replying(content_type: str, *pieces: bytes, failure: Failure | None = None) -> Script:
    async def script(invocation: Invocation) -> None:
        invocation.begin_reply(content_type)
        for piece in pieces:
            invocation.reply.write(piece)
            await asyncio.sleep(0)
        invocation.end_reply(failure)

    return script


@pytest.mark.parametrize("name", ["Worker", "test-worker", a_function().arn])
async def test_a_document_is_written_as_it_is(name: str) -> None:
    assert await run(replying("application/json", b'{"statusCode":200}'), name) == (True, [b'{"statusCode":200}'])


async def test_a_streamed_reply_is_written_chunk_by_chunk_its_head_to_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    prelude = '{"statusCode":201,"headers":{"x-place":"Zürich"}}'.encode() + bytes(8)

    succeeded, written = await run(replying(CONTENT_TYPE, prelude[:9], prelude[9:] + b"one", b"two"))

    assert (succeeded, b"".join(written)) == (True, b"onetwo")
    assert capsys.readouterr().err == "HTTP 201\nx-place: Zürich\n"


async def failing(invocation: Invocation) -> None:
    invocation.end_reply(FAILURE)


@pytest.mark.parametrize(
    ("script", "before"), [(failing, b""), (replying("text/plain", b"some", failure=FAILURE), b"some")]
)
async def test_a_failed_function_is_told_with_its_error_document(script: Script, before: bytes) -> None:
    """Also behind the part of a reply that had been written."""
    succeeded, written = await run(script)

    assert (succeeded, b"".join(written)) == (False, before + b'{"errorMessage":"bad"}\n')


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (b"[]" + bytes(8), "the prelude is a JSON list, not an object"),
        (b"{}", "the reply ended after 2 bytes without a prelude delimiter (8 NUL bytes)"),
    ],
)
async def test_a_prelude_that_makes_no_sense_is_one_sentence(
    reply: bytes, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run(replying(CONTENT_TYPE, reply)) == (False, [])
    assert capsys.readouterr().err == f"local: {sentence}\n"


async def test_a_function_whose_prelude_made_no_sense_is_not_blocked_by_its_reply() -> None:
    """Nobody reads it any more, and the command waits for the function's end."""

    async def script(invocation: Invocation) -> None:
        invocation.begin_reply(CONTENT_TYPE)
        invocation.reply.write(b"[]" + bytes(8) + b"x" * HIGH_WATER_BYTES)
        while invocation.reply.full:  # noqa: ASYNC110 - as a paused socket would
            await asyncio.sleep(0)
        invocation.end_reply()

    assert await run(script) == (False, [])


async def test_what_the_user_can_mend_is_one_sentence() -> None:
    with pytest.raises(EmulatorError, match="^The template has no function Nowhere; it has Worker, Other.$"):
        await run(None, "Nowhere")
    with pytest.raises(EmulatorError, match="^The invocation was throttled: no room.$"):
        await run(None)


async def test_an_interrupt_does_not_wait_for_the_function() -> None:
    async def script(invocation: Invocation) -> None:
        invocation.begin_reply("text/plain")
        invocation.reply.write(b"one")
        await asyncio.Event().wait()

    written = asyncio.Queue[bytes]()
    async with asyncio.timeout(10):
        dispatcher = ScriptedDispatcher(script)
        command = asyncio.create_task(
            invoke(STACK, dispatcher, "Worker", b"{}", write=written.put_nowait)  # type: ignore[arg-type]
        )
        assert await written.get() == b"one"
        command.cancel()
        await asyncio.wait([command])
        assert command.cancelled()
        dispatcher.running[0].cancel()


def test_an_event_comes_from_a_file_or_from_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "event.json").write_bytes(b' {"a": 1}\n')
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"[1]")))

    assert read_event(str(tmp_path / "event.json")) == b' {"a": 1}\n'
    assert read_event("-") == b"[1]"


def test_an_event_on_standard_input_that_is_none_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))

    with pytest.raises(EmulatorError, match=r"^The event on standard input is not JSON: "):
        read_event("-")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, None])
def test_an_event_that_cannot_be_read_is_one_sentence(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "event.json"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(EmulatorError) as error:
        read_event(str(path))

    problem = "cannot be read: No such file or directory." if content is None else "is not JSON: "
    assert str(error.value).startswith(f"The event {path} {problem}")
    assert "\n" not in str(error.value)
