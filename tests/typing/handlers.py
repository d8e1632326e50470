"""Handlers as their authors type them: mypy, in its strict mode, finds nothing in them but what is marked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from lambda_runtime.body import Body, Chunk, Write
from lambda_runtime.context import Context
from lambda_runtime.response import Response


def words() -> Iterator[str]:
    yield "Once"


async def bytes_later() -> AsyncIterator[bytes]:
    yield b"Once"


async def body(write: Write) -> None:
    chunk: Chunk = "Once"
    await write(chunk)


async def background() -> None:
    await asyncio.sleep(0)


def streaming(event: dict[str, Any], context: Context) -> Response:
    left: int = context.get_remaining_time_in_millis()
    name: str | None = context.function_name
    return Response(words(), 201, headers={"x-left": f"{left} {name}"}, cookies=["a=1"], background=background)


async def asynchronous(event: dict[str, Any], context: Context) -> Response:
    return Response(bytes_later(), background=tidy)


def tidy() -> int:
    return 1


def bodies() -> list[Body]:
    return ["text", b"bytes", memoryview(b"view"), ["text", b"bytes"], words(), bytes_later(), body]


def misused() -> None:
    Response(5)  # type: ignore[arg-type]
    Response(headers={"x-left": 5})  # type: ignore[dict-item]
    Response(background=asyncio.sleep(0))  # type: ignore[arg-type]
