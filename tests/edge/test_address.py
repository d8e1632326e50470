"""Addresses as people paste them, and what is said when nobody answers there."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

import httpx
import pytest

from tests.edge import address as module
from tests.edge.address import Address, AddressError, NoAnswerError
from tests.edge.conftest import Deployment, deployed


@pytest.mark.parametrize(
    ("text", "shown", "connects_to"),
    [
        ("https://d1.cloudfront.net", "https://d1.cloudfront.net", "https://d1.cloudfront.net"),
        (" https://d1.cloudfront.net/\n", "https://d1.cloudfront.net", "https://d1.cloudfront.net"),
        ("http://localhost:8080/", "http://localhost:8080", "http://localhost:8080"),
        ("http://a.lambda-url.b.localhost:80", "http://a.lambda-url.b.localhost", "http://localhost:80"),
        ("http://[::1]:8080", "http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_addresses(text: str, shown: str, connects_to: str) -> None:
    """A slash at the end does not matter; names below .localhost are this machine."""
    address = Address.parse(text)

    assert (str(address), address.connects_to) == (shown, connects_to)


@pytest.mark.parametrize("text", ["", "d1.cloudfront.net", "ftp://d1", "https://d1/sse", "https://d1/?a", "https://:x"])
def test_no_address(text: str) -> None:
    """The sentence names what was given."""
    with pytest.raises(AddressError, match="is no address"):
        Address.parse(text)


def test_a_name_below_localhost_is_asked_for_by_its_name(local_deployment: Deployment) -> None:
    """Connected to as localhost, it still reaches the function URL of that name."""
    assert local_deployment.story is not None
    with local_deployment.story.client() as client:
        assert client.get("/sse").headers["x-amzn-errortype"] == "AccessDeniedException"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_nobody_answers() -> None:
    """One sentence, with the reason."""
    address = Address("http", "127.0.0.1", free_port())

    with pytest.raises(NoAnswerError, match=rf"{address} does not answer \(.*refused.*\)\. Is the address right"):
        address.check()


@pytest.mark.parametrize(
    ("url", "says"), [("http://127.0.0.1:{port}", "{port} does not answer"), ("nowhere", "'nowhere' is no address")]
)
def test_a_run_against_nobody_ends_at_once(monkeypatch: pytest.MonkeyPatch, url: str, says: str) -> None:
    """With one sentence and exit code 2, and not with an error for every test."""
    port = free_port()
    monkeypatch.setenv("EDGE_URL", url.format(port=port))

    with pytest.raises(pytest.exit.Exception, match=says.format(port=port)) as ended:
        deployed()

    assert ended.value.returncode == 2


def test_no_response_lasts_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream of heartbeats is given up at the deadline, though each read is quick."""
    monkeypatch.setattr(module, "DEADLINE_SECONDS", 0.05)
    over = threading.Event()

    def send_heartbeats(server: socket.socket) -> None:
        with server.accept()[0] as connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
            with suppress(ConnectionError):  # the reader gives up
                while not over.wait(0.01):
                    connection.sendall(b": heartbeat\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=send_heartbeats, args=[server])
        thread.start()
        address = Address("http", "127.0.0.1", server.getsockname()[1])
        with address.client() as client, pytest.raises(httpx.ReadTimeout, match="no end after"):
            client.get("/sse")
        over.set()
        thread.join()
