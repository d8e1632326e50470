"""The catalogue: which stories there are, and each with its text.

What this is: `application -> [catalogue] -> stories.library`.

What differs here, on purpose:
1. The functions are coroutines although they wait for nothing: FastAPI would start a thread for any other kind, and a
   cold start would wait for it.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response

from documents import Catalogue, Health, Links, Pauses, StoryDocument, StorySummary
from stories.library import DEFAULT, STORIES, Story
from stories.pauses import MAX_MS, MIN_MS
from stories.rules import story_named

CACHE_CONTROL = "public, max-age=300"  # stories change with a deployment only


async def list_stories(response: Response) -> Catalogue:
    """Every story, without its text."""
    response.headers["cache-control"] = CACHE_CONTROL
    return Catalogue(default=DEFAULT, stories=[_summary(story) for story in STORIES.values()])


async def read_story(
    slug: Annotated[str, Path(description="Which story", json_schema_extra={"enum": list(STORIES)})], response: Response
) -> StoryDocument:
    """One story with its text, all of it at once."""
    story = story_named(slug, field="slug", status=404)
    response.headers["cache-control"] = CACHE_CONTROL
    return StoryDocument(**_summary(story).model_dump(), text=story.text())


async def check_health(response: Response) -> Health:
    """Whether the API can do its work."""
    response.headers["cache-control"] = "no-store"
    return Health(status="ok", stories=sum(bool(story.text().split()) for story in STORIES.values()))


def _summary(story: Story) -> StorySummary:
    slug = story.slug
    return StorySummary(
        **story.about(),
        words=len(story.words()),
        pauses=Pauses(min_ms=MIN_MS, max_ms=MAX_MS),
        links=Links(self=f"/api/stories/{slug}", stream=f"/api/sse?story={slug}", poll=f"/api/poll?story={slug}"),
    )
