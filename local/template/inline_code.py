"""Code that is written into the template: text -> a folder with a file of it.

What the real service does: makes a zip of one file, `index`, and for functions that make custom resources puts the
module `cfnresponse` beside it (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
aws-properties-lambda-function-code.html).

What differs here, on purpose:
1. the file is Python's, whatever the runtime: no other runtime that takes such code runs here.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from local.cache_folder import cache_folder, make_folder
from local.errors import TemplateError

_CFNRESPONSE = Path(__file__).parents[1] / "managed_runtime" / "inline" / "cfnresponse.py"


def inline_folder(source: str, owner: str) -> Path:
    """The folder for *source*, in the user's cache. Raises TemplateError, naming *owner*, when there can be none."""
    files = {"index.py": source.encode(), _CFNRESPONSE.name: _CFNRESPONSE.read_bytes()}
    folder = cache_folder() / "inline" / hashlib.sha256(repr(files).encode()).hexdigest()[:16]

    def fill(making: Path) -> None:
        for name, content in files.items():
            (making / name).write_bytes(content)

    try:
        make_folder(folder, fill)
    except OSError as error:
        raise TemplateError(
            f"{owner}: the code in the template cannot be written to {folder}: {error.strerror}"
        ) from error
    return folder
