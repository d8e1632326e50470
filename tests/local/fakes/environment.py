"""Stand-ins for the two sides of an invocation: a function as a template gives it, and what takes the event."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from local.config import Function
from local.invocation import Failure, Invocation

FUNCTIONS = Path(__file__).parent.parent / "functions"


def a_function(folder: str = "worker", /, **fields: object) -> Function:
    """A function whose code is tests/local/functions/*folder*; *fields* are those of `Function`."""
    told: dict[str, object] = {
        "logical_id": "Worker",
        "name": "test-worker",
        "arn": "arn:aws:lambda:eu-west-1:123456789012:function:test-worker",
        "runtime": "provided.al2023",
        "handler": "worker.handler",
        "code": FUNCTIONS / folder,
        "timeout_seconds": 10,
    }
    return Function(**{**told, **fields})


class FakeEnvironment:
    """At the Runtime API in an environment's place: hands over what was offered, keeps what it was told."""

    def __init__(self, *, restored: bool = False) -> None:
        self.restored = restored
        self.ready_count = 0
        self.restoring_count = 0
        self.init_failures: list[Failure] = []
        self._offered: list[Invocation] = []
        self._asking: list[Callable[[Invocation], None]] = []

    @property
    def asking_count(self) -> int:
        return len(self._asking)

    def offer(self, invocation: Invocation) -> Invocation:
        self._offered.append(invocation)
        self._meet()
        return invocation

    def ready(self) -> None:
        self.ready_count += 1

    def restoring(self) -> None:
        self.restoring_count += 1

    def take(self, answer: Callable[[Invocation], None]) -> Callable[[], None]:
        self._asking.append(answer)
        self._meet()
        return lambda: self._asking.remove(answer) if answer in self._asking else None

    def init_failed(self, failure: Failure) -> None:
        self.init_failures.append(failure)

    def _meet(self) -> None:
        while self._offered and self._asking:
            invocation = self._offered.pop(0)
            invocation.hand_over()
            self._asking.pop(0)(invocation)
