"""One handler with every kind of reply; its event names the kind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator


def handler(event: str, context: object) -> object:
    return globals()[event]()


def text_body() -> object:
    from lambda_runtime.response import Response

    return Response("grüß dich", 201, headers={"content-type": "text/plain", "x-a": "1"}, cookies=["a=1", "b=2"])


def bytes_body() -> object:
    from lambda_runtime.response import Response

    return Response(b"\0\xff", headers={"content-type": "image/png"})


def empty_body() -> object:
    from lambda_runtime.response import Response

    return Response(status_code=204, headers={"x-a": "1"})


def iterated_body() -> object:
    from lambda_runtime.response import Response

    return Response(iter(["one", b"two", "", "three"]))


def async_body() -> object:
    from lambda_runtime.response import Response

    async def body() -> AsyncIterator[str]:
        yield "one"
        await asyncio.sleep(0)
        yield "two"

    return Response(body())


def large_body() -> object:
    from lambda_runtime.response import Response

    return Response(bytes([number]) * 100_000 for number in range(10))


def body_that_fails_at_once() -> object:
    from lambda_runtime.response import Response

    def body() -> Iterator[str]:
        raise ValueError("at once")
        yield ""

    return Response(body())


def body_that_fails_in_the_middle() -> object:
    from lambda_runtime.response import Response

    def body() -> Iterator[str]:
        yield "one"
        raise ValueError("in the\nmiddle")

    return Response(body())


def generator() -> Iterator[bytes]:
    yield b"raw"
    yield b" bytes"


async def async_generator() -> AsyncIterator[bytes]:
    yield b"raw"
    yield b" bytes"


def document() -> object:
    return {"statusCode": 200, "body": "grüß dich", "number": 1.5, "none": None}


def raw_bytes() -> object:
    return b"\0\xff"


def large_document() -> object:
    return "x" * 300_000


def failure() -> object:
    raise ValueError("as asked")


def unencodable() -> object:
    return object()


def stuck_stream() -> Iterator[str]:
    yield "one"
    time.sleep(30)
