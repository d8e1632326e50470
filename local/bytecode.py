"""The bytecode that workers keep of the code that they import, and which of it cannot be relied on.

What hop this is: none; `environment` has workers keep it here, and `emulator` forgets what is doubtful.

What the real service does: nothing of the kind. Code is read-only on AWS, and has the bytecode that it was packed with.

What Python does: takes bytecode for that of a file whose size and time it has written down, and of the time the whole
seconds (https://docs.python.org/3/reference/import.html#cached-bytecode-invalidation). So where a file was compiled in
the second in which it was saved, and is saved once more in that second, it may run as it was before.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from local.cache_folder import cache_folder
from local.config import Function


def bytecode_folder() -> Path:
    """Where it is: that of each folder in one of the same path below this."""
    return cache_folder() / "pycache"


def forget_doubtful(functions: Iterable[Function]) -> None:
    """Remove, of the code and the layers of *functions*, what was compiled in the second in which it was saved."""
    merged = cache_folder() / "layers"
    folders = {path.resolve() for each in functions for path in (each.code, *each.layers)}
    for folder in folders | {merged}:
        _forget_doubtful(str(folder))


def _forget_doubtful(folder: str) -> None:
    kept = str(bytecode_folder())
    for place, _, names in os.walk(kept + folder):
        for name in names:
            bytecode = os.path.join(place, name)
            source = os.path.join(place.removeprefix(kept), name.partition(".")[0] + ".py")
            with suppress(OSError):  # one of the two is gone
                if int(os.stat(source).st_mtime) >= int(os.stat(bytecode).st_mtime):
                    os.unlink(bytecode)
