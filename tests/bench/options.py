"""What the person at the command line wants, and who takes part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.peer import Peer

STREAMS = 100


@dataclass(frozen=True, slots=True)
class Options:
    """*runs* is None for each workload's own number; *folder* is for files that are not kept."""

    peers: Mapping[str, Peer]
    folder: Path
    runs: int | None = None
    streams: int = STREAMS
    events: int = 200_000
