"""Real frameworks in real worker processes: FastAPI, Starlette, sse-starlette and Django behind the local Lambda.

The applications are in asgi_apps/. They go on when the test lets them, so nothing here depends on how long things take.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from httpx_sse import EventSource

from local.emulator import Emulator
from tests.contract.log import Log

TEMPLATE = Path(__file__).parent / "asgi_apps/template.yaml"
DEADLINE_SECONDS = 20


class Gate:
    """The other end of `asgi_apps/gate.py`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._listener.settimeout(DEADLINE_SECONDS)
        self._application: socket.socket | None = None

    def wait(self) -> None:
        """Return when the application has come to the gate."""
        self._application, _ = self._listener.accept()

    def step(self) -> None:
        """Let the application make one step."""
        assert self._application is not None
        self._application.sendall(b"\n")

    def close(self) -> None:
        for one in filter(None, (self._listener, self._application)):
            one.close()


@pytest.fixture(scope="module")
def log() -> Log:
    return Log()


@pytest.fixture(scope="module")
def gates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gates") / "gate"


@pytest.fixture(scope="module")
def cloud(log: Log, gates: Path) -> Iterator[Emulator]:
    with Emulator(TEMPLATE, port=0, aws_port=0, overrides={"GATE": str(gates)}, write=log.write) as cloud:
        yield cloud


@pytest.fixture
def gate(gates: Path) -> Iterator[Gate]:
    gate = Gate(gates)
    yield gate
    gate.close()
    gates.unlink()


@pytest.fixture
def client(cloud: Emulator) -> Iterator[Callable[[str], httpx.Client]]:
    """A client of one function's URL, by the function's name."""
    opened = []

    def client(name: str) -> httpx.Client:
        (function,) = [function for function in cloud.stack.functions if function.logical_id == name]
        assert function.url
        opened.append(httpx.Client(base_url=cloud.url, headers={"host": function.url.domain}, timeout=DEADLINE_SECONDS))
        return opened[-1]

    yield client
    for one in opened:
        one.close()


Client = Callable[[str], httpx.Client]


@pytest.mark.parametrize(
    ("function", "path"),
    [
        ("FastApi", "/fastapi-sse"),
        ("FastApi", "/streaming-response"),
        ("FastApi", "/sse-starlette"),
        ("Django", "/events"),
    ],
)
def test_events_arrive_one_by_one(client: Client, gate: Gate, function: str, path: str) -> None:
    """The headers before the first event is made, and each event before the next one is; then a clean end."""
    with client(function).stream("GET", path) as response:
        gate.wait()
        assert response.status_code == 200
        assert response.headers["content-type"].partition(";")[0] == "text/event-stream"
        events = EventSource(response).iter_sse()
        for number in ["1", "2", "3"]:
            gate.step()
            event = next(events)
            assert (event.id, event.data) == (number, number)
        assert list(events) == []


def test_an_exception_in_the_middle_cuts_the_stream(client: Client, gate: Gate, log: Log) -> None:
    """The viewer sees an aborted body; the log has the exception, once, and the function serves on."""
    fastapi = client("FastApi")
    with fastapi.stream("GET", "/broken") as response:
        gate.wait()
        events = EventSource(response).iter_sse()
        gate.step()
        assert next(events).data == "1"
        gate.step()
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
            next(events)

    log.wait_for("LookupError: no more")
    assert sum("[ERROR] LookupError: no more" in line for line in log.lines) == 1
    assert fastapi.get("/visits").status_code == 200


def test_background_work_does_not_keep_the_viewer_waiting(client: Client, gate: Gate, log: Log) -> None:
    """It has the whole reply, ended, before the work is done; the invocation is over after it."""
    response = client("FastApi").get("/background")
    gate.wait()
    reports = sum("REPORT" in line for line in log.lines)

    assert response.json() == "whole"
    assert not any("background work done" in line for line in log.lines)
    gate.step()
    log.wait_for("background work done")
    log.wait_for("REPORT", times=reports + 1)


def test_the_lifespan_is_that_of_the_environment(client: Client, log: Log) -> None:
    """Started once in the init phase; its state is shared by all requests that the process serves."""
    fastapi = client("FastApi")
    visits: dict[int, list[int]] = {}
    while max(map(len, visits.values()), default=0) < 3:  # there may be more than one environment by now
        process, count = fastapi.get("/visits").json()
        visits.setdefault(process, []).append(count)

    for counts in visits.values():
        assert counts == list(range(counts[0], counts[0] + len(counts)))
    lines = [line for line in log.lines if "FastApi" in line]
    assert next(line for line in lines if "started" in line or "START" in line).endswith("started")


def test_a_startup_that_fails_is_an_init_error(client: Client, log: Log) -> None:
    """The viewer gets the 502 of a function that cannot be initialized."""
    assert client("Unstartable").get("/").status_code == 502

    log.wait_for("LookupError: no database")


def test_django_without_streaming(client: Client) -> None:
    """Percent-encoded path, body, cookies in and out; a synchronous view runs in its thread."""
    response = client("Django").post("/plain/a%20%C3%A9", content="naïve", headers={"cookie": "k=1; l=2"})

    assert response.json() == {"name": "a é", "body": "naïve", "seen": {"k": "1", "l": "2"}}
    assert [value for name, value in response.headers.multi_items() if name == "set-cookie"] == [
        "a=1; Path=/", "b=2; Path=/",
    ]  # fmt: skip
    assert client("Django").get("/nowhere").status_code == 404
