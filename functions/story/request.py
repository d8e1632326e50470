"""What a viewer asks for: which story, from which word on, with which pauses.

What this is: `function URL event -> [request] -> story`, and the one place where input is judged.

What the real service does that we follow: payload format 2.0
(https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads): header names in lower case, query
values decoded, repeated ones joined with a comma. A reader that reconnects sends the last event ID it saw
(https://html.spec.whatwg.org/multipage/server-sent-events.html#the-last-event-id-header).

What differs here, on purpose:
1. A key that is missing or holds no text counts as not sent: an event that never came through a function URL is
   answered with a refusal, not with a stack trace.
2. Query fields of other names are left alone.
"""

from __future__ import annotations

from library import DEFAULT, STORIES, Story
from problem import ProblemError

PATHS = ("/sse", "/api/sse")
METHODS = ("GET", "HEAD")
MIN_MS, MAX_MS = 200, 800
LONGEST_PAUSE_MS = 5000
LARGEST = 2**63 - 1

# Where a whole number stands in the event, its name, and the largest it may be; the smallest is always 0.
WHOLE_NUMBERS = (
    ("queryStringParameters", "min_ms", LONGEST_PAUSE_MS),
    ("queryStringParameters", "max_ms", LONGEST_PAUSE_MS),
    ("queryStringParameters", "seed", LARGEST),
    ("headers", "Last-Event-ID", LARGEST),
)


class StoryRequest:
    """A request that can be answered.

    *told* is the position of the last event the viewer has seen, 0 for none. *min_ms* and *max_ms* bound the pauses,
    in milliseconds; *seed* decides them, None leaves them to chance.
    """

    __slots__ = ("max_ms", "min_ms", "seed", "story", "told")

    def __init__(self, story: Story, *, told: int, min_ms: int, max_ms: int, seed: int | None) -> None:
        self.story = story
        self.told = told
        self.min_ms = min_ms
        self.max_ms = max_ms
        self.seed = seed


def read(event: object) -> StoryRequest:
    """What the function URL *event* asks for. Raises `ProblemError` for the first thing that is wrong with it."""
    if _text(event, "rawPath") not in PATHS:
        raise ProblemError(404, f"There is nothing at this path; the story is at {PATHS[0]}.")
    if method(event) not in METHODS:
        allow = ", ".join(METHODS)
        raise ProblemError(405, f"A story can only be read: use {allow}.", headers={"allow": allow})
    story = _story(event)
    numbers = {name: _whole_number(event, place, name, largest) for place, name, largest in WHOLE_NUMBERS}
    min_ms, max_ms = _pauses(numbers["min_ms"], numbers["max_ms"])
    told = numbers["Last-Event-ID"] or 0
    return StoryRequest(story, told=told, min_ms=min_ms, max_ms=max_ms, seed=numbers["seed"])


def method(event: object) -> str | None:
    """The HTTP method of a function URL event, None if it has none."""
    return _text(event, "requestContext", "http", "method")


def _text(event: object, *keys: str) -> str | None:
    for key in keys:
        event = event.get(key) if isinstance(event, dict) else None
    return event if isinstance(event, str) else None


def _story(event: object) -> Story:
    slug = _text(event, "queryStringParameters", "story")
    story = STORIES.get(DEFAULT if slug is None else slug)
    if story is None:
        stories = [story.about() for story in STORIES.values()]
        raise ProblemError(400, f"story must be one of {', '.join(STORIES)}.", field="story", stories=stories)
    return story


def _whole_number(event: object, place: str, name: str, largest: int) -> int | None:
    text = _text(event, place, name.lower())
    # A header without a value says what a missing one says; a query field without a value is a slip worth telling.
    if text is None or (text == "" and place == "headers"):
        return None
    # Other scripts have digits too, and int() would take them, a sign, spaces and underscores. It would also work
    # hard on a number of a million digits.
    if text.isascii() and text.isdigit() and len(text) <= len(str(largest)) and int(text) <= largest:
        return int(text)
    raise ProblemError(400, f"{name} must be one whole number from 0 to {largest}, written in digits only.", field=name)


def _pauses(sent_min: int | None, sent_max: int | None) -> tuple[int, int]:
    min_ms = MIN_MS if sent_min is None else sent_min
    max_ms = MAX_MS if sent_max is None else sent_max
    if min_ms <= max_ms:
        return min_ms, max_ms
    low = f"min_ms ({min_ms}{', its default' if sent_min is None else ''})"
    high = f"max_ms ({max_ms}{', its default' if sent_max is None else ''})"
    field = "max_ms" if sent_min is None else "min_ms"
    raise ProblemError(400, f"{low} must not be greater than {high}.", field=field)
