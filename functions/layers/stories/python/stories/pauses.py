"""How long each word waits for the next: pauses by chance that a seed makes repeatable.

What this is: `narrator, polling -> [pauses]`. Both ways to get a story ask here, so the same seed is the same
schedule on both, and a reader can change from one to the other in the middle.
"""

from __future__ import annotations

import os

# Named for type checkers only: importing typing or collections.abc costs a cold start several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_MS, MAX_MS = 200, 800  # the bounds, where a request names none
LONGEST_MS = 5000


def random_pauses(seed: int, *, min_ms: int, max_ms: int) -> Iterator[int]:
    """Pauses without end: whole milliseconds from *min_ms* to *max_ms*, both included, all equally likely.

    The same numbers give the same pauses: the one after a word does not depend on where a story was resumed.
    """
    # Imported when the first pause is asked for, which is after the first word: nobody waits for it there.
    from random import Random

    randint = Random(seed).randint
    while True:
        yield randint(min_ms, max_ms)


def random_seed() -> int:
    """A seed by chance, from 0 to 2**32 - 1, which a number in JavaScript holds exactly."""
    # From the operating system: environments restored from one snapshot would share the state of a generator.
    return int.from_bytes(os.urandom(4), "big")
