"""What the body of a reply may be: names for annotations, in a function's own code too.

What this is: beside `response`, which needs them for its annotations only. A module of its own, since importing
`collections.abc` costs a cold start several milliseconds.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable

Chunk = bytes | bytearray | memoryview | str
Write = Callable[[Chunk], Awaitable[None]]
AsyncBody = AsyncIterable[Chunk] | Callable[[Write], Awaitable[None]]
Body = Chunk | Iterable[Chunk] | AsyncBody
