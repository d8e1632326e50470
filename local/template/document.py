"""A template file as plain CloudFormation: text -> cache or [transform in a child process] -> document.

What the real service does: a SAM template is transformed in the cloud before CloudFormation acts on it.
What differs here, on purpose: 1. the transform runs on this machine, once per content of the file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from local.errors import TemplateError
from local.template import cache

_ROOT = Path(__file__).parents[2]  # the folder that holds the package `local`


def load_document(path: Path, *, parameters: Mapping[str, str], region: str) -> dict[str, object]:
    """The template at *path*, transformed; milliseconds when it was transformed before, else a second or two.

    Raises TemplateError for a file that cannot be read and for every fault the transform finds, one a line.
    """
    text = _text(path, _content(path))
    try:
        return transformed(text, parameters=parameters, region=region)
    except TemplateError as error:
        raise TemplateError("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from error


def transformed(text: str, *, parameters: Mapping[str, str], region: str) -> dict[str, object]:
    """The template in *text*, transformed, as quickly. Raises TemplateError for every fault of it, one a line."""
    key = cache.entry_key(text.encode(), parameters=parameters, region=region)
    document = cache.read_entry(key)
    if document is None:
        document = _transformed(text, parameters=parameters, region=region)
        cache.write_entry(key, document)
    return document


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise TemplateError(f"there is no template at {path}: name the template file") from None
    except IsADirectoryError:
        raise TemplateError(f"{path} is a folder: name the template file in it") from None
    except OSError as error:
        raise TemplateError(f"the template {path} cannot be read: {error.strerror}") from error


def _text(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TemplateError(f"{path}: not a template, byte {error.start} is not UTF-8 text") from error


def _transformed(text: str, *, parameters: Mapping[str, str], region: str) -> dict[str, object]:
    import subprocess  # a cache hit, which is every start but the first, does without its 5 ms

    request = json.dumps({"text": text, "parameters": dict(parameters), "region": region})
    child = subprocess.run(
        [sys.executable, "-m", "local.template.transform"],
        input=request,
        capture_output=True,
        encoding="utf-8",
        cwd=_ROOT,
        check=False,
    )
    if child.returncode != 0:
        last_line = (child.stderr.strip() or "no output").splitlines()[-1]
        raise TemplateError(f"the SAM transform broke down: {last_line}")
    reply = json.loads(child.stdout)
    if "faults" in reply:
        raise TemplateError("\n".join(reply["faults"]))
    document: dict[str, object] = reply["template"]
    return document
