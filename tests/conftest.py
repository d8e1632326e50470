"""What all tests share."""

from __future__ import annotations

import pytest
from hypothesis import settings

# An example may take as long as a busy machine makes it take: 200 ms is Hypothesis' own limit.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def patient_shutdown(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, a process of an environment that ends by itself is not killed first."""
    monkeypatch.setattr("local.environment.shutdown.RUNTIME_SECONDS", 10)
    monkeypatch.setattr("local.environment.shutdown.RUNTIME_WITH_INTERNAL_SECONDS", 10)
    monkeypatch.setattr("local.environment.shutdown.LIMIT_SECONDS", 15)
