"""Sockets and HTTP servers of the emulator: loopback only.

What hop this is: `viewer -> [servers] -> front`, `function -> [servers] -> aws_endpoint`; a connection is an
`http1.connection`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket

from local.asgi import ASGIApp
from local.errors import EmulatorError
from local.http1.connection import Connection, Patience

BACKLOG = 2048
PATIENCE = Patience()
SHUTDOWN_SECONDS = 1


def bind(port: int, option: str) -> list[socket.socket]:
    """Listen on *port* (0 for any free one) of 127.0.0.1, and of ::1 where there is one.

    Raises `EmulatorError` that names *option*, when the port is taken or there can be no such port.
    """
    if not 0 <= port <= 65535:
        raise EmulatorError(f"There is no port {port}: choose one from 0 to 65535 with {option}.")
    try:
        sockets = [socket.create_server(("127.0.0.1", port), backlog=BACKLOG)]
    except OSError as error:
        raise _port_error(port, error, option) from error
    try:
        sockets.append(socket.create_server(("::1", port_of(sockets)), family=socket.AF_INET6, backlog=BACKLOG))
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


class HttpServer:
    """Serves *app* on *sockets* that are bound already."""

    def __init__(self, app: ASGIApp, sockets: list[socket.socket], patience: Patience | None = None) -> None:
        self._app = app
        self._sockets = sockets
        self._patience = patience
        self._connections: set[Connection] = set()
        self._servers: list[asyncio.Server] = []

    async def open(self) -> None:
        """Serve from now on."""
        loop = asyncio.get_running_loop()
        for bound in self._sockets:
            self._servers.append(await loop.create_server(self._connect, sock=bound, backlog=BACKLOG))

    async def close(self) -> None:
        """Stop; requests that are still running have a second to end."""
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.finish()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended(), SHUTDOWN_SECONDS)
        for connection in list(self._connections):
            connection.abort()
        await self._ended()

    async def _ended(self) -> None:
        await asyncio.gather(*(connection.ended() for connection in self._connections))

    def _connect(self) -> Connection:
        return Connection(self._app, self._connections, self._patience or PATIENCE)
