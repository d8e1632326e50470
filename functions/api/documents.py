"""The JSON documents that the API answers with: their fields, and what OpenAPI says about each.

What this is: `catalogue, polling -> [documents] -> viewer`. Refusals have a shape of their own, see `refusals`.
"""

from __future__ import annotations

from pydantic import BaseModel, Field


class Pauses(BaseModel):
    """The bounds of the pauses between words, where a request names none."""

    min_ms: int
    max_ms: int


class Links(BaseModel):
    """Where a story is to be had; paths on the web origin that this document came from."""

    self: str = Field(description="With its text, at once")
    stream: str = Field(description="Word by word, as server-sent events")
    poll: str = Field(description="Word by word, by asking again and again")


class StorySummary(BaseModel):
    """What a viewer needs to offer a story and to show it."""

    slug: str = Field(description="Its name in a query", examples=["lighthouse"])
    title: str
    lang: str = Field(description="BCP 47 language tag, for HTML's `lang`")
    dir: str = Field(description="`ltr` or `rtl`, for HTML's `dir`")
    words: int = Field(description="How many there are; the end event has the position after the last")
    pauses: Pauses
    links: Links


class StoryDocument(StorySummary):
    """A story with its text."""

    text: str = Field(description="The words, with the line breaks between paragraphs")


class Catalogue(BaseModel):
    """All stories."""

    default: str = Field(description="The slug of the story that is told when a request names none")
    stories: list[StorySummary]


class Health(BaseModel):
    """The API runs, and the stories are in their place."""

    status: str = Field(examples=["ok"])
    stories: int = Field(description="How many have a text that can be read")


class Event(BaseModel):
    """One word, or the end: the same `id`, `event` and `data` as in the stream."""

    id: int = Field(description="Position: 1 for the first word. What the stream's `Last-Event-ID` takes, too")
    event: str | None = Field(default=None, description="`end-of-stream` on the last event; words have none")
    data: str = Field(description="The word")


class PollAnswer(BaseModel):
    """The events that are due, and what to ask next."""

    events: list[Event] = Field(description="Those after `after` that are due by now; often none")
    next_ms: int | None = Field(description="Milliseconds until the next event is due; null when there is none left")
    seed: int = Field(description="Of the pauses; to be sent with each request that follows")
    started: int = Field(description="When word 1 was due, in milliseconds since 1970; to be sent, too")
    done: bool = Field(description="Whether the end event has come: there is nothing left to ask for")
