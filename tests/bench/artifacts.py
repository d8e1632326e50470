"""What would be in the zips: functions and layers as `sam build` alone leaves them, and with bytecode."""

from __future__ import annotations

import compileall
import io
import py_compile
import shutil
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
BENCH = ROOT / ".tools/bench"
PACKAGES = BENCH / "api"  # what is in the zip of the API besides its own modules
STREAMING = ROOT / "functions/layers/streaming"
STORIES = ROOT / "functions/layers/stories"
STORY = ROOT / "functions/story"
OF_THE_STORY = ("aws_lambda_powertools", "jmespath", "typing_extensions.py")  # of PACKAGES


def copy_into(folder: Path, *sources: Path) -> None:
    """What `sam build` alone does: the *sources*, one over the other."""
    for source in sources:
        shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))


def compile_into(folder: Path, *sources: Path) -> None:
    """The same, with bytecode."""
    copy_into(folder, *sources)
    compileall.compile_dir(folder, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)


def self_contained(folder: Path, *sources: Path) -> None:
    """Runtime, stories, packages and the *sources* in one folder, for a `provided` runtime without layers."""
    packages = folder.with_name("packages")
    for name in OF_THE_STORY:
        source = PACKAGES / name
        target = packages / name
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            packages.mkdir(exist_ok=True)
            shutil.copy(source, target)
    compile_into(folder, STREAMING, STORIES / "python", packages, *sources)


def zipped(folder: Path) -> bytes:
    """The *folder* as a zip, with the permissions of its files."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                file.write(path, path.relative_to(folder))
    return archive.getvalue()
