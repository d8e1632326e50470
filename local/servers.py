"""Sockets and HTTP servers of the emulator: loopback only.

What hop this is: `viewer -> [servers: uvicorn] -> front`, `function -> [servers: uvicorn] -> aws_endpoint`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
from collections.abc import Iterator

import uvicorn

from local.asgi import ASGIApp
from local.errors import EmulatorError

KEEP_ALIVE_SECONDS = 75
SHUTDOWN_SECONDS = 1


def bind(port: int, option: str) -> list[socket.socket]:
    """Listen on *port* (0 for any free one) of 127.0.0.1, and of ::1 where there is one.

    Raises `EmulatorError` that names *option*, when the port is taken or there can be no such port.
    """
    if not 0 <= port <= 65535:
        raise EmulatorError(f"There is no port {port}: choose one from 0 to 65535 with {option}.")
    try:
        sockets = [socket.create_server(("127.0.0.1", port), backlog=2048)]
    except OSError as error:
        raise _port_error(port, error, option) from error
    try:
        sockets.append(socket.create_server(("::1", port_of(sockets)), family=socket.AF_INET6, backlog=2048))
    except OSError as error:
        # A browser tries ::1 first for "localhost" and falls back when nobody listens there; when another does, the
        # page would be theirs.
        if port and error.errno == errno.EADDRINUSE:
            sockets[0].close()
            raise _port_error(port, error, option) from error
    return sockets


def _port_error(port: int, error: OSError, option: str) -> EmulatorError:
    reason = os.strerror(error.errno or 0)  # the error's own text repeats the address
    return EmulatorError(
        f"Port {port} cannot be used ({reason}): stop what listens there, or choose another with {option}."
    )


def port_of(sockets: list[socket.socket]) -> int:
    """The port that *sockets* listen on."""
    return int(sockets[0].getsockname()[1])


class HttpServer(uvicorn.Server):
    """uvicorn for one app on sockets that are already bound, inside a loop that runs other things too."""

    def __init__(self, app: ASGIApp, sockets: list[socket.socket]) -> None:
        config = uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            loop="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
        super().__init__(config)
        logging.getLogger("uvicorn.error").addFilter(_is_no_cut_reply)
        self._sockets = sockets
        self._ready = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Serve from now on."""
        self._serving = asyncio.create_task(self.serve(self._sockets))
        await self._ready.wait()

    async def close(self) -> None:
        """Stop; requests that are still running have a second to end."""
        self.should_exit = True
        if self._serving:
            await self._serving

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the emulator's business, not each server's."""
        yield


def _is_no_cut_reply(record: logging.LogRecord) -> bool:
    """An app that returns without finishing its response is how a reply that was cut short is shown to the viewer."""
    return record.getMessage() != "ASGI callable returned without completing response."
