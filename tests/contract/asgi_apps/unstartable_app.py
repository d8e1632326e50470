"""An application whose startup fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from lambda_asgi.streaming import Streaming


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    raise LookupError("no database")
    yield


handler = Streaming(Starlette(lifespan=lifespan))
