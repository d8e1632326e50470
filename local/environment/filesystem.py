"""What an environment finds under /opt and /tmp.

What hop this is: `execution -> [filesystem] -> process`.

What the real service does: the function's layers are unpacked into /opt in their order, a later one over an earlier
one (https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html); /tmp belongs to one environment.

What differs here, on purpose:
1. a single layer is used where it lies; several are merged into a folder of links.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def mount_layers(layers: tuple[Path, ...], below: Path) -> Path:
    """The folder that stands for /opt: the one layer itself, or a merged tree made at *below*."""
    if len(layers) == 1:
        return layers[0]
    opt = below / "opt"
    opt.mkdir(parents=True, exist_ok=True)
    for layer in layers:
        shutil.copytree(layer, opt, copy_function=_link, dirs_exist_ok=True, ignore=_bytecode)
    return opt


def _link(source: str, target: str) -> str:
    Path(target).unlink(missing_ok=True)
    os.symlink(os.path.abspath(source), target)
    return target


def _bytecode(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name == "__pycache__"]
