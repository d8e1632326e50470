"""One emulator for all tests that leave it as they found it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.local_cloud import LocalCloud


@pytest.fixture(scope="session")
def cloud() -> Iterator[LocalCloud]:
    """The project's own template, running."""
    cloud = LocalCloud()
    yield cloud
    assert cloud.stop() == 0


@pytest.fixture
def viewer(cloud: LocalCloud) -> Iterator[httpx.Client]:
    """An HTTP client of the edge."""
    with httpx.Client(base_url=cloud.url, timeout=20) as client:
        yield client
