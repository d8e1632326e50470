"""What is written down about each reply: one structured log line, for the people who run the function.

What this is: `story -> [journal] -> stdout -> CloudWatch Logs`. Nothing imports this module before the reply has
left, because Powertools takes longer to import than a story takes to begin.

What the library does that we follow: Powertools' Logger writes JSON and takes its service name and level from
`POWERTOOLS_SERVICE_NAME` and `POWERTOOLS_LOG_LEVEL`; `function_request_id` is its own name for that key
(https://docs.aws.amazon.com/powertools/python/latest/core/logger/).
"""

from __future__ import annotations

from functools import cache

from aws_lambda_powertools import Logger


@cache
def logger() -> Logger:
    """The one that writes: made when it is first wanted, which with SnapStart is before the snapshot."""
    return Logger()


def initialized() -> None:
    """Notes that the environment was initialized ahead of time. Also, the first line costs most: this is that one."""
    logger().info("Initialized ahead of time")


def story_told(request_id: str, *, story: str, seed: int, first: int, words: int, ended: str, duration_ms: int) -> None:
    """Notes a story: its slug, the seed of its pauses, the position of the *first* event of this reply, how many
    *words* were handed over, and how it *ended*: `complete`, `out_of_time`, or `closed` before its end.
    """
    keys = {"story": story, "seed": seed, "first": first, "words": words, "ended": ended}
    logger().info("Story told", extra={"function_request_id": request_id, **keys, "duration_ms": duration_ms})


def refused(request_id: str, *, status: int, field: str | None) -> None:
    """Notes a refusal: its status code and the query field or header that was wrong, if it was one."""
    logger().warning("Request refused", extra={"function_request_id": request_id, "status": status, "field": field})
