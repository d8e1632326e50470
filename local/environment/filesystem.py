"""What an environment finds under /opt and /tmp, and where the emulator keeps what outlives it.

What hop this is: `execution -> [filesystem] -> process`.

What the real service does: the function's layers are unpacked into /opt in their order, a later one over an earlier
one (https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html); /tmp belongs to one environment.

What differs here, on purpose:
1. a single layer is used where it lies; several become a folder of links, named after what it links to. So it is made
   once, it never changes under a running worker, and Python finds the bytecode that it kept for this path before.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from local.cache_folder import cache_folder, make_folder


def mount_layers(layers: tuple[Path, ...], below: Path) -> Path:
    """The folder that stands for /opt: the one layer itself, or a folder of links to all of them.

    That folder is kept in the user's cache, or at *below* where the cache cannot be written. Raises `OSError` when a
    layer cannot be read, and when a file of one lies where another has a folder.
    """
    if len(layers) == 1:
        return layers[0]
    links = sorted(_links(layers))
    try:
        return _merged(links, cache_folder() / "layers")
    except OSError:
        return _merged(links, below)


def extension_programs(opt: Path) -> tuple[Path, ...]:
    """The external extensions in the layers at *opt*: every file of its folder `extensions`, by name.

    https://docs.aws.amazon.com/lambda/latest/dg/extensions-configuration.html
    """
    try:
        with os.scandir(opt / "extensions") as listing:
            return tuple(sorted(Path(entry) for entry in listing if not entry.is_dir()))
    except FileNotFoundError:
        return ()


def _links(folders: tuple[Path, ...], inside: str = "") -> Iterator[tuple[str, str]]:
    """Path in the merged folder and target of each link: a whole folder wherever only one layer has it."""
    found: dict[str, list[os.DirEntry[str]]] = {}
    for folder in folders:
        with os.scandir(folder) as listing:
            for entry in listing:
                found.setdefault(entry.name, []).append(entry)
    for name, entries in found.items():
        if len({entry.is_dir() for entry in entries}) > 1:
            raise NotADirectoryError(f"{inside}{name} is a file in one layer and a folder in another")
        if len(entries) > 1 and entries[0].is_dir():
            yield from _links(tuple(Path(entry) for entry in entries), f"{inside}{name}/")
        elif name != "__pycache__":
            yield inside + name, os.path.abspath(entries[-1])


def _merged(links: list[tuple[str, str]], below: Path) -> Path:
    whole = below / hashlib.sha256(repr(links).encode()).hexdigest()[:16]

    def fill(making: Path) -> None:
        (making / "opt").mkdir()
        for name, target in links:
            link = making / "opt" / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target)

    make_folder(whole, fill)
    return whole / "opt"
