"""The query fields, as FastAPI and its OpenAPI document know them.

What this is: `polling -> [fields] -> stories.rules`. What may be in a field, and the sentence that refuses anything
else, come from the rules that the stream has too; here stands what each field means.

What the libraries do that we follow: a `ProblemError` is no `ValueError`, so pydantic lets it through as it is
(https://docs.pydantic.dev/latest/concepts/validators/#raising-validation-errors), and `refusals` answers it.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import Query
from pydantic import BeforeValidator, Field

from stories.library import STORIES
from stories.pauses import LONGEST_MS, MAX_MS, MIN_MS
from stories.rules import LARGEST, story_named, whole_number


def _slug(text: str) -> str:
    return story_named(text).slug


_Milliseconds = Annotated[int, Field(ge=0, le=LONGEST_MS)]
_Whole = Annotated[int, Field(ge=0, le=LARGEST)]

Slug = Annotated[
    str,
    BeforeValidator(_slug),
    Query(description="Which story", json_schema_extra={"enum": list(STORIES)}),
]
MinMs = Annotated[
    _Milliseconds | None,
    BeforeValidator(partial(whole_number, "min_ms")),
    Query(description=f"The shortest pause, in milliseconds; {MIN_MS} if not given"),
]
MaxMs = Annotated[
    _Milliseconds | None,
    BeforeValidator(partial(whole_number, "max_ms")),
    Query(description=f"The longest pause, in milliseconds; {MAX_MS} if not given"),
]
Seed = Annotated[
    _Whole | None,
    BeforeValidator(partial(whole_number, "seed")),
    Query(description="Same seed, same pauses; by chance if not given"),
]
After = Annotated[
    _Whole,
    BeforeValidator(partial(whole_number, "after")),
    Query(description="The `id` of the last event seen, here or in the stream"),
]
Started = Annotated[
    _Whole | None,
    BeforeValidator(partial(whole_number, "started")),
    Query(description="The `started` of an earlier answer; its `seed` must come with it"),
]
