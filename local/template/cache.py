"""The transformed template of an earlier start, kept in the user's cache folder by content.

A hit is what makes the first word of a story come soon, so this module and all that a hit passes through
import nothing heavy.

What is a key: everything that the transform depends on, the transform's own source and the translator's version
included, so an entry never has to be thrown away by hand.
A cache that cannot be read or written is no error; the transform then runs on every start.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from local.cache_folder import cache_folder, mark_used

_TRANSFORM = ("transform.py", "language_extensions.py", "intrinsics.py", "parameters.py")  # what it is made by


def entry_key(template: bytes, *, parameters: Mapping[str, str], region: str) -> str:
    """The name of the entry for this template: a SHA-256 in hexadecimal."""
    digest = hashlib.sha256(json.dumps([region, sorted(parameters.items()), translator_version()]).encode())
    for module in _TRANSFORM:
        digest.update(Path(__file__).with_name(module).read_bytes())
    digest.update(template)
    return digest.hexdigest()


def translator_version() -> str:
    """The folder name of aws-sam-translator's metadata, such as `aws_sam_translator-1.115.0.dist-info`.

    `importlib.metadata` would say the version too, for 30 ms of imports; "" when it is not installed that way.
    """
    spec = find_spec("samtranslator")
    if spec is None or spec.origin is None:
        return ""
    with os.scandir(Path(spec.origin).parents[1]) as entries:
        names = (entry.name for entry in entries)
        return max((name for name in names if name.startswith("aws_sam_translator-")), default="")


def read_entry(key: str) -> dict[str, object] | None:
    """The transformed template under *key*; None when there is none or it cannot be understood."""
    path = _path(key)
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    mark_used(path)
    return document if isinstance(document, dict) else None


def write_entry(key: str, document: Mapping[str, object]) -> None:
    """Keep *document* under *key*, all of it or nothing."""
    with suppress(OSError):
        path = _path(key)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The process id keeps two emulators that start at once from writing the same temporary file.
        temporary = path.with_suffix(f".{os.getpid()}")
        try:
            temporary.write_text(json.dumps(document))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _path(key: str) -> Path:
    return cache_folder() / f"template-{key}.json"
