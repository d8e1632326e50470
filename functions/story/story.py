"""The story function: a request in, a story out, word by word.

What this is: `lambda_runtime -> [story] -> lambda_runtime`: it asks `request` what is wanted, lets `narrator` say
when, `stories.library` what and `sse` how, and hands each event to the runtime at the moment it is due.

What the spec says that we follow: https://html.spec.whatwg.org/multipage/server-sent-events.html. A reader whose
connection ends reconnects with its last event ID, and stops for good at 204.

What differs here, on purpose:
1. A story that would outlast the function's timeout ends early, without `end-of-stream`, and the reader's reconnect
   gets the rest.
2. What the first word does not need is imported after it: each import on the way there is a wait that every viewer
   of a cold start would see. Logging is imported in the last pause and done when the reply is out.
3. Each reply says in `x-environment` whether its environment is `cold`, which is when no invocation came before this
   one, or `warm`. A viewer cannot tell otherwise. An environment that was initialized ahead of time is cold once, too.
"""

from __future__ import annotations

import os
import time
from itertools import count

import sse
from lambda_runtime.response import Response
from narrator import END, HEARTBEAT, TIME_UP, WORD, narrate
from request import StoryRequest, method, read
from stories.library import END_DATA, END_EVENT
from stories.pauses import random_pauses, random_seed
from stories.problem import CONTENT_TYPE, ProblemError

# Named for type checkers only: importing typing or collections.abc costs a cold start several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from narrator import Clock

    class Context(Protocol):
        """The part of Lambda's context object that is used here."""

        aws_request_id: str

        def get_remaining_time_in_millis(self) -> int: ...


STREAM_HEADERS = {
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
}
ENVIRONMENT = "x-environment"
RETRY_MS = 1000
MARGIN_SECONDS = 1.0  # between the last thing said and the timeout: time to log and to end cleanly

# Where the environment is initialized ahead of time, and with SnapStart once for all, nobody waits for these imports.
if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand") != "on-demand":
    import journal

    journal.initialized()

# How many invocations this environment has had: the one thing here that outlives them.
_invocations = count()


def handler(event: object, context: Context, *, clock: Clock = time) -> Response:
    """Answers a function URL event (payload format 2.0) with a stream, 204 past the end, or a problem.

    No event makes it raise. Words leave on *clock*.
    """
    try:
        response = _answer(read(event), context, clock)
    except ProblemError as problem:
        headers = {"content-type": CONTENT_TYPE, "cache-control": "no-store", **problem.headers}
        response = Response(_refusal(problem, context), problem.status, headers=headers)
    response.headers[ENVIRONMENT] = "warm" if next(_invocations) else "cold"
    if method(event) == "HEAD":
        response.body = b""
    return response


def _answer(request: StoryRequest, context: Context, clock: Clock) -> Response:
    words = request.story.words()
    if request.told > len(words):
        return Response(status_code=204, headers=STREAM_HEADERS)
    return Response(_telling(request, words, context, clock), headers=STREAM_HEADERS)


def _refusal(problem: ProblemError, context: Context) -> Iterator[bytes]:
    yield problem.body()
    import journal

    journal.refused(context.aws_request_id, status=problem.status, field=problem.field)


def _telling(request: StoryRequest, words: tuple[str, ...], context: Context, clock: Clock) -> Iterator[bytes]:
    started = clock.monotonic()
    stop_at = started + context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS
    seed = random_seed() if request.seed is None else request.seed
    pauses = random_pauses(seed, min_ms=request.min_ms, max_ms=request.max_ms)
    first, sent, ended = request.told + 1, 0, "closed"
    try:
        for cue, position in narrate(len(words), pauses, told=request.told, stop_at=stop_at, clock=clock):
            sent += cue == WORD
            yield _chunk(cue, position, words, retry_ms=RETRY_MS if position == first else None)
            if position == len(words):
                import journal
        ended = "out_of_time" if cue == TIME_UP else "complete"
    finally:
        duration_ms = round((clock.monotonic() - started) * 1000)
        import journal

        journal.story_told(
            context.aws_request_id,
            story=request.story.slug,
            seed=seed,
            first=first,
            words=sent,
            ended=ended,
            duration_ms=duration_ms,
        )


def _chunk(cue: str, position: int, words: tuple[str, ...], *, retry_ms: int | None) -> bytes:
    if cue == WORD:
        return sse.event(words[position - 1], event_id=position, retry_ms=retry_ms)
    if cue == END:
        return sse.event(END_DATA, event_id=position, name=END_EVENT, retry_ms=retry_ms)
    return sse.comment("heartbeat" if cue == HEARTBEAT else "time is up, reconnecting resumes")
