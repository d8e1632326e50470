"""Fixtures of the emulator's tests: the event loop it runs on, and one moto for all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from local.aws_services import AwsServices


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop the emulator runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
async def services() -> AsyncIterator[AwsServices]:
    """A real moto in a process of its own, shared by the whole run."""
    services = AwsServices()
    await services.start()
    yield services
    await services.stop()
