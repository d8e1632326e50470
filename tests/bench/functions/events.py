"""What every Python server of the benchmarks tells: as many events as are asked for, at the pace asked for.

`count` events; `pauses` are the milliseconds between two of them, beginning anew when they run out. Without pauses the
data are the words of a story. With pauses each event says when it left, in nanoseconds of the monotonic clock, which
all processes of a machine share.
"""

from __future__ import annotations

import time

# Named for type checkers only: importing typing or collections.abc costs a cold start several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

TEXT = (
    "Every evening the old lighthouse told the sea a story, and every evening the sea pretended not to listen, "
    "rolling over in its grey blankets, until the lamp came round again and found it lying there quite still, "
    "patiently waiting for the very next word."
)
WORDS = TEXT.split()
CONTENT_TYPE = "text/event-stream"


class Asked:
    """What one request asks for."""

    __slots__ = ("count", "pauses_seconds")

    def __init__(self, query: Mapping[str, str]) -> None:
        self.count = int(query.get("count", len(WORDS)))
        self.pauses_seconds = [int(ms) / 1000 for ms in query["pauses"].split(",")] if "pauses" in query else []


def asked(query_string: str) -> Asked:
    """The same from a query string; nothing in it is escaped."""
    return Asked(dict(field.split("=", 1) for field in query_string.split("&") if field))


def word(position: int) -> str:
    """The data of an event without pauses."""
    return WORDS[position % len(WORDS)]


def told(asked: Asked) -> Iterator[str]:
    """The events, for who may block."""
    for position, pause in _positions(asked):
        if pause is not None:
            time.sleep(pause)
        yield event(position, asked)


async def told_async(asked: Asked) -> AsyncIterator[str]:
    """The events, for an event loop."""
    import asyncio  # here: a handler that needs none is not to pay for it

    for position, pause in _positions(asked):
        if pause is not None:
            await asyncio.sleep(pause)
        yield event(position, asked)


async def told_in_fields(asked: Asked) -> AsyncIterator[tuple[str, str]]:
    """Identifier and data, for frameworks that write events themselves."""
    import asyncio

    for position, pause in _positions(asked):
        if pause is not None:
            await asyncio.sleep(pause)
        yield str(position), data(position, asked)


def event(position: int, asked: Asked) -> str:
    """As it goes over the wire."""
    return f"id: {position}\ndata: {data(position, asked)}\n\n"


def data(position: int, asked: Asked) -> str:
    """The moment, or a word."""
    return str(time.monotonic_ns()) if asked.pauses_seconds else word(position)


def _positions(asked: Asked) -> Iterator[tuple[int, float | None]]:
    """Each position with the pause before it: none before the first."""
    pauses = asked.pauses_seconds
    for position in range(1, asked.count + 1):
        yield position, pauses[(position - 2) % len(pauses)] if pauses and position > 1 else None
