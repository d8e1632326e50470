"""Everybody who takes part, and how each is started: ours, the servers beside it, the emulators beside it."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.bench import ministack
from tests.bench.artifacts import BENCH, ROOT, STORY, self_contained
from tests.bench.peer import Peer, invoke
from tests.bench.server import Program

HERE = ROOT / "tests/bench"
PYTHON = str(BENCH / "bin/python")
RIE = ".tools/sam/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-{processor}"
RIE_PROCESSORS = {"x86_64": "x86_64", "aarch64": "arm64"}

READY = "the client's limit"
RAW = "raw uvloop"
BARE = "bare ASGI, uvicorn"
FASTAPI = "FastAPI StreamingResponse, uvicorn"
FASTAPI_SSE = "fastapi.sse, uvicorn"
SSE_STARLETTE = "sse-starlette, uvicorn"
DENO = "edge function, Deno"
NODE = "edge function, Node"
STORY_NAME = "**ours**: the story"
MAIN = "**ours**: `python -m local`"
SYNC = "**ours**: sync handler"
ASYNC = "**ours**: async handler"
ASGI = "**ours**: bare ASGI in `Streaming`"
FASTAPI_HERE = "**ours**: FastAPI in `Streaming`"
SERVERS = (RAW, BARE, FASTAPI, SSE_STARLETTE, FASTAPI_SSE, DENO, NODE)
MINISTACK = "MiniStack: sync handler"
MINISTACK_STORY = "MiniStack: the story"
INTERFACE_EMULATOR = "AWS's RIE: sync handler"
INTERFACE_EMULATOR_STORY = "AWS's RIE: the story"


def all_peers(folder: Path, *, snapstart: bool = False) -> dict[str, Peer]:
    """Everybody by name; *folder* is for the files that some need, *snapstart* for ours."""
    peers = [*_ours(*(["--snapstart"] if snapstart else [])), *_servers(), *_emulators(folder)]
    return {peer.name: peer for peer in peers}


def local_lambda(template: str, *options: str) -> Program:
    """The emulator as a user starts it."""
    command = (sys.executable, "-m", "local", "--template", template, "--port", "{port}", "--aws-port", "0", *options)
    return Program(command, folder=ROOT, has_workers=True)


def _ours(*options: str) -> list[Peer]:
    emulator = local_lambda("tests/bench/template.yaml", *options)
    return [
        Peer(MAIN, local_lambda("template.yaml"), "/sse", ours=True, story=True),
        Peer(STORY_NAME, emulator, "/sse", ours=True, story=True),
        Peer(SYNC, emulator, "/sync", ours=True),
        Peer(ASYNC, emulator, "/async", ours=True),
        Peer(ASGI, emulator, "/asgi", ours=True),
        Peer(FASTAPI_HERE, emulator, "/fastapi", ours=True),
    ]


def _servers() -> list[Peer]:
    deno = (
        str(BENCH / "bin/deno"),
        "run",
        "--no-config",
        "--allow-net",
        "--allow-ffi",
        str(HERE / "servers/edge_deno.mjs"),
    )
    node = (shutil.which("node") or "node", str(HERE / "servers/edge_node.mjs"))
    return [
        Peer(READY, _python(str(HERE / "servers/ready_server.py"), "{port}")),
        Peer(RAW, _python(str(HERE / "servers/raw_server.py"), "{port}")),
        Peer(BARE, _uvicorn("bare_app:app", "--lifespan", "off")),
        Peer(FASTAPI, _uvicorn("fastapi_app:app")),
        Peer(FASTAPI_SSE, _uvicorn("fastapi_sse_app:app")),
        Peer(SSE_STARLETTE, _uvicorn("sse_starlette_app:app")),
        Peer(DENO, Program((*deno, "{port}"), {"DENO_NO_UPDATE_CHECK": "1"})),
        Peer(NODE, Program((*node, "{port}"))),
    ]


def _emulators(folder: Path) -> list[Peer]:
    cloud = ministack.program(folder / "ministack")
    return [
        Peer(MINISTACK_STORY, cloud, "/sse", story=True),
        Peer(MINISTACK, cloud),
        Peer(
            INTERFACE_EMULATOR_STORY,
            interface_emulator(folder / "story", "story.handler", STORY),
            "/sse",
            invoke,
            story=True,
        ),
        Peer(
            INTERFACE_EMULATOR,
            interface_emulator(folder / "events", "sync_handler.handler", HERE / "functions"),
            request=invoke,
        ),
    ]


def interface_emulator(folder: Path, handler: str, source: Path) -> Program:
    """AWS's runtime interface emulator, bare, with one function; it is started for each event's function anew."""
    bundle = folder / "zip"
    self_contained(bundle, source)
    rie = next(ROOT.glob(RIE.format(processor=RIE_PROCESSORS.get(platform.machine(), "none"))), None)
    if rie is None:
        raise SystemExit("The SAM CLI, which brings AWS's emulator, is not installed: `make tools` installs it.")
    addresses = (
        "--runtime-interface-emulator-address",
        "127.0.0.1:{port}",
        "--runtime-api-address",
        "127.0.0.1:{spare_port}",
    )
    variables = {
        "LAMBDA_TASK_ROOT": str(bundle),
        "_HANDLER": handler,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "300",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_REGION": "us-east-1",
    }
    return Program((str(rie), *addresses, str(bundle / "bootstrap"), sys.executable), variables, has_workers=True)


def _uvicorn(app: str, *options: str) -> Program:
    serve = ("-m", "uvicorn", app, "--host", "127.0.0.1", "--port", "{port}", "--loop", "uvloop", "--http", "httptools")
    return _python(*serve, "--no-access-log", "--log-level", "warning", "--timeout-keep-alive", "60", *options)


def _python(*arguments: str) -> Program:
    return Program((PYTHON, *arguments), _paths())


def _paths() -> Mapping[str, str]:
    return {"PYTHONPATH": f"{HERE / 'functions'}:{HERE / 'servers'}", "PYTHONPYCACHEPREFIX": str(BENCH / "pycache")}
