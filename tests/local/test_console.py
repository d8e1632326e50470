"""Lines on standard output."""

from __future__ import annotations

import asyncio
import io
import sys

import pytest

from local.console import Console

pytestmark = pytest.mark.anyio


class Recorder:
    """In the place of standard output."""

    def __init__(self, *, broken: bool = False) -> None:
        self.writes: list[str] = []
        self.written = asyncio.Event()
        self._broken = broken

    def write(self, text: str) -> None:
        self.writes.append(text)
        self.written.set()

    def flush(self) -> None:
        if self._broken:
            raise BrokenPipeError

    def fileno(self) -> int:
        raise io.UnsupportedOperation


async def test_lines_of_a_moment_are_written_together_and_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", out := Recorder())
    console = Console()
    async with asyncio.timeout(5):
        for word in ("one", "two"):
            console.write(word)
        assert out.writes == []
        await out.written.wait()
        console.write("three")
        console.flush()

    assert out.writes == ["one\ntwo\n", "three\n"]


async def test_a_reader_who_has_left_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Recorder(broken=True))
    console = Console()

    console.write("to nobody")
    console.flush()
