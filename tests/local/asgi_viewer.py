"""A viewer without a socket: drives an ASGI app as a server would and keeps what it sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

from local.asgi import ASGIApp, Message, Scope
from local.wire.headers import Header

DEADLINE_SECONDS = 10


@dataclass(slots=True)
class Answer:
    """What the viewer got: `whole` is False for a body that was cut off."""

    status: int = 0
    headers: list[Header] = field(default_factory=list)
    chunks: list[bytes] = field(default_factory=list)
    whole: bool = False

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    def header(self, name: str) -> str | None:
        """All values of a header joined by a comma, None without one."""
        values = [value.decode() for key, value in self.headers if key == name.encode()]
        return ",".join(values) if values else None

    def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            assert self.status == 0, "a response starts once"
            self.status, self.headers = message["status"], list(message["headers"])
            return
        assert self.status != 0, "a body comes after a start"
        assert not self.whole, "nothing comes after the end"
        if message.get("body"):
            self.chunks.append(message["body"])
        self.whole = not message.get("more_body", False)


def http_scope(method: str, target: str, headers: Iterable[Header] = ()) -> Scope:
    """The scope that a server makes of such a request line and headers."""
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"localhost:8080"), *headers],
        "client": ("192.0.2.7", 50000),
        "server": ("127.0.0.1", 8080),
    }


async def ask(
    app: ASGIApp, method: str, target: str, *, headers: Iterable[Header] = (), body: bytes | None = None
) -> Answer:
    """One request and its answer; the viewer reads at once whatever is sent, and stays until the end."""
    answer = Answer()
    parts: list[Message] = [{"type": "http.request", "body": body or b"", "more_body": False}]
    left = asyncio.Event()

    async def receive() -> Message:
        if parts:
            return parts.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answer.take(message)

    length = [] if body is None else [(b"content-length", str(len(body)).encode())]
    async with asyncio.timeout(DEADLINE_SECONDS):
        await app(http_scope(method, target, [*headers, *length]), receive, send)
    return answer
