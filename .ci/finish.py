"""Finishes what `sam build` left in a folder: `python3.13 .ci/finish.py .aws-sam/build`.

First it takes out of the functions what none of them imports, which is most of Powertools. Then it adds bytecode: a zip
as SAM builds it carries none, and /var/task is read-only, so every cold start would compile every module that it
imports. As in the layers, which are compiled by their Makefiles, nothing is checked against the source, and the same
source gives the same zip. At the end it prints how large the zips are.
"""

from __future__ import annotations

import compileall
import io
import re
import shutil
import sys
import zipfile
from pathlib import Path
from py_compile import PycInvalidationMode

# What is taken out, and what of it is kept: Powertools' own modules need that.
UNUSED = {
    "aws_lambda_powertools/event_handler": frozenset[str](),
    "aws_lambda_powertools/utilities": frozenset({"__init__.py", "jmespath_utils"}),
}
_IMPORT = re.compile(r"\baws_lambda_powertools\.(?:event_handler|utilities)\b")


def main(build: Path) -> str | None:
    """Finish the folder *build*; a sentence for what is in the way."""
    if not build.is_dir():
        return f"There is no folder {build}: run sam build first."
    folders = sorted(path for path in build.iterdir() if path.is_dir())
    functions = [path for path in folders if not (path / "python").is_dir()]
    for function in functions:
        for module in sorted(function.glob("*.py")):
            if found := _IMPORT.search(module.read_text("utf-8")):
                return (
                    f"{module} imports {found[0]}, which is taken out of every function: see UNUSED in .ci/finish.py."
                )
        take_out(function)
        compiled = compileall.compile_dir(
            function, quiet=1, workers=0, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
            stripdir=str(function), prependdir="/var/task",
        )  # fmt: skip
        if not compiled:
            return f"A module of {function.name} cannot be compiled, see above."
    for folder in folders:
        print(f"{folder.name:16} {zip_bytes(folder) / 1000:8,.1f} kB zipped")
    return None


def take_out(function: Path) -> None:
    """Remove what stands in UNUSED, but for what it keeps."""
    for unused, kept in UNUSED.items():
        for path in (function / unused).glob("*"):
            if path.name not in kept:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        if (function / unused).is_dir() and not kept:
            (function / unused).rmdir()


def zip_bytes(folder: Path) -> int:
    """The size of the zip that SAM will make of *folder*."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return packed.tell()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
