"""Requests from bytes, in whatever pieces these come: a head, a body, trailers, and the next request when it is time.

What hop this is: part of `http1.connection` and of `runtime_server`.

What the standard says: https://www.rfc-editor.org/rfc/rfc9112. llhttp, Node's parser in C, knows the grammar and is
strict about it; what it leaves to its caller (one `Host`, a limit to the head, a transfer coding that is understood) is
here.

What differs here, on purpose:
1. a request to upgrade is an ordinary request, as a server may have it (RFC 9110, 7.8). llhttp takes what follows its
   head for another protocol, so the body of such a request is read by a parser that was told no more than its framing;
2. header fields are limited together, not one by one, and in bytes as they come: a head may exceed the limit by what
   one read of the socket brings.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn, Protocol

import httptools

from local.wire.headers import Header

MAX_HEAD_BYTES = 1024 * 1024 + 64 * 1024  # Lambda's clients send headers of up to 1 MiB
_FRAMING = (b"content-length", b"transfer-encoding")
_HTTP_2 = "Pause on PRI/Upgrade"  # llhttp, of the preface in https://www.rfc-editor.org/rfc/rfc9113#section-3.4
_TLS = b"\x16\x03"  # how a handshake begins: https://www.rfc-editor.org/rfc/rfc8446#section-5.1
_CODINGS = (
    b"chunked",
    b"compress",
    b"deflate",
    b"gzip",
    b"x-compress",
    b"x-gzip",
)  # https://www.iana.org/assignments/http-parameters


class RequestHead(NamedTuple):
    """What comes before the body: *target* as it was sent, header names in lower case."""

    method: str
    target: bytes
    headers: list[Header]
    http_version: str
    keep_alive: bool
    expects_continue: bool  # the body comes after an interim answer


class BadRequestError(Exception):
    """What came is no request that can be answered with anything but *status*."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Receiver(Protocol):
    """Who is told of requests, of one after the other."""

    def request_begun(self, head: RequestHead) -> None: ...
    def body_came(self, data: bytes) -> None: ...
    def request_ended(self, trailers: list[Header]) -> None: ...
    def request_broken(self, error: BadRequestError) -> None: ...


class RequestReader:
    """Tells *receiver* of each request; of the one after it once `go_on` is called.

    All of a body that one `feed` brings is one piece, whatever chunks it came in.
    """

    def __init__(self, receiver: Receiver) -> None:
        self.in_request = False  # the first byte of one has come, and its last has not
        self.in_head = False
        self._receiver = receiver
        self._parser = self._new_parser()
        self._calls: deque[tuple[Callable[[Any], None], Any]] = deque()  # what the receiver has not been told yet
        self._answered = True
        self._telling = False
        self._target = b""
        self._headers: list[Header] = []
        self._pieces: list[bytes] = []
        self._head_bytes = 0  # since something else than a header field has come
        self._error: BadRequestError | None = None
        self._upgrading = False
        self._primed = False  # the parser is being told what its head was

    @property
    def backlog(self) -> bool:
        """Whether something has come that must wait for the answer to what came before."""
        return bool(self._calls)

    def feed(self, data: bytes) -> None:
        """Take what the socket has brought; after a broken request nothing counts any more."""
        if self._error:
            return
        self._head_bytes += len(data)
        try:
            self._parse(data)
        except httptools.HttpParserError as refusal:
            self._error = self._error or _in_words(refusal, data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._error = BadRequestError(431, f"header fields have at most {MAX_HEAD_BYTES} bytes")
        self._end_piece()
        if self._error:
            self._calls.append((self._receiver.request_broken, self._error))
        self._tell()

    def end(self) -> None:
        """Nothing more will come; a request that is not whole is broken."""
        if self.in_request and not self._error:
            self._error = BadRequestError(400, "the connection ended in the middle of a request")
            self._calls.append((self._receiver.request_broken, self._error))
            self._tell()

    def go_on(self) -> None:
        """The request is answered: tell of the one after it, which may have come already."""
        self._answered = True
        self._tell()

    def _tell(self) -> None:
        if self._telling:  # a receiver that answers at once is in the middle of being told
            return
        self._telling = True
        try:
            while self._calls and self._answered:
                call, told = self._calls.popleft()
                call(told)
        finally:
            self._telling = False

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._parser, self._upgrading, self._primed = self._new_parser(), False, True
            framing = [b"%b: %b\r\n" % field for field in self._headers if field[0] in _FRAMING]
            self._headers = []
            self._parser.feed_data(b"".join([b"POST / HTTP/1.1\r\n", *framing, b"\r\n"]))
            self._parse(data[upgrade.args[0] :])

    def _new_parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)  # whether to read on is not the parser's to say
        return parser

    def _end_piece(self) -> None:
        if self._pieces:
            self._calls.append((self._receiver.body_came, b"".join(self._pieces)))
            self._pieces = []

    # Called by the parser

    def on_message_begin(self) -> None:
        if not self._primed:
            self._target, self._headers = b"", []
            self.in_request = self.in_head = True

    def on_url(self, url: bytes) -> None:
        if not self._primed:
            self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._primed:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self._primed:
            self._primed = False
            return
        self._upgrading = self._parser.should_upgrade()
        head = self._head()
        self.in_head, self._head_bytes = False, 0
        if not self._upgrading:
            self._headers = []  # of the trailers, from now on
        self._calls.append((self._receiver.request_begun, head))

    def on_body(self, data: bytes) -> None:
        self._head_bytes = 0
        self._pieces.append(data)

    def on_message_complete(self) -> None:
        if self._upgrading:
            return
        self._end_piece()
        self.in_request, self._head_bytes = False, 0
        trailers, self._headers = self._headers, []
        self._calls.append((self._end, trailers))

    def _end(self, trailers: list[Header]) -> None:
        self._answered = False
        self._receiver.request_ended(trailers)

    def _head(self) -> RequestHead:
        """The head that has come. Raises, through the parser, what is wrong with it."""
        version, names = self._parser.get_http_version(), [name for name, _ in self._headers]
        if version not in ("1.0", "1.1"):
            self._refuse(505, f"HTTP/{version} is not spoken here")
        hosts = names.count(b"host")
        if hosts > 1 or (version == "1.1" and not hosts):
            self._refuse(400, "a request has one Host header")
        if b"transfer-encoding" in names:
            if version == "1.0":
                self._refuse(400, "HTTP/1.0 has no Transfer-Encoding")
            codings = b",".join(value.lower() for name, value in self._headers if name == b"transfer-encoding")
            if codings != b"chunked":
                known = all(coding.strip() in _CODINGS for coding in codings.split(b","))
                self._refuse(501 if known else 400, "the only Transfer-Encoding is chunked")
        return RequestHead(
            method=self._parser.get_method().decode(),
            target=self._target,
            headers=self._headers,
            http_version=version,
            keep_alive=version == "1.1" and self._parser.should_keep_alive(),
            expects_continue=b"expect" in names and (b"expect", b"100-continue") in _lowered(self._headers),
        )

    def _refuse(self, status: int, reason: str) -> NoReturn:
        self._error = BadRequestError(status, reason)
        raise self._error


def _in_words(refusal: httptools.HttpParserError, data: bytes) -> BadRequestError:
    """What the parser has refused; it has no words of its own for who speaks another protocol."""
    if str(refusal) == _HTTP_2:
        return BadRequestError(505, "HTTP/2 is not spoken here, ask in HTTP/1.1")
    if data.startswith(_TLS):
        return BadRequestError(400, "TLS is not spoken here, ask http:// instead of https://")
    return BadRequestError(400, str(refusal))


def _lowered(headers: list[Header]) -> list[Header]:
    return [(name, value.lower()) for name, value in headers]
