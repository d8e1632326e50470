"""Small proxies that stand before the local edge and spoil a stream, each in the way of a real hop.

What this is: `detector -> [proxies] -> edge`: proof that the detector and the parity report see what they are for.

What real hops do: a proxy collects the whole response (nginx unless told otherwise:
https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering), a compressor waits for a full block, a
relay writes in portions.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from tests.edge.address import Address

PORTION = 4
GZIP = 31  # zlib's name for the gzip format with the largest window
_HOP_BY_HOP = frozenset(("connection", "keep-alive", "transfer-encoding"))

Relay = Callable[[Iterable[bytes]], Iterator[bytes]]


def passing(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Does no harm."""
    yield from chunks


def collecting(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Sends nothing before it has everything."""
    yield b"".join(chunks)


def portioning(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Sends four chunks at a time."""
    held: list[bytes] = []
    for chunk in chunks:
        held.append(chunk)
        if len(held) == PORTION:
            yield b"".join(held)
            held.clear()
    yield b"".join(held)


def compressing(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Sends what a gzip compressor lets go of, which is nothing until its block is full."""
    compressor = zlib.compressobj(wbits=GZIP)
    for chunk in chunks:
        yield compressor.compress(chunk)
    yield compressor.flush()


HOPS: tuple[Relay, ...] = (passing, collecting, portioning, compressing)


@contextmanager
def proxy(upstream: Address, relay: Relay) -> Iterator[Address]:
    """A proxy on a free port of the loopback interface; event streams go through *relay*, the rest as it is."""
    with _Server(upstream, relay) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield Address("http", "127.0.0.1", server.server_port)
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    def __init__(self, upstream: Address, relay: Relay) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.relay = relay


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def forward(self) -> None:
        self.close_connection = True
        asked = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        with (
            self.server.upstream.client() as client,
            client.stream(self.command, self.path, headers=asked) as response,
        ):
            streams = response.headers.get("content-type", "").startswith("text/event-stream")
            self._answer(response, self.server.relay if streams else passing)

    do_DELETE = do_GET = do_HEAD = do_OPTIONS = do_PATCH = do_POST = do_PUT = forward

    def _answer(self, response: httpx.Response, relay: Relay) -> None:
        bodiless = self.command == "HEAD" or response.status_code in (204, 304)
        self.send_response_only(response.status_code)
        for name, value in response.headers.multi_items():
            if name not in _HOP_BY_HOP:
                self.send_header(name, value)
        if relay is compressing and not bodiless:
            self.send_header("content-encoding", "gzip")
        self.send_header("connection", "close")  # the end of the connection is the end of the body
        self.end_headers()
        if not bodiless:
            for data in relay(response.iter_raw()):
                self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """The test's output stays its own."""
