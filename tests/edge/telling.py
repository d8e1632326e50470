"""One telling of a story, heard event by event with httpx and httpx-sse, which know nothing of our writer.

What this is: `test -> [telling] -> edge`.

What the spec says that we follow: https://html.spec.whatwg.org/multipage/server-sent-events.html, as httpx-sse reads
it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from httpx_sse import EventSource, ServerSentEvent

PATH = "/sse"
MOST_EVENTS = 1000  # the longest story has 676
END = "end-of-stream"


class EndlessError(Exception):
    """A stream has more events than the longest story."""


@dataclass(frozen=True, slots=True)
class Telling:
    """What was heard of one stream; *times* has the moment of each event, in seconds of the monotonic clock."""

    status: int
    headers: httpx.Headers
    events: tuple[ServerSentEvent, ...]
    times: tuple[float, ...]

    @property
    def ids(self) -> list[str]:
        """Of all events, in the order in which they came."""
        return [event.id for event in self.events]

    @property
    def words(self) -> list[str]:
        """The data of all events but the one that ends the stream."""
        return [event.data for event in self.events if event.event != END]


def hear(
    client: httpx.Client,
    *,
    min_ms: int | None = 0,
    max_ms: int | None = 0,
    last_event_id: int | None = None,
    stop_after: int = MOST_EVENTS + 1,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Telling:
    """Listen to the end, or cut the connection after *stop_after* events; None leaves a pause to the story's own pace.

    Raises `EndlessError`, httpx's `TransportError`, and `httpx_sse.SSEError` for another content type.
    """
    asked = {**(headers or {}), "accept": "text/event-stream"}
    if last_event_id is not None:
        asked["last-event-id"] = str(last_event_id)
    pauses = {"min_ms": min_ms, "max_ms": max_ms}
    params = {name: str(pause) for name, pause in pauses.items() if pause is not None} | dict(query or {})
    events: list[ServerSentEvent] = []
    times: list[float] = []
    with client.stream("GET", PATH, params=params, headers=asked) as response:
        if response.status_code == 200:
            for event in EventSource(response).iter_sse():
                events.append(event)
                times.append(time.monotonic())
                if len(events) == stop_after:
                    break
                if len(events) > MOST_EVENTS:
                    raise EndlessError(f"{len(events)} events, and no end.")
        return Telling(response.status_code, response.headers, tuple(events), tuple(times))
