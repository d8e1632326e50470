"""This user's caches of the emulator: transformed templates, inline code, merged layers, bytecode; how they stay small.

What hop this is: none; below `template` and `environment`, which keep something here and mark it when they use it.

What the specification says that we follow: https://specifications.freedesktop.org/basedir-spec/latest/ -
`$XDG_CACHE_HOME`, `~/.cache` without it; a relative path in it is invalid and to be ignored.

What differs here, on purpose:
1. nobody marks bytecode, Python reads it: there the time of the last access counts, where the file system keeps one;
2. a cache that cannot be read or written is no error.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

UNUSED_SECONDS = 30 * 24 * 3600
BETWEEN_SECONDS = 24 * 3600


def cache_folder() -> Path:
    """Where they are."""
    configured = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (configured if configured.is_absolute() else Path("~/.cache").expanduser()) / "lambda-sse"


def mark_used(entry: Path) -> None:
    """Keep *entry* for another thirty days."""
    with suppress(OSError):
        os.utime(entry)


def make_folder(whole: Path, fill: Callable[[Path], None]) -> None:
    """Have the folder *whole*, which *fill* makes somewhere else first: all of it or nothing. Raises `OSError`."""
    mark_used(whole)
    if whole.is_dir():
        return
    import shutil  # which a reader of the cache does without
    import tempfile

    whole.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=whole.parent))
    try:
        fill(making)
        making.rename(whole)
    except OSError:
        shutil.rmtree(making)
        if not whole.is_dir():  # else another emulator was quicker, and what it made is the same
            raise


async def prune_after(event: asyncio.Future[None]) -> None:
    """`prune`, in a thread and not before *event*, so that nobody has to wait for it."""
    import asyncio  # loaded where there is a loop to run this, and too heavy for a reader of the cache

    await asyncio.wait([event])
    await asyncio.to_thread(prune)


def prune(now: float | None = None) -> None:
    """Remove what has not been used for thirty days; looks once a day, and at other times costs one `stat`."""
    folder, now = cache_folder(), time.time() if now is None else now
    if now - _last_time(folder / "pruned", now) < BETWEEN_SECONDS:
        return
    for entry in [*folder.glob("template-*"), *folder.glob("layers/*"), *folder.glob("inline/*")]:
        with suppress(OSError):
            if now - entry.stat().st_mtime > UNUSED_SECONDS:
                _remove(entry)
    for place, _, names in os.walk(folder / "pycache", topdown=False):
        for path in (Path(place, name) for name in names):
            with suppress(OSError):
                found = path.stat()
                if now - max(found.st_atime, found.st_mtime) > UNUSED_SECONDS:
                    path.unlink()
        with suppress(OSError):  # there is still something in it
            os.rmdir(place)


def _last_time(stamp: Path, now: float) -> float:
    """When *stamp* was set last, 0 if never; sets it to *now* where a day has passed since."""
    last = 0.0
    with suppress(OSError):
        last = stamp.stat().st_mtime
    if now - last >= BETWEEN_SECONDS:
        with suppress(OSError):
            stamp.touch()
            os.utime(stamp, (now, now))
    return last


def _remove(entry: Path) -> None:
    if entry.is_dir():
        import shutil

        shutil.rmtree(entry)
    else:
        entry.unlink()
