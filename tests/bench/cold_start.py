"""How long a cold start takes: from spawning a worker process to the first byte of a streamed event, or of a reply.

The workers are interleaved, so that a busy machine slows all of them alike:

- `bare`    a Python that opens a socket and sends one byte: the floor for anything in Python;
- `story`   the story function, through `bootstrap`, against the smallest Runtime API that will do;
- `uvicorn` the same reply from FastAPI under uvicorn, the usual way to stream from Lambda with Python; its clock
  stops when a client that asks again and again gets its first byte;
- `api`     the JSON API as `make build` makes it, under AWS's own runtime client, with the packages of its own zip;
- `api, no bytecode`  the same as `sam build` alone makes it, in a folder that nothing can be written to.

Run it with `make bench`. Numbers are medians with the smallest and largest run; read the ratios, not the milliseconds.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import os
import py_compile
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from local.environment.filesystem import mount_layers

ROOT = Path(__file__).parent.parent.parent
STORIES = ROOT / "functions/layers/stories"
PACKAGES = ROOT / ".tools/bench/api"  # what is in the zip of the API besides its own modules
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
    with tempfile.TemporaryDirectory() as folder:
        run(arguments.runs, workers(Path(folder), arguments.peer_python))


def workers(folder: Path, peer_python: str) -> dict[str, Callable[[], float]]:
    """What is measured, by name: each returns the seconds that one cold start took."""
    opt = folder / "opt"
    compile_into(opt, STORIES)
    compile_into(folder / "compiled", PACKAGES, ROOT / "functions/api")
    copy_into(folder / "plain", PACKAGES, ROOT / "functions/api")
    return {
        "bare": bare,
        "story": partial(story, mount_layers((ROOT / "functions/layers/streaming", STORIES), folder)),
        "uvicorn": partial(uvicorn, peer_python),
        "api": partial(api, folder / "compiled", opt),
        "api, no bytecode": partial(api, folder / "plain", opt),
    }


def run(runs: int, workers: Mapping[str, Callable[[], float]]) -> None:
    """Measure each of *workers* so often, and print a Markdown table."""
    for measure in workers.values():
        measure()  # once for the bytecode and the disk
    samples: dict[str, list[float]] = {name: [] for name in workers}
    for _ in range(runs):
        for name, measure in workers.items():
            samples[name].append(measure() * 1000)
    floor = statistics.median(samples["bare"])
    print(f"Python {sys.version.split()[0]}, {runs} interleaved runs\n")
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


def story(opt: Path) -> float:
    """Seconds until the story's first event is on its way."""
    environ = {
        "LAMBDA_TASK_ROOT": str(ROOT / "functions/story"),
        "_HANDLER": "story.handler",
        "PYTHONPYCACHEPREFIX": str(ROOT / ".tools/bench/pycache"),
    }
    return worker([str(opt / "bootstrap"), sys.executable, "bootstrap.py"], environ, event="story", until=b"data: ")


def copy_into(folder: Path, *sources: Path) -> None:
    """What `sam build` alone does: the *sources*, one over the other."""
    for source in sources:
        shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))


def compile_into(folder: Path, *sources: Path) -> None:
    """The same, with bytecode."""
    copy_into(folder, *sources)
    compileall.compile_dir(folder, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)


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


def _answer_to_next(event: bytes) -> bytes:
    deadline_ms = int((time.time() + 60) * 1000)
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: 1\r\n"
        b"Lambda-Runtime-Deadline-Ms: %d\r\nContent-Length: %d\r\n\r\n%b" % (deadline_ms, len(event), event)
    )


if __name__ == "__main__":
    main()
