"""What all environments of one emulator have in common.

What hop this is: `emulator -> [surroundings] -> execution`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from local.environment.reaper import Reaper
from local.environment.variables import World
from local.reports import Reports

IDLE_SECONDS = 300.0  # AWS does not say how long an idle environment is kept


class Listener(Protocol):
    """The Runtime API of one environment, listening."""

    address: str  # host:port

    def close(self) -> None: ...


class Surroundings:
    """*listen* opens the Runtime API of an environment; *folder* is where each has its own below."""

    def __init__(
        self,
        world: World,
        reports: Reports,
        folder: Path,
        listen: Callable[..., Awaitable[Listener]],
        *,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self.world = world
        self.reports = reports
        self.folder = folder
        self.listen = listen
        self.idle_seconds = idle_seconds
        self.reaper = Reaper(folder)
