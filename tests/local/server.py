"""An ASGI app on a real socket, for what only a socket shows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from local.asgi import ASGIApp
from local.http1.connection import Patience
from local.servers import HttpServer, bind, port_of


@asynccontextmanager
async def served(app: ASGIApp, patience: Patience | None = None) -> AsyncIterator[int]:
    """The app as the emulator serves it; its port."""
    sockets = bind(0, "--port")
    server = HttpServer(app, sockets, patience)
    await server.open()
    try:
        yield port_of(sockets)
    finally:
        await server.close()
