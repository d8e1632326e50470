"""What all environments of one emulator have in common.

What hop this is: `emulator -> [surroundings] -> execution`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from local.environment.memory import MemoryWatch
from local.environment.reaper import Reaper
from local.environment.variables import World
from local.reports import Reports

IDLE_SECONDS = 300.0  # AWS does not say how long an idle environment is kept
LIFETIME_SECONDS = 4 * 3600.0  # "every few hours"


class Listener(Protocol):
    """The Runtime API of one domain, listening."""

    address: str  # host:port

    def close(self) -> None: ...


class Surroundings:
    """*listen* opens the Runtime API of a domain; *folder* is where each environment has its own below.

    With *snapstart* every function is treated as if it had SnapStart.
    An environment is given up after *idle_seconds* without an event, and with the end of the invocation in which it
    grows older than *lifetime_seconds*.
    """

    def __init__(
        self,
        world: World,
        reports: Reports,
        folder: Path,
        listen: Callable[..., Awaitable[Listener]],
        *,
        snapstart: bool = False,
        idle_seconds: float = IDLE_SECONDS,
        lifetime_seconds: float = LIFETIME_SECONDS,
    ) -> None:
        self.world = world
        self.reports = reports
        self.folder = folder
        self.listen = listen
        self.snapstart = snapstart
        self.idle_seconds = idle_seconds
        self.lifetime_seconds = lifetime_seconds
        self.memory_watch = MemoryWatch()
        self.reaper = Reaper(folder)
