"""The Runtime API of one domain, on a port that only its worker knows; the rest is told in `local.runtime_server`."""

from __future__ import annotations

import asyncio

from local.environment.domain import Domain
from local.extensions_api import ExtensionsApi
from local.runtime_api import RuntimeApi
from local.runtime_server.connection import RuntimeConnection


class RuntimeListener:
    """The Runtime API of one domain; only that domain's worker knows the port."""

    def __init__(self, server: asyncio.Server, connections: set[RuntimeConnection]) -> None:
        host, port = server.sockets[0].getsockname()[:2]
        self.address = f"{host}:{port}"
        self._server = server
        self._connections = connections

    @classmethod
    async def open(cls, domain: Domain) -> RuntimeListener:
        """Listen on a free port of the loopback interface."""
        api, extensions, connections = RuntimeApi(domain), ExtensionsApi(domain), set[RuntimeConnection]()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: RuntimeConnection(api, extensions, connections), "127.0.0.1", 0)
        return cls(server, connections)

    def close(self) -> None:
        """Stop listening and drop what is connected."""
        self._server.close()
        for connection in list(self._connections):
            connection.drop()
