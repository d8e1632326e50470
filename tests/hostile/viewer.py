"""A viewer that sends what bytes it likes, and takes nothing for an answer that is not HTTP to the letter."""

from __future__ import annotations

import json
import re
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

DEADLINE_SECONDS = 20
_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) [ -~]*\r\n")
_HEADER_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ?([\t\x20-\x7e\x80-\xff]*)\r\n")


@dataclass(slots=True)
class Answer:
    """One response; header names in lower case."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""
    whole: bool = True

    def header(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.headers if key == name]

    @property
    def told(self) -> dict[str, object]:
        """What the echo function said; fails when it was not that function that answered."""
        document = json.loads(self.body)
        assert isinstance(document, dict)
        return document

    @property
    def event(self) -> dict[str, object]:
        event = self.told["event"]
        assert isinstance(event, dict)
        return event


@dataclass(frozen=True, slots=True)
class Door:
    """One way into the emulator, and a target behind it that reaches a function."""

    name: str
    port: int
    host: str
    target: str
    function: str  # the name it says it has
    strangers: tuple[str, ...] = field(default=())  # what must never be seen through this door

    def head(self, method: str = "POST", target: str | None = None, *lines: bytes) -> bytes:
        """A request's head with *lines* as they are, without its empty line."""
        request_line = f"{method} {self.target if target is None else target} HTTP/1.1\r\nHost: {self.host}\r\n"
        return request_line.encode("latin-1") + b"".join(line + b"\r\n" for line in lines)

    def get(self, target: str | None = None, *lines: bytes) -> bytes:
        return self.head("GET", target, *lines) + b"\r\n"


class Viewer:
    """One connection through a *door*."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.socket = socket.create_connection(("127.0.0.1", door.port), timeout=DEADLINE_SECONDS)
        self._file = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        """All of *data*, or as much as a server takes that answers before it has read everything."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def ask(self, data: bytes, *, head_only: bool = False) -> Answer:
        self.send(data)
        return self.answer(head_only=head_only)

    def answer(self, *, head_only: bool = False) -> Answer:
        """The next response that is none of 1xx."""
        status_line = self._line()
        match = _STATUS_LINE.fullmatch(status_line)
        assert match, f"no status line: {status_line!r}"
        answer = Answer(int(match[1]), list(self._headers()))
        if answer.status < 200:
            return self.answer(head_only=head_only)
        if not head_only and answer.status not in (204, 304):
            self._read_body(answer)
        for stranger in self.door.strangers:
            assert stranger.encode() not in answer.body + repr(answer.headers).encode()
        return answer

    def rest(self) -> bytes:
        """All that still comes until the connection ends, cleanly or not."""
        try:
            return self._file.read()
        except ConnectionResetError:
            return b""

    def is_closed(self) -> bool:
        """Whether the connection ends, and nothing more is in it."""
        return self.rest() == b""

    def reset(self) -> None:
        """End the connection as a machine does that has lost it."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def _line(self) -> bytes:
        return self._file.readline(256 * 1024)

    def _headers(self) -> Iterator[tuple[bytes, bytes]]:
        while (line := self._line()) != b"\r\n":
            match = _HEADER_LINE.fullmatch(line)
            assert match, f"no header: {line!r}"
            yield match[1].lower(), match[2].strip()

    def _read_body(self, answer: Answer) -> None:
        lengths, codings = answer.header(b"content-length"), answer.header(b"transfer-encoding")
        assert not (lengths and codings), "two framings"
        if lengths:
            assert len(lengths) == 1
            answer.body = self._file.read(int(lengths[0]))
            answer.whole = len(answer.body) == int(lengths[0])
        elif codings:
            assert codings == [b"chunked"]
            answer.whole = self._read_chunks(answer)
        else:
            answer.body = self._file.read()

    def _read_chunks(self, answer: Answer) -> bool:
        while size_line := self._line():
            assert re.fullmatch(rb"[0-9a-fA-F]+\r\n", size_line), f"no chunk size: {size_line!r}"
            size = int(size_line, 16)
            data = self._file.read(size)
            answer.body += data
            end = self._file.read(2)
            if len(data) < size or not end:
                return False
            assert end == b"\r\n"
            if not size:
                return True
        return False


@contextmanager
def viewer(door: Door) -> Iterator[Viewer]:
    """A connection for as long as the block runs."""
    one = Viewer(door)
    try:
        yield one
    finally:
        one.close()


def ask(door: Door, data: bytes, *, head_only: bool = False) -> Answer:
    """The answer to *data* on a connection of its own."""
    with viewer(door) as one:
        return one.ask(data, head_only=head_only)
