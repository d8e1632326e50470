"""Lets a test decide when an application goes on: each line that it sends is one step."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator


async def steps(count: int) -> AsyncIterator[int]:
    """1 to *count*, each when the test lets it."""
    reader, writer = await asyncio.open_unix_connection(os.environ["GATE"])
    try:
        for number in range(1, count + 1):
            assert await reader.readline()
            yield number
    finally:
        writer.close()
