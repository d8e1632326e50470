"""Where the code of a function or layer lies: the location the template names -> a folder on this machine.

What the real service does: the code is a zip in S3, or a container image, and Lambda unpacks it into /var/task or /opt.
What differs here, on purpose: 1. the folder itself is used, where it lies, so that an edit shows on the next request;
where links lead to it, by their names, so that it shows, too, when one comes to lead elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from local.errors import TemplateError

FindCode: TypeAlias = Callable[[object, str], Path | None]
"""(resolved location, owner) -> the folder, None where its code cannot be run here; may raise TemplateError."""

LOCAL_BUCKET = "./"
"""The transform writes a local path as an S3 location in this bucket; no real one can have such a name."""


def local_path(location: object) -> str | None:
    """The path in a resolved `Code` or `Content` property; None when it names no local one."""
    match location:
        case {"S3Bucket": bucket, "S3Key": str(path)} if bucket == LOCAL_BUCKET:
            return path
    return None


def elsewhere(location: object) -> str:
    """What a location that is not local names, in words."""
    match location:
        case {"ImageUri": _}:
            return "code in a container image"
    return "code in S3"


def code_below(root: Path) -> FindCode:
    """Finds code in local folders, whose paths are relative to *root*."""

    def find(location: object, owner: str) -> Path | None:
        path = local_path(location)
        return None if path is None else existing_folder(path, root, owner=owner)

    return find


def existing_folder(path: str, root: Path, *, owner: str) -> Path:
    """The absolute folder that *path*, relative to the template's folder *root*, names.

    Raises TemplateError, naming *owner* and the path, when there is no such folder.
    """
    folder = (root / path).resolve()
    if folder.is_dir():
        by_name = Path(os.path.abspath(root / path))  # which takes `link/..` for where the link lies
        return by_name if by_name.resolve() == folder else folder
    if folder.exists():
        raise TemplateError(f"{owner}: {path} is a file; the emulator needs the folder it was packed from ({folder})")
    raise TemplateError(f"{owner}: the folder {path} does not exist (looked for {folder})")
