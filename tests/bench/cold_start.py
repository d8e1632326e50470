"""How long a cold start takes: from spawning a worker process to the first byte of a streamed event, or of a reply.

The workers are interleaved, so that a busy machine slows all of them alike:

- a Python that opens a socket and sends one byte: the floor for anything in Python;
- the story function, through `bootstrap`, against the smallest Runtime API that will do;
- the same reply from FastAPI under uvicorn, the usual way to stream from Lambda with Python, without and with
  Powertools; its clock stops when a client that asks again and again gets its first byte;
- the JSON API as `make build` makes it, under AWS's own runtime client, with the packages of its own zip;
- the same as `sam build` alone makes it, in a folder that nothing can be written to.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from local.environment.filesystem import mount_layers
from tests.bench.artifacts import PACKAGES, ROOT, STORIES, STORY, STREAMING, compile_into, copy_into
from tests.bench.options import Options
from tests.bench.peers import PYTHON
from tests.bench.result import Figure, Result, Row
from tests.bench.server import free_port

RUNS = 20
TIME = "spawn to first byte"
BARE = "a bare Python"
STORY_NAME = "**ours**: the story"
UVICORN = "FastAPI, uvicorn"
POWERTOOLS = "FastAPI and Powertools, uvicorn"
API = "**ours**: the JSON API, with bytecode"
API_PLAIN = "the JSON API without bytecode"
ONE_BYTE = "import socket; socket.create_connection(('127.0.0.1', {port})).sendall(b'x')"
FASTAPI = """
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
app = FastAPI()
@app.get("/sse")
def sse():
    return StreamingResponse(iter(["data: Every\\n\\n"]), media_type="text/event-stream")
uvicorn.run(app, host="127.0.0.1", port={port}, log_level="critical")
"""
WITH_POWERTOOLS = """
from aws_lambda_powertools import Logger, Metrics, Tracer
logger = Logger(service="story")
"""


async def measure(options: Options) -> Result:
    """Seconds from the start of a process to the first byte that anybody can use."""
    workers = _workers(options.folder / "cold_start")
    samples: dict[str, list[float]] = {name: [] for name in workers}
    for worker_starts in workers.values():
        worker_starts()  # once for the bytecode and the disk
    for _ in range(options.runs or RUNS):
        for name, worker_starts in workers.items():
            samples[name].append(worker_starts() * 1000)
    result = Result(
        "cold_start",
        "Cold start",
        "From spawning a worker process to the first byte of its first event, or of its reply. Each has a whole core; "
        "with 512 MB, Lambda gives about 0.3 of one.",
        [Figure(TIME, "ms")],
        [Row(name, {TIME: values}) for name, values in samples.items()],
        BARE,
    )
    return result.with_targets(
        result.compared("cold start of the story, against a bare Python", "at most", 2.5, STORY_NAME, BARE),
        result.compared(
            "cold start of FastAPI with Powertools under uvicorn, against it", "at least", 10, POWERTOOLS, STORY_NAME
        ),
    )


def _workers(folder: Path) -> dict[str, Callable[[], float]]:
    """What is measured, by name: each returns the seconds that one cold start took."""
    compile_into(folder / "opt", STORIES)
    compile_into(folder / "compiled", PACKAGES, ROOT / "functions/api")
    copy_into(folder / "plain", PACKAGES, ROOT / "functions/api")
    compile_into(folder / "story", STORY)
    compile_into(folder / "layers/streaming", STREAMING)
    layers = mount_layers((folder / "layers/streaming", folder / "opt"), folder)
    return {
        BARE: bare,
        STORY_NAME: partial(story, folder / "story", layers),
        UVICORN: partial(uvicorn, FASTAPI),
        POWERTOOLS: partial(uvicorn, WITH_POWERTOOLS + FASTAPI),
        API: partial(api, folder / "compiled", folder / "opt"),
        API_PLAIN: partial(api, folder / "plain", folder / "opt"),
    }


def bare() -> float:
    """Seconds until a Python that does nothing else has sent a byte."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        begun = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-c", ONE_BYTE.format(port=server.getsockname()[1])])
        connection, _ = server.accept()
        with connection:
            connection.recv(1)
            taken = time.perf_counter() - begun
    process.wait()
    return taken


def story(task_root: Path, opt: Path) -> float:
    """Seconds until the story's first event is on its way."""
    environ = {"LAMBDA_TASK_ROOT": str(task_root), "_HANDLER": "story.handler", "PYTHONDONTWRITEBYTECODE": "1"}
    return worker([str(opt / "bootstrap"), sys.executable, "bootstrap.py"], environ, event="story", until=b"data: ")


def api(task_root: Path, opt: Path) -> float:
    """Seconds until the API's reply is on its way."""
    environ = {
        "LAMBDA_TASK_ROOT": str(task_root),
        "_HANDLER": "api.handler",
        "AWS_LAMBDA_FUNCTION_NAME": "api",
        "POWERTOOLS_SERVICE_NAME": "api",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, str(ROOT / "local/managed_runtime/bootstrap.py"), str(opt)]
    return worker(command, environ, event="api-stories", until=b"/response ")


def worker(command: list[str], environ: Mapping[str, str], *, event: str, until: bytes) -> float:
    """Seconds from the start of *command*, which gets the one *event*, to that part of its reply."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        runtime_api = f"127.0.0.1:{server.getsockname()[1]}"
        begun = time.perf_counter()
        process = subprocess.Popen(
            command,
            env={"PATH": os.environ["PATH"], "AWS_LAMBDA_RUNTIME_API": runtime_api, **environ},
            stdout=subprocess.DEVNULL,
        )
        connection, _ = server.accept()
        with connection:
            receive_until(connection, b"\r\n\r\n")
            connection.sendall(_answer_to_next((ROOT / f"events/{event}.json").read_bytes()))
            receive_until(connection, until)
            taken = time.perf_counter() - begun
            process.kill()
    process.wait()
    return taken


def uvicorn(source: str) -> float:
    """Seconds until FastAPI under uvicorn has sent its first event."""
    port = free_port()
    begun = time.perf_counter()
    process = subprocess.Popen([PYTHON, "-c", source.format(port=port)])
    try:
        while time.perf_counter() - begun < 30:
            with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(b"GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n")
                receive_until(connection, b"data: ")
                return time.perf_counter() - begun
        raise SystemExit(f"{PYTHON} does not serve FastAPI under uvicorn; `make bench` installs both")
    finally:
        process.kill()
        process.wait()


def receive_until(connection: socket.socket, mark: bytes) -> None:
    """Read until *mark* has come."""
    received = b""
    while mark not in received:
        piece = connection.recv(65536)
        if not piece:
            raise SystemExit(f"the worker left before {mark!r}: {received!r}")
        received += piece


def _answer_to_next(event: bytes) -> bytes:
    deadline_ms = int((time.time() + 60) * 1000)
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: 1\r\n"
        b"Lambda-Runtime-Deadline-Ms: %d\r\nContent-Length: %d\r\n\r\n%b" % (deadline_ms, len(event), event)
    )
