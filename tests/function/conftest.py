"""Real small stand-ins for what Lambda and the passing of time give to a function."""

from __future__ import annotations

import sys
from itertools import count

import pytest

import story


class FakeClock:
    """Time that passes only in sleep(), and *oversleep* seconds more of it than was asked for."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.oversleep = 0.0
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.sleeps.append(seconds)
        self.now += seconds + self.oversleep


class FakeContext:
    """The part of Lambda's context object that the story function uses."""

    def __init__(self) -> None:
        self.aws_request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
        self.remaining_ms = 900_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def context() -> FakeContext:
    return FakeContext()


@pytest.fixture(autouse=True)
def _own_logger(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Powertools keeps a logger, and the stdout it was made with, per service name: each test gets its own."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"story {request.node.name}")
    if journal := sys.modules.get("journal"):
        journal.logger.cache_clear()


@pytest.fixture(autouse=True)
def _warm_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The story function's environment had an invocation before, whichever test is the first."""
    monkeypatch.setattr(story, "_invocations", count(1))
