"""AWS's runtime interface emulator (RIE), run bare: what `sam local invoke` runs inside a container.

Three things to know about it, all seen by running it: without addresses it listens on every interface; a second request
while one is running crashes it; and it buffers the reply and hands a streaming runtime's prelude through raw.
"""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil

START_SECONDS = 20
REPLY_SECONDS = 60
INVOKE_PATH = "/2015-03-31/functions/function/invocations"


class InterfaceEmulator:
    """A running RIE with one function behind it. *log* holds what both have written."""

    def __init__(self, address: str, log: Path) -> None:
        self._address = address
        self._log = log

    def invoke(self, event: Mapping[str, object]) -> Any:
        """The function's reply to one event, decoded from JSON. One at a time, so the caller waits here."""
        reply = self.post(event)
        try:
            return reply.raise_for_status().json()
        except (httpx.HTTPStatusError, json.JSONDecodeError) as error:
            raise AssertionError(f"{error}\n{reply.content!r}\n{self._log.read_text()}") from None

    def post(self, event: object) -> httpx.Response:
        """The reply as it is: that of a streaming runtime is raw bytes, prelude and all."""
        return httpx.post(f"http://{self._address}{INVOKE_PATH}", json=event, timeout=REPLY_SECONDS)


@contextmanager
def interface_emulator(
    rie: Path, command: Sequence[str | Path], *, environment: Mapping[str, str], log: Path
) -> Iterator[InterfaceEmulator]:
    """Run *command* as a function's bootstrap behind the RIE; nothing of either is left afterwards."""
    invoke_address, runtime_address = _free_addresses(2)
    arguments = ["--runtime-interface-emulator-address", invoke_address, "--runtime-api-address", runtime_address]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [rie, *arguments, *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for(invoke_address, process, log)
        yield InterfaceEmulator(invoke_address, log)
    finally:
        _kill_with_children(process)


def sam_local_environment(*, task_root: Path, handler: str, path: str) -> dict[str, str]:
    """The variables `sam local` gives to a function's container, and Lambda's own two that its image has."""
    return {
        "PATH": path,
        "LAMBDA_TASK_ROOT": str(task_root),
        "_HANDLER": handler,
        "AWS_SAM_LOCAL": "true",
        "AWS_LAMBDA_FUNCTION_HANDLER": handler,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_NAME": "StoryFunction",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "600",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_LOG_GROUP_NAME": "aws/lambda/StoryFunction",
        "AWS_LAMBDA_LOG_STREAM_NAME": "$LATEST",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "defaultkey",
        "AWS_SECRET_ACCESS_KEY": "defaultsecret",
        "AWS_ACCOUNT_ID": "123456789012",
        "POWERTOOLS_SERVICE_NAME": "story",
    }


def managed_bootstrap(folder: Path, interpreter: str | Path) -> Path:
    """A stand-in for a managed runtime's /var/runtime/bootstrap, reduced to how it calls a wrapper script."""
    script = folder / "managed-bootstrap"
    script.write_text(f'#!/bin/sh\nexec "$AWS_LAMBDA_EXEC_WRAPPER" {interpreter} /var/runtime/bootstrap.py\n')
    script.chmod(0o755)
    return script


def _free_addresses(count: int) -> list[str]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    addresses = [f"127.0.0.1:{listener.getsockname()[1]}" for listener in sockets]
    for listener in sockets:
        listener.close()
    return addresses


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    host, _, port = address.partition(":")
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"the emulator does not listen on {address}:\n{log.read_text()}")


def _kill_with_children(process: subprocess.Popen[bytes]) -> None:
    # The emulator puts the function's process into a group of its own, so killing its group is not enough.
    with suppress(psutil.NoSuchProcess):
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.kill()
    process.wait(timeout=START_SECONDS)
