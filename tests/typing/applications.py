"""ASGI applications of frameworks that type the protocol each in its own way: `Streaming` takes them all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Literal, TypedDict

from lambda_asgi.streaming import Streaming
from lambda_runtime.response import Response


class RequestMessage(TypedDict):
    type: Literal["http.request"]
    body: bytes


class BodyMessage(TypedDict):
    type: Literal["http.response.body"]
    body: bytes


class HttpScope(TypedDict):
    type: Literal["http"]
    path: str


async def mappings(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    """As Starlette and FastAPI have it."""


async def dicts(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[Mapping[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """As Falcon has it."""


class TypedDicts:
    """As Litestar and Quart have it."""

    async def __call__(
        self,
        scope: HttpScope,
        receive: Callable[[], Awaitable[RequestMessage]],
        send: Callable[[BodyMessage], Awaitable[None]],
    ) -> None:
        pass


async def handled() -> Response:
    for handler in [Streaming(mappings), Streaming(dicts, "off"), Streaming(TypedDicts(), root_path="/api")]:
        await handler.startup()
    return await handler({}, None)


def misused() -> None:
    Streaming(mappings, "never")  # type: ignore[arg-type]
    Streaming(handled)  # type: ignore[arg-type]
