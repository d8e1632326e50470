"""A worker that sends what bytes it likes to the Runtime API of a fake environment, over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from local.invocation import Invocation
from local.runtime_server.listener import RuntimeListener
from tests.local.fakes.environment import FakeEnvironment, a_function

BASE = "/2018-06-01/runtime"
NEXT = f"GET {BASE}/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def post(path: str, body: bytes = b"", *headers: str, framing: str | None = None) -> bytes:
    """A POST below the API's root, with Content-Length unless *framing* says otherwise."""
    lines = [f"POST {BASE}{path} HTTP/1.1", "Host: x", *headers, framing or f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(path: str, *chunks: bytes, headers: tuple[str, ...] = (), trailers: tuple[str, ...] = ()) -> bytes:
    """A POST in chunks, with trailers after the last one."""
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    end = "".join(f"{line}\r\n" for line in ("0", *trailers, "")).encode()
    return post(path, body + end, *headers, framing="Transfer-Encoding: chunked")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the Runtime API said."""

    status: int
    body: bytes
    headers: dict[str, str] = field(compare=False)


ACCEPTED = Answer(202, b'{"status":"OK"}\n', {})


class RawWorker:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, listener: RuntimeListener) -> RawWorker:
        host, _, port = listener.address.rpartition(":")
        return cls(*await asyncio.open_connection(host, int(port)))

    async def ask(self, request: bytes) -> Answer:
        self.writer.write(request)
        return await self.answer()

    async def answer(self) -> Answer:
        status_line, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return Answer(int(status_line.split()[1]), body, headers)

    async def sees_the_end(self) -> bool:
        """Whether the connection ends, cleanly or not, with nothing more in it."""
        try:
            return await self.reader.read() == b""
        except ConnectionError:
            return True

    def close(self) -> None:
        self.writer.transport.abort()


class Bench:
    """A Runtime API that listens, the environment behind it, and as many connections as are asked for."""

    def __init__(self, listener: RuntimeListener, environment: FakeEnvironment) -> None:
        self.listener = listener
        self.environment = environment
        self._workers: list[RawWorker] = []

    async def connect(self) -> RawWorker:
        self._workers.append(await RawWorker.connect(self.listener))
        return self._workers[-1]

    async def working(self, *, streamed: bool = True, event: bytes = b'{"a":1}') -> tuple[RawWorker, Invocation]:
        """A connection whose worker has just got an event."""
        worker = await self.connect()
        invocation = self.environment.offer(Invocation(a_function(), event, streamed=streamed))
        assert (await worker.ask(NEXT)).status == 200
        return worker, invocation

    def close(self) -> None:
        self.listener.close()
        for worker in self._workers:
            worker.close()


async def until(condition: Callable[[], object]) -> None:
    """Let the loop turn until *condition* holds. Raises `TimeoutError` when it has not in 20 seconds."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)


@asynccontextmanager
async def runtime_bench(deadline_seconds: float = 10) -> AsyncIterator[Bench]:
    """All of it for one test, which must be through with it before the deadline."""
    environment = FakeEnvironment()
    async with asyncio.timeout(deadline_seconds):
        bench = Bench(await RuntimeListener.open(environment), environment)  # type: ignore[arg-type]
        try:
            yield bench
        finally:
            bench.close()
