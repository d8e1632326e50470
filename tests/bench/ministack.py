"""MiniStack, a local AWS in Python that needs no Docker: how it is started, and how the story gets into it.

It runs a `provided` runtime as a process of this machine, so it gets the very bundle that the emulator here runs, with
the streaming runtime's `bootstrap` as its entry point. It reads no template: a client has to create function and URL.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import boto3

from tests.bench.artifacts import BENCH, ROOT, STORY, self_contained, zipped
from tests.bench.server import Program

EVENTS = ROOT / "tests/bench/functions"
ROLE = "arn:aws:iam::000000000000:role/bench"


def program(folder: Path) -> Program:
    """MiniStack with the story at `/sse` and the synchronous handler at `/stream`; it keeps files in *folder*."""
    bundles = {}
    for path, handler, source in (("/sse", "story.handler", STORY), ("/stream", "sync_handler.handler", EVENTS)):
        bundle = folder / f"bundle{path}/zip"
        self_contained(bundle, source)
        bundles[path] = (handler, zipped(bundle))
    return Program(
        (str(BENCH / "bin/ministack"),),
        {
            "GATEWAY_PORT": "{port}",
            "BIND_HOST": "127.0.0.1",
            "LOG_LEVEL": "WARNING",
            # The bootstrap takes the python3 that it finds: this one, as the emulator does.
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
        folder=folder,
        has_workers=True,
        deploy=_deployment(bundles),
    )


def _deployment(bundles: Mapping[str, tuple[str, bytes]]) -> Callable[[int], Mapping[str, str]]:
    def deploy(port: int) -> Mapping[str, str]:
        client = boto3.client(
            "lambda",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        paths = {}
        for path, (handler, code) in bundles.items():
            name = handler.partition(".")[0]
            client.create_function(
                FunctionName=name, Runtime="provided.al2023", Role=ROLE, Handler=handler, Timeout=300, MemorySize=512,
                Code={"ZipFile": code},
            )  # fmt: skip
            url = client.create_function_url_config(FunctionName=name, AuthType="NONE", InvokeMode="RESPONSE_STREAM")
            identifier = url["FunctionUrl"].removeprefix("https://").partition(".")[0]
            paths[path] = f"/_aws/lambda-url/{identifier}{path}"
        return paths

    return deploy
