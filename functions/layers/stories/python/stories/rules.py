"""What may be asked for, and in which words something else is refused.

What this is: `request, polling -> [rules]`: the one place where a query field is judged, for stream and API alike.

What differs here, on purpose:
1. Numbers are stricter than Python's: digits 0 to 9 and nothing else. Other scripts have digits too, and int() would
   take them, a sign, spaces and underscores.
"""

from __future__ import annotations

from stories.library import DEFAULT, STORIES, Story
from stories.pauses import LONGEST_MS, MAX_MS, MIN_MS
from stories.problem import ProblemError

# Named for type checkers only: importing typing or collections.abc costs a cold start several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST = 2**63 - 1
# Each whole number that a request may carry, and the largest it may be; the smallest is always 0.
WHOLE_NUMBERS: Mapping[str, int] = {
    "min_ms": LONGEST_MS,
    "max_ms": LONGEST_MS,
    "seed": LARGEST,
    "Last-Event-ID": LARGEST,
    "after": LARGEST,
    "started": LARGEST,
}


def whole_number(name: str, text: str) -> int:
    """The number that *text*, the value of the field *name*, writes. Raises `ProblemError` when it writes none."""
    largest = WHOLE_NUMBERS[name]
    # The length comes before int(), which would work hard on a number of a million digits.
    if text.isascii() and text.isdigit() and len(text) <= len(str(largest)) and int(text) <= largest:
        return int(text)
    raise ProblemError(400, f"{name} must be one whole number from 0 to {largest}, written in digits only.", field=name)


def story_named(slug: str | None, *, field: str = "story", status: int = 400) -> Story:
    """The story called *slug*, the default one for None. Raises `ProblemError` with the stories there are."""
    story = STORIES.get(DEFAULT if slug is None else slug)
    if story is None:
        stories = [story.about() for story in STORIES.values()]
        raise ProblemError(status, f"{field} must be one of {', '.join(STORIES)}.", field=field, stories=stories)
    return story


def pause_bounds(sent_min: int | None, sent_max: int | None) -> tuple[int, int]:
    """The shortest and the longest pause, in milliseconds, None being the default one.

    Raises `ProblemError` when they are the wrong way round.
    """
    min_ms = MIN_MS if sent_min is None else sent_min
    max_ms = MAX_MS if sent_max is None else sent_max
    if min_ms <= max_ms:
        return min_ms, max_ms
    low = f"min_ms ({min_ms}{', its default' if sent_min is None else ''})"
    high = f"max_ms ({max_ms}{', its default' if sent_max is None else ''})"
    field = "max_ms" if sent_min is None else "min_ms"
    raise ProblemError(400, f"{low} must not be greater than {high}.", field=field)
