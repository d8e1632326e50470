"""Reads a stream and notes when each event came, and with which read of the socket.

What this is: `detector -> [probe] -> edge or function URL`.

What the spec says that we follow: chunks of HTTP/1.1 mean nothing to a reader (RFC 9112, section 7.1), and a hop may
cut and join them. What a viewer sees is what one read of the socket returns, and when; so that is what is noted. HTTP
clients do not tell it, hence a transport of our own below httpx.

What differs here, on purpose:
1. one connection for each request, and HTTP/1.1 only;
2. over TLS a read returns one record at most: what was merged may come in several reads, with no time between them.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

import h11
import httpx
from httpx_sse import EventSource, SSEError

from tests.edge.address import TIMEOUT_SECONDS, Address, trusted
from tests.edge.telling import PATH

READ_BYTES = 64 * 1024


class UnmeasurableError(Exception):
    """There is no stream to measure; the text says what is there instead."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One event: *at* in seconds of the monotonic clock, *read* the number of the socket read that completed it."""

    at: float
    read: int


@dataclass(frozen=True, slots=True)
class Trace:
    """All events of one stream. *encoding* is the reply's content-encoding, empty without one."""

    asked_at: float
    arrivals: tuple[Arrival, ...]
    encoding: str = ""


def record(
    address: Address,
    *,
    last_event_id: int,
    min_ms: int,
    max_ms: int,
    seed: int | None = None,
    auth: httpx.Auth | None = None,
) -> Trace:
    """Listen from *last_event_id* to the end. Raises `UnmeasurableError` when there is no such stream."""
    params = {"min_ms": str(min_ms), "max_ms": str(max_ms), **({"seed": str(seed)} if seed is not None else {})}
    # A browser offers compression too; only what httpx can undo is offered here, or no event could be seen.
    headers = {"last-event-id": str(last_event_id), "accept-encoding": "gzip, deflate"}
    probe = Probe()
    try:
        with (
            address.client(transport=probe, auth=auth) as client,
            client.stream("GET", PATH, params=params, headers=headers) as response,
        ):
            asked_at = probe.asked_at
            if response.status_code != 200:
                raise UnmeasurableError(f"{address}{PATH} answers {response.status_code} instead of a stream.")
            events = EventSource(response).iter_sse()
            arrivals = tuple(Arrival(probe.read_at, probe.reads) for _ in events)
            return Trace(asked_at, arrivals, response.headers.get("content-encoding", ""))
    except (httpx.TransportError, SSEError) as error:
        raise UnmeasurableError(f"{address}{PATH} gives no stream: {error}.") from error


class Probe(httpx.BaseTransport):
    """Knows the number and the time of the latest read, while somebody iterates over the response."""

    def __init__(self) -> None:
        self.asked_at = 0.0
        self.reads = 0
        self.read_at = 0.0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        connection = h11.Connection(h11.CLIENT)
        head = h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
        try:
            sock = _connected(request.url)
            self.asked_at = time.monotonic()
            sock.sendall((connection.send(head) or b"") + (connection.send(h11.EndOfMessage()) or b""))
            body = _Body(self, sock, connection)
            response = body.head()
        except (OSError, h11.RemoteProtocolError) as error:
            raise httpx.ConnectError(str(error), request=request) from error
        return httpx.Response(response.status_code, headers=response.headers.raw_items(), stream=body)


class _Body(httpx.SyncByteStream):
    """The rest of a connection: what is read from it is noted in *probe*."""

    def __init__(self, probe: Probe, sock: socket.socket, connection: h11.Connection) -> None:
        self._probe = probe
        self._socket = sock
        self._connection = connection

    def head(self) -> h11.Response:
        event = self._next()
        while not isinstance(event, h11.Response):
            event = self._next()  # interim responses, 100 to 199
        return event

    def __iter__(self) -> Iterator[bytes]:
        try:
            while isinstance(event := self._next(), h11.Data):
                yield bytes(event.data)
        except (OSError, h11.RemoteProtocolError) as error:
            raise httpx.ReadError(str(error)) from error

    def close(self) -> None:
        self._socket.close()

    def _next(self) -> object:
        while (event := self._connection.next_event()) is h11.NEED_DATA:
            data = self._socket.recv(READ_BYTES)
            self._probe.reads += 1
            self._probe.read_at = time.monotonic()
            self._connection.receive_data(data)
        return event


def _connected(url: httpx.URL) -> socket.socket:
    port = url.port or (443 if url.scheme == "https" else 80)
    sock = socket.create_connection((url.host, port), timeout=TIMEOUT_SECONDS)
    return trusted().wrap_socket(sock, server_hostname=url.host) if url.scheme == "https" else sock
