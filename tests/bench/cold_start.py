"""How long a cold start takes: from spawning a worker process to the first byte of a streamed event.

Three workers, interleaved, so that a busy machine slows all of them alike:

- `bare`    a Python that opens a socket and sends one byte: the floor for anything in Python;
- `story`   the story function, through `bootstrap`, against the smallest Runtime API that will do;
- `uvicorn` the same reply from FastAPI under uvicorn, the usual way to stream from Lambda with Python; its clock
  stops when a client that asks again and again gets its first byte.

Run it with `make bench`. Numbers are medians with the smallest and largest run; read the ratios, not the milliseconds.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
LAYER = ROOT / "functions/layers/streaming"
STORY = ROOT / "functions/story"
EVENT = (ROOT / "events/story.json").read_bytes()
BARE = "import socket; socket.create_connection(('127.0.0.1', {port})).sendall(b'x')"
PEER = """
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
app = FastAPI()
@app.get("/sse")
def sse():
    return StreamingResponse(iter(["data: Every\\n\\n"]), media_type="text/event-stream")
uvicorn.run(app, host="127.0.0.1", port={port}, log_level="critical")
"""


def main() -> None:
    """Measure and print a Markdown table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=20)
    options.add_argument(
        "--peer-python", default=".tools/bench/bin/python", help="a Python that has FastAPI and uvicorn"
    )
    arguments = options.parse_args()
    workers: dict[str, Callable[[], float]] = {
        "bare": bare,
        "story": story,
        "uvicorn": lambda: uvicorn(arguments.peer_python),
    }
    for measure in workers.values():
        measure()  # once for the bytecode and the disk
    samples: dict[str, list[float]] = {name: [] for name in workers}
    for _ in range(arguments.runs):
        for name, measure in workers.items():
            samples[name].append(measure() * 1000)
    floor = statistics.median(samples["bare"])
    print(f"Python {sys.version.split()[0]}, {arguments.runs} interleaved runs\n")
    print("| worker | median ms | min | max | against bare |\n|---|---|---|---|---|")
    for name, values in samples.items():
        median = statistics.median(values)
        print(f"| {name} | {median:.1f} | {min(values):.1f} | {max(values):.1f} | {median / floor:.2f}x |")


def bare() -> float:
    """Seconds until a Python that does nothing else has sent a byte."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        begun = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-c", BARE.format(port=server.getsockname()[1])])
        connection, _ = server.accept()
        with connection:
            connection.recv(1)
            taken = time.perf_counter() - begun
    process.wait()
    return taken


def story() -> float:
    """Seconds until the story's first event is on its way."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        environ = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.getsockname()[1]}",
            "LAMBDA_TASK_ROOT": str(STORY),
            "_HANDLER": "story.handler",
            "PATH": os.environ["PATH"],
            "PYTHONPYCACHEPREFIX": str(ROOT / ".tools/bench/pycache"),
        }
        begun = time.perf_counter()
        process = subprocess.Popen([str(LAYER / "bootstrap"), sys.executable, "bootstrap.py"], env=environ)
        connection, _ = server.accept()
        with connection:
            receive_until(connection, b"\r\n\r\n")
            connection.sendall(_answer_to_next())
            receive_until(connection, b"data: ")
            taken = time.perf_counter() - begun
            process.kill()
    process.wait()
    return taken


def uvicorn(python: str) -> float:
    """Seconds until FastAPI under uvicorn has sent its first event."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    begun = time.perf_counter()
    process = subprocess.Popen([python, "-c", PEER.format(port=port)])
    try:
        while time.perf_counter() - begun < 30:
            with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(b"GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n")
                receive_until(connection, b"data: ")
                return time.perf_counter() - begun
        raise SystemExit(f"{python} does not serve FastAPI under uvicorn; `make bench` installs both")
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


def _answer_to_next() -> bytes:
    deadline_ms = int((time.time() + 60) * 1000)
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: 1\r\n"
        b"Lambda-Runtime-Deadline-Ms: %d\r\nContent-Length: %d\r\n\r\n%b" % (deadline_ms, len(EVENT), EVENT)
    )


if __name__ == "__main__":
    main()
