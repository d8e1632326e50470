"""An event loop that stays awake while a reply is about to begin.

What hop this is: beside `runtime_server`, from the event that a worker gets to the reply that it begins.

What the real service does: nothing of the kind that is known. A process that sleeps until its socket is readable has
to be woken, and often a processor with it. On a virtual machine that takes about as long as a short handler does, of
the sender's time as well. Not to sleep for a moment is what Linux offers for network cards
(https://docs.kernel.org/networking/napi.html#busy-polling).
"""

from __future__ import annotations

import asyncio
import os
import time

MOMENT_SECONDS = 0.0005  # a handler that waits for nothing has begun its reply by then


class BusyPoll:
    """Keeps the running loop from sleeping, for a moment at most; it does meanwhile what else there is to do."""

    def __init__(self) -> None:
        self.running = False
        self._until = 0.0

    def start(self) -> None:
        """Something is about to come."""
        self._until = time.monotonic() + MOMENT_SECONDS
        if not self.running:
            self._poll()

    def stop(self) -> None:
        """It has come, or is not waited for any more."""
        self._until = 0.0

    def _poll(self) -> None:
        self.running = time.monotonic() < self._until
        if self.running:
            os.sched_yield()  # who is to send it may need this very processor
            asyncio.get_running_loop().call_soon(self._poll)
