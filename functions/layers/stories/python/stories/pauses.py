"""How long each word waits for the next: pauses by chance that a seed makes repeatable.

What this is: `narrator, polling -> [pauses]`. Both ways to get a story ask here, so the same seed is the same
schedule on both, and a reader can change from one to the other in the middle.

What differs here, on purpose:
1. A deployment may set the pauses of a request that names none, with `STORY_MIN_MS` and `STORY_MAX_MS`. What is no
   pair of pauses keeps the function from starting: CloudFormation has no way to compare two parameters.
"""

from __future__ import annotations

import os

# Named for type checkers only: importing typing or collections.abc costs a cold start several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LONGEST_MS = 5000
USUAL_MS = {"STORY_MIN_MS": 200, "STORY_MAX_MS": 800}


def default_bounds(environ: Mapping[str, str]) -> tuple[int, int]:
    """The shortest and the longest pause of a request that names none, in milliseconds.

    Raises `ValueError`, with a sentence for whoever deploys, when *environ* sets something else than such a pair.
    """
    min_ms, max_ms = (_milliseconds(name, environ.get(name) or str(usual)) for name, usual in USUAL_MS.items())
    if min_ms > max_ms:
        raise ValueError(f"STORY_MIN_MS ({min_ms}) must not be greater than STORY_MAX_MS ({max_ms}).")
    return min_ms, max_ms


def _milliseconds(name: str, text: str) -> int:
    try:
        milliseconds = int(text)
    except ValueError:
        milliseconds = -1
    if not 0 <= milliseconds <= LONGEST_MS:
        raise ValueError(f"{name} must be a whole number of milliseconds from 0 to {LONGEST_MS}, not {text!r}.")
    return milliseconds


MIN_MS, MAX_MS = default_bounds(os.environ)


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
