"""When each word leaves: schedule, heartbeats and the end of the time there is.

What this is: `story -> [narrator] -> story`: a count of words in, one cue after another out, each at its moment. It
knows neither the words nor how they are written down.

What the real service does that we follow: a function is killed at its timeout
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html), and CloudFront gives up on an origin that
is silent for 30 s
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html). So a story that
would not end in time stops before the timeout, and a long pause is not silent.
"""

from __future__ import annotations

import time
from itertools import islice

# Named for type checkers only: importing typing or collections.abc costs a cold start several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Protocol

    class Clock(Protocol):
        """Time that only moves forward, in seconds; the module `time` is one."""

        def monotonic(self) -> float: ...
        def sleep(self, seconds: float, /) -> None: ...


# The cues.
WORD, END, HEARTBEAT, TIME_UP = "word", "end", "heartbeat", "time_up"
HEARTBEAT_SECONDS = 15.0


def narrate(
    words: int, pauses: Iterable[int], *, told: int = 0, stop_at: float, clock: Clock = time
) -> Iterator[tuple[str, int]]:
    """Cues with their positions: `(WORD, 1)` to `(WORD, words)`, then `(END, words + 1)`, each when it is due.

    *pauses* are whole milliseconds, the first one for the pause after word 1. *told* words were told before: the
    first cue is the one after them, at once. Each later one is due at the first one's time plus the sum of the
    pauses between, so that lateness never adds up.

    `(HEARTBEAT, position)` comes every 15 s of a longer pause. `(TIME_UP, position)` ends the story early when the
    cue of that position could only leave after *stop_at*, a time of *clock*. The first cue always comes: a story
    that is resumed again and again still goes on.
    """
    started = clock.monotonic()
    elapsed_ms = 0
    pauses_left = islice(pauses, told, None)
    yield _cue(told + 1, words)
    for position in range(told + 2, words + 2):
        elapsed_ms += next(pauses_left)
        due = started + elapsed_ms / 1000
        now = clock.monotonic()
        # A slow reader can hold us up past a due time, so what counts is when the cue can leave.
        if due > stop_at or now > stop_at:
            yield TIME_UP, position
            return
        while (wait := due - now) > HEARTBEAT_SECONDS:
            clock.sleep(HEARTBEAT_SECONDS)
            yield HEARTBEAT, position
            now = clock.monotonic()
        if wait > 0:
            clock.sleep(wait)
        yield _cue(position, words)


def _cue(position: int, words: int) -> tuple[str, int]:
    return (WORD if position <= words else END), position
