"""Which processor does what: servers have one, the load client the other.

A peer is one process, and has the servers' core for itself. Ours is two: the emulator has that same core, and its
workers, which on AWS would be on another machine, share the client's.
"""

from __future__ import annotations

import contextlib
import os

import psutil

CORES = sorted(os.sched_getaffinity(0))
SERVER, CLIENT = CORES[0], CORES[-1]


def pinned(command: list[str]) -> list[str]:
    """The command, on the servers' core."""
    return ["taskset", "--cpu-list", str(SERVER), *command]


def pin_children(pid: int) -> bool:
    """Move all that the process *pid* has started to the client's core, each with all of its threads.

    Whether there was any that had been elsewhere.
    """
    moved = False
    for child in psutil.Process(pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            for thread in child.threads():
                moved = moved or os.sched_getaffinity(thread.id) != {CLIENT}
                os.sched_setaffinity(thread.id, {CLIENT})
    return moved
