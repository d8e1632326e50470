"""The load client runs on the event loop that the benchmarks run it on."""

from __future__ import annotations

import pytest


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """asyncio on uvloop."""
    return "asyncio", {"use_uvloop": True}
