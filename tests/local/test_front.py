"""What listens on the emulator's port: which host is whose, and the line about each request."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from local.asgi import Message, Receive, Scope, Send, respond
from local.errors import EmulatorError
from local.front import Front
from local.reports import Reports, RequestReport
from local.servers import HttpServer, bind, port_of
from tests.local.asgi_viewer import Answer, ask
from tests.local.fakes.viewer import live_viewer

pytestmark = pytest.mark.anyio

DOMAIN = "abc123.lambda-url.eu-west-1.localhost"


class NamedApp:
    """Answers with its name."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, 200, body=self.name.encode())


def front(edge: object = None, function_url: object = None, log_format: str = "json") -> tuple[Front, list[str]]:
    lines: list[str] = []
    hosts = {DOMAIN: function_url or NamedApp("function"), "": edge or NamedApp("edge")}
    return Front(hosts, Reports(lines.append, log_format)), lines  # type: ignore[arg-type]


async def ask_host(app: Front, host: str) -> Answer:
    """The answer to a request with that Host header, or with none, as HTTP/1.0 has it."""
    sent: dict[str, object] = (
        {"headers": [(b"host", host.encode())]} if host else {"headers": [], "http_version": "1.0"}
    )
    async with live_viewer(app, **sent) as viewer:  # type: ignore[arg-type]
        await viewer.done
        return viewer.answer


@pytest.mark.parametrize(
    ("host", "who"),
    [
        (f"{DOMAIN}:8080", b"function"),
        (DOMAIN, b"function"),
        (f"{DOMAIN.upper()}:8080", b"function"),
        (f"{DOMAIN}.:8080", b"function"),
        ("localhost:8080", b"edge"),
        ("127.0.0.1:8080", b"edge"),
        ("[::1]:8080", b"edge"),
        ("[::1]", b"edge"),
        ("d123.cloudfront.net", b"edge"),
        ("", b"edge"),
        ("lambda-url.localhost", b"edge"),
    ],
)
async def test_the_host_says_whose_a_request_is(host: str, who: bytes) -> None:
    app, _ = front()

    assert (await ask_host(app, host)).body == who


@pytest.mark.parametrize("host", ["other.lambda-url.eu-west-1.localhost:8080", f"x.{DOMAIN}"])
async def test_an_unknown_function_url_is_a_404_and_never_the_page(host: str) -> None:
    app, _ = front()

    answer = await ask_host(app, host)

    assert (answer.status, answer.header("content-type"), answer.whole) == (404, "text/plain", True)
    assert answer.body.startswith(b"No function has that URL")


@pytest.mark.parametrize(
    ("scope", "status", "sentence"),
    [
        ({"headers": []}, 400, "A request has one Host header, not 0"),
        ({"headers": [(b"host", b"a"), (b"host", b"a")]}, 400, "A request has one Host header, not 2"),
        ({"headers": [(b"host", b"user@a")]}, 400, "The Host header names no host"),
        ({"raw_path": b"*"}, 400, "The target of a request is a path that begins with a slash"),
        ({"http_version": "2.0"}, 505, "Only HTTP/1.1 and HTTP/1.0 are spoken here"),
    ],
)
async def test_a_request_for_nobody_is_refused_in_a_sentence(
    scope: dict[str, object], status: int, sentence: str
) -> None:
    """And its line says why."""
    app, lines = front()

    async with live_viewer(app, **scope) as viewer:  # type: ignore[arg-type]
        await viewer.done

    assert (viewer.answer.status, viewer.answer.body) == (status, f"{sentence}.\n".encode())
    assert viewer.answer.header("connection") == "close"
    assert (json.loads(lines[0])["status"], json.loads(lines[0])["note"]) == (status, sentence)


async def test_the_line_about_a_request_has_what_the_hops_know() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        report: RequestReport = scope["local.report"]
        report.function, report.request_id, report.cold_start, report.note = "Story", "an-id", True, "a note"
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await send({"type": "http.response.body", "body": b"three", "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    entry, lines = front(app)
    await ask(entry, "POST", "/caf%C3%A9?secret=1")

    (line,) = lines
    told = json.loads(line)
    assert 0 <= told.pop("first_byte_ms") <= told.pop("total_ms") < 5000
    assert told == {
        "type": "request",
        "method": "POST",
        "path": "/caf%C3%A9",
        "host": "localhost:8080",
        "status": 201,
        "body_bytes": 8,
        "viewer_left": False,
        "left": "",
        "cut": False,
        "function": "Story",
        "request_id": "an-id",
        "cold_start": True,
        "note": "a note",
    }


async def test_an_empty_body_has_no_first_byte() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, 204)

    entry, lines = front(app)
    await ask(entry, "GET", "/")

    told = json.loads(lines[0])
    assert (told["status"], told["first_byte_ms"], told["body_bytes"], told["cut"]) == (204, None, 0, False)


async def test_a_body_without_its_end_is_cut() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"some", "more_body": True})

    entry, lines = front(app)
    answer = await ask(entry, "GET", "/")

    assert not answer.whole
    told = json.loads(lines[0])
    assert (told["status"], told["cut"], told["viewer_left"], told["body_bytes"]) == (200, True, False, 4)


async def test_a_viewer_who_leaves_is_told_apart_from_a_cut_and_gets_no_more_bytes() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"some", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        await send({"type": "http.response.body", "body": b"to nobody", "more_body": True})

    entry, lines = front(app)
    async with live_viewer(entry) as viewer:
        await viewer.chunks(1)
        viewer.leave()
        await viewer.done

    told = json.loads(lines[0])
    assert (told["viewer_left"], told["cut"], told["body_bytes"]) == (True, False, 4)


async def test_a_disconnect_after_the_response_is_no_viewer_who_left() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, 200, body=b"all")
        while (await receive())["type"] != "http.disconnect":
            pass

    entry, lines = front(app)
    async with live_viewer(entry) as viewer:
        viewer.leave()
        await viewer.done

    told = json.loads(lines[0])
    assert (told["viewer_left"], told["cut"], told["body_bytes"]) == (False, False, 3)


async def test_a_hop_that_fails_still_has_its_line() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError

    entry, lines = front(app)
    with pytest.raises(ZeroDivisionError):
        await ask(entry, "GET", "/broken")

    told = json.loads(lines[0])
    assert (told["path"], told["status"], told["cut"]) == ("/broken", 0, True)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_port_that_is_taken_is_one_sentence(family: socket.AddressFamily) -> None:
    """On either loopback address: a browser may try the other one first."""
    on_both = bind(0, "--port")
    port = on_both[0].getsockname()[1]
    for bound in on_both:
        if bound.family != family:
            bound.close()
    (taken,) = (bound for bound in on_both if bound.family == family)
    try:
        with pytest.raises(EmulatorError) as error:
            bind(port, "--aws-port")
    finally:
        taken.close()

    assert str(error.value) == (
        f"Port {port} cannot be used (Address already in use): "
        "stop what listens there, or choose another with --aws-port."
    )
    for bound in bind(port, "--port"):
        bound.close()


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_one_sentence(port: int) -> None:
    with pytest.raises(EmulatorError, match=rf"^There is no port {port}: choose one from 0 to 65535 with --port\.$"):
        bind(port, "--port")


def test_only_loopback_addresses_are_bound_all_to_one_port() -> None:
    sockets = bind(0, "--port")

    assert {bound.getsockname()[0] for bound in sockets} <= {"127.0.0.1", "::1"}
    assert {bound.getsockname()[1] for bound in sockets} == {port_of(sockets)}
    for bound in sockets:
        bound.close()


async def test_a_server_streams_cuts_and_stops() -> None:
    """A body that the app leaves unfinished is an aborted one on the wire."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        message: Message = {"type": "http.response.body", "body": b"some", "more_body": True}
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send(message)
        if scope["path"] == "/whole":
            await send({**message, "more_body": False})

    async with asyncio.timeout(10):
        sockets = bind(0, "--port")
        port = port_of(sockets)
        server = HttpServer(app, sockets)
        await server.open()
        bodies = {}
        for path in ("/whole", "/cut"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            bodies[path] = (await reader.read()).partition(b"\r\n\r\n")[2]
            writer.close()
        await server.close()

    assert bodies == {"/whole": b"4\r\nsome\r\n4\r\nsome\r\n0\r\n\r\n", "/cut": b"4\r\nsome\r\n"}
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
