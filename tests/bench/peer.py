"""Who takes part: each peer is a way to ask a running server for events."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.bench.client import ReplyError
from tests.bench.server import Program, Server

STORY_WORDS = 45  # of the story that is told unless another is asked for; a last event says that it is over


def get(target: str, query: str, headers: Mapping[str, str]) -> bytes:
    """A request as a browser's, with the least of headers, and these."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"GET {target}?{query} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{fields}\r\n".encode()


def invoke(target: str, query: str, headers: Mapping[str, str]) -> bytes:
    """The same as an event of a function URL, posted to AWS's own emulator, which has one function and no URL."""
    event = {
        "version": "2.0",
        "rawPath": target,
        "rawQueryString": query,
        "headers": dict(headers),
        "queryStringParameters": dict(field.split("=", 1) for field in query.split("&")),
        "requestContext": {"http": {"method": "GET", "path": target}},
        "isBase64Encoded": False,
    }
    body = json.dumps(event)
    head = f"POST /2015-03-31/functions/function/invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n{body}".encode()


@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """A name in the tables, the program behind it, and the path there; *story* tells the story, and takes its query."""

    name: str
    program: Program
    path: str = "/stream"
    request: Callable[[str, str, Mapping[str, str]], bytes] = get
    ours: bool = False
    story: bool = False

    def ask(self, server: Server, query: str, **headers: str) -> bytes:
        """The request for *query*, on the wire; an underscore stands for each hyphen in a header's name."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request(server.paths.get(self.path, self.path), query, names)

    def burst(self, server: Server, count: int) -> bytes:
        """The request for events without pauses; the story has as many as it has."""
        return self.ask(server, "min_ms=0&max_ms=0" if self.story else f"count={count}")

    def paced(self, server: Server, count: int, pauses_ms: Sequence[int]) -> bytes:
        """The request for events with these pauses."""
        return self.ask(server, f"count={count}&pauses={','.join(map(str, pauses_ms))}")

    def few(self, server: Server, count: int, pause_ms: int) -> bytes:
        """The request for a few events with that pause; of the story they are the last."""
        if self.story:
            told = STORY_WORDS + 1 - count
            return self.ask(server, f"min_ms={pause_ms}&max_ms={pause_ms}", last_event_id=str(told))
        return self.paced(server, count, [pause_ms])

    def lasting(self, server: Server, seconds: float) -> bytes:
        """The request for a stream that goes on for about so long."""
        if self.story:
            pause_ms = round(seconds * 1000 / STORY_WORDS)
            return self.ask(server, f"min_ms={pause_ms}&max_ms={pause_ms}")
        return self.paced(server, 1 + math.ceil(seconds), [1000])


@contextmanager
def running(peers: Sequence[Peer]) -> Iterator[dict[Peer, Server]]:
    """The servers of all *peers*, side by side; each program once."""
    with ExitStack() as stack:
        servers: dict[Program, Server] = {}
        for peer in peers:
            if peer.program not in servers:
                servers[peer.program] = stack.enter_context(Server(peer.program))
        yield {peer: servers[peer.program] for peer in peers}


@contextmanager
def blamed(peer: Peer, server: Server) -> Iterator[None]:
    """What goes wrong in here is told with the peer's name and its last words."""
    try:
        yield
    except (ReplyError, ExceptionGroup) as error:
        first = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
        raise SystemExit(f"{peer.name}: {first}\n{server.said()}") from error
