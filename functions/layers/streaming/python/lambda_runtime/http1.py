"""HTTP/1.1 as the Runtime API needs it: a blocking socket, requests out, answers in.

What this is: `client -> [http1] -> Runtime API`.

What the real service does: it answers on loopback with a Content-Length or chunked
(https://www.rfc-editor.org/rfc/rfc9112). The standard library's `http.client` does the same work, but importing it
costs 20 ms of every cold start.
"""

from __future__ import annotations

import _socket  # not `socket`, which wraps the same class: 2 ms of every cold start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    Headers = Mapping[str, str]  # of an answer, names in lower case
    Fields = Mapping[bytes, bytes]  # to be sent

_RECEIVE_BYTES = 64 * 1024


class ConnectionLostError(ConnectionError):
    """The other side closed the connection, or sent what is not HTTP, in the middle of an exchange."""


class Connection:
    """One connection to `host:port`; *address* as `AWS_LAMBDA_RUNTIME_API` gives it."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.socket = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        try:
            # A chunk leaves when it is sent, not when the last one was acknowledged.
            self.socket.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
            self.socket.connect((host, int(port)))
        except ValueError:
            self.socket.close()
            raise ConnectionLostError(f"{address!r} is not host:port") from None
        except BaseException:
            self.socket.close()
            raise
        self._received = b""
        self.reusable = True  # for another request

    def send(self, data: bytes) -> None:
        """Send all of *data*; waits while the receiver is slow, which is the handler's backpressure."""
        self.socket.sendall(data)

    def exchange(self, data: bytes) -> tuple[int, Headers, bytes]:
        """Send *data*, the end of a request, and read the answer; raises as `read_answer` does."""
        try:
            self.send(data)
        except ConnectionError:
            # What is refused, with a 413 say, need not be taken whole: the answer is here already.
            self.reusable = False
        return self.read_answer()

    def last_words(self) -> str:
        """The answer of a Runtime API that has hung up in the middle of a request; empty where it gave none."""
        try:
            status, _, body = self.read_answer()
        except OSError:
            return ""
        return f"{status} {body.decode(errors='replace').strip()}"

    def read_answer(self) -> tuple[int, Headers, bytes]:
        """Status, headers and body of the next answer; waits for it without a limit.

        Raises `ConnectionLostError` when the connection ends before the answer does.
        """
        status_line, *lines = self._read_until(b"\r\n\r\n").decode(errors="replace").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("connection", "").lower() == "close":
            self.reusable = False
        try:
            status = int(status_line.split(" ", 2)[1])
            if headers.get("transfer-encoding", "").lower() == "chunked":
                body = self._read_chunks()
            else:
                body = self._read_exactly(int(headers.get("content-length", 0)))
        except (IndexError, ValueError):
            raise ConnectionLostError(f"not an HTTP answer: {status_line!r}") from None
        return status, headers, body

    def close(self) -> None:
        self.socket.close()

    def hang_up(self) -> None:
        """Close the connection for both sides, which wakes a thread that waits in `send`."""
        try:  # noqa: SIM105 - importing contextlib costs 2 ms of every cold start
            self.socket.shutdown(_socket.SHUT_RDWR)
        except OSError:
            pass  # the other side was first

    def _read_chunks(self) -> bytes:
        chunks = []
        while size := int(self._read_until(b"\r\n").split(b";")[0], 16):
            chunks.append(self._read_exactly(size))
            self._read_exactly(2)
        while self._read_until(b"\r\n"):
            pass  # trailers: the Runtime API sends none that matter
        return b"".join(chunks)

    def _read_until(self, mark: bytes) -> bytes:
        while mark not in self._received:
            self._receive()
        head, _, self._received = self._received.partition(mark)
        return head

    def _read_exactly(self, size: int) -> bytes:
        pieces, missing = [self._received], size - len(self._received)
        while missing > 0:
            pieces.append(self._receive_piece())
            missing -= len(pieces[-1])
        everything = b"".join(pieces)
        self._received = everything[size:]
        return everything[:size]

    def _receive(self) -> None:
        self._received += self._receive_piece()

    def _receive_piece(self) -> bytes:
        piece = self.socket.recv(_RECEIVE_BYTES)
        if not piece:
            raise ConnectionLostError("the Runtime API closed the connection")
        return piece


def request(method: str, target: str, head: bytes, body: bytes = b"") -> bytes:
    """The bytes of a request whose *head* is what `field_lines` made."""
    return b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method.encode(), target.encode(), head, body)


def field_lines(fields: Fields) -> bytes:
    """The lines of a head or of trailers; an empty value is not sent."""
    return b"".join([b"%b: %b\r\n" % field for field in fields.items() if field[1]])


def chunk(data: bytes) -> bytes:
    """*data* as one chunk of a chunked body; nothing for no data, since a chunk of length 0 would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def last_chunk(trailers: Fields) -> bytes:
    """The end of a chunked body, with its trailers."""
    return b"0\r\n%b\r\n" % field_lines(trailers)
