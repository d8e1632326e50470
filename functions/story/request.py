"""What a viewer asks for: which story, from which word on, with which pauses.

What this is: `function URL event -> [request] -> story`; the query fields are judged by `stories.rules`.

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

from stories.problem import ProblemError
from stories.rules import pause_bounds, story_named, whole_number

# Named for type checkers only: importing typing or collections.abc costs a cold start several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from stories.library import Story

PATHS = ("/sse", "/api/sse")
METHODS = ("GET", "HEAD")


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
    story = story_named(_text(event, "queryStringParameters", "story"))
    sent_min, sent_max, seed = (_whole_number(event, name) for name in ("min_ms", "max_ms", "seed"))
    told = _last_event_id(event)
    min_ms, max_ms = pause_bounds(sent_min, sent_max)
    return StoryRequest(story, told=told, min_ms=min_ms, max_ms=max_ms, seed=seed)


def method(event: object) -> str | None:
    """The HTTP method of a function URL event, None if it has none."""
    return _text(event, "requestContext", "http", "method")


def _text(event: object, *keys: str) -> str | None:
    for key in keys:
        event = event.get(key) if isinstance(event, dict) else None
    return event if isinstance(event, str) else None


def _whole_number(event: object, name: str) -> int | None:
    text = _text(event, "queryStringParameters", name)
    return None if text is None else whole_number(name, text)


def _last_event_id(event: object) -> int:
    # A header without a value says what a missing one says; a query field without a value is a slip worth telling.
    text = _text(event, "headers", "last-event-id") or "0"
    return whole_number("Last-Event-ID", text)
