"""A web server for the page whose event stream the test writes itself, event by event.

It stands where the edge stands: the files of functions/site/page under a content security policy as strict as the
template's, a catalogue at `/api/stories`, and `/api/sse`. A request for the stream is handed to the test as a
`Stream` and stays open until the test, or the page, ends it: nothing here happens by itself, so no test has to wait
for a moment. There is no `/api/poll`: who polls meets the real one in test_local_cloud.py.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from urllib.parse import urlsplit

PAGE = Path(__file__).parents[2] / "functions" / "site" / "page"
CONTENT_SECURITY_POLICY = "default-src 'self'"
CATALOGUE = {
    "default": "lighthouse",
    "stories": [
        {"slug": "lighthouse", "title": "The Lighthouse", "lang": "en", "dir": "ltr"},
        {"slug": "moon", "title": "הילדה והירח", "lang": "he", "dir": "rtl"},
    ],
}
CONTENT_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
DEADLINE_SECONDS = 10.0


class Stream:
    """One `GET /api/sse`, answered by the test."""

    def __init__(self, request: BaseHTTPRequestHandler) -> None:
        self.query = urlsplit(request.path).query
        self.last_event_id = request.headers["Last-Event-ID"]
        self.over = threading.Event()
        self._socket = request.connection

    def open(self, *, content_type: str = "text/event-stream", environment: str = "warm") -> None:
        """Answer 200 and keep the body open."""
        self._write(
            f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncache-control: no-cache, no-transform\r\n"
            f"x-environment: {environment}\r\ntransfer-encoding: chunked\r\n\r\n".encode()
        )

    def refuse(self, status: int, *, detail: str | None = None) -> None:
        """Answer with a status that ends it, and with a problem document if there is a *detail*."""
        body = b"" if detail is None else json.dumps({"detail": detail}).encode()
        kind = "text/plain" if detail is None else "application/problem+json"
        head = (
            f"HTTP/1.1 {status} No\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self._write(head.encode() + body)
        self.over.set()

    def begin_to_refuse(self, status: int) -> None:
        """Announce a problem document that does not come."""
        head = f"HTTP/1.1 {status} No\r\ncontent-type: application/problem+json\r\ncontent-length: 100\r\n\r\n"
        self._write(head.encode())

    def send(self, text: str) -> None:
        """One chunk of the body, as it is."""
        chunk = text.encode()
        self._write(b"%x\r\n%b\r\n" % (len(chunk), chunk))

    def word(self, event_id: int, word: str) -> None:
        """One word, as the story function writes it."""
        self.send(f"id: {event_id}\ndata: {word}\n\n")

    def end_of_stream(self, event_id: int) -> None:
        """The last event of a story. The body stays open: it is for the page to close."""
        self.send(f"id: {event_id}\nevent: end-of-stream\ndata: Stream ended\n\n")

    def finish(self) -> None:
        """End the body cleanly."""
        self._write(b"0\r\n\r\n")
        self.over.set()

    def cut(self) -> None:
        """Break the connection off in mid-body, as a worker that dies does."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.over.set()

    def wait_closed(self) -> None:
        """Return once the page has closed the connection; raises `TimeoutError` if it does not."""
        self._socket.settimeout(DEADLINE_SECONDS)
        try:
            rest = self._socket.recv(1)
        except ConnectionResetError:
            rest = b""
        assert rest == b"", "the page sends nothing after its request"
        self.over.set()

    def _write(self, data: bytes) -> None:
        self._socket.sendall(data)


class FakeSite(ThreadingHTTPServer):
    """The server. *missing* are the paths it was asked for and does not have; *has_api* says if it has a catalogue."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.missing: list[str] = []
        self.has_api = True
        self.asked: Queue[Stream] = Queue()
        self.streams: list[Stream] = []

    def stream(self) -> Stream:
        """The next request for the stream, once it is there; it waits to be opened. Raises `queue.Empty`."""
        return self.asked.get(timeout=DEADLINE_SECONDS)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeSite

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/api/sse":
            self._hand_over()
        elif path == "/api/stories" and self.server.has_api:
            self._send(200, json.dumps(CATALOGUE).encode(), "application/json")
        else:
            self._send_file(path.lstrip("/") or "index.html")

    def _hand_over(self) -> None:
        self.close_connection = True
        stream = Stream(self)
        self.server.streams.append(stream)
        self.server.asked.put(stream)
        stream.over.wait()

    def _send_file(self, name: str) -> None:
        file = PAGE / name
        body = file.read_bytes() if file.is_file() else b""
        if not body:
            self.server.missing.append(name)
        self._send(200 if body else 404, body, CONTENT_TYPES.get(file.suffix, "text/plain"))

    def _send(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.send_header("content-security-policy", CONTENT_SECURITY_POLICY)
        self.send_header("x-content-type-options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """The test's output stays its own."""


@contextmanager
def serving() -> Iterator[FakeSite]:
    """A `FakeSite` on a free port; every stream that is still open ends with it."""
    with FakeSite() as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield site
        finally:
            site.shutdown()
            for stream in site.streams:
                stream.over.set()
            thread.join()
