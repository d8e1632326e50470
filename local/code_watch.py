"""Notices changed code, so that the next request runs it.

What hop this is: beside the way of a request: `files -> [code_watch] -> dispatcher`.

What the real service does: code changes with a deployment; running invocations finish on the old code
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html). Here a saved file is the deployment.

What watchdog does not do by itself:
1. folders behind links are watched where they are, those that there are at the start: a link that leads back to where
   it is would have no end;
2. the descriptor that it watches with is not for workers to inherit.
What it does: on Linux a file that is moved out of the code is told of after half a second, in which it might have
turned up elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from local.config import Function

QUIET_SECONDS = 0.02  # how long a burst of changes may be quiet before it counts as over
MOST_SECONDS = 0.2  # how long it may go on before it counts as changed code all the same
# Not that a file was read, which a worker that starts does with many.
EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent, FileModifiedEvent, FileAttribEvent, FileDeletedEvent, FileMovedEvent,
    DirCreatedEvent, DirDeletedEvent, DirMovedEvent,
]  # fmt: skip
# Bytecode, what tools keep in folders of their own, and what editors leave behind.
NO_CODE = re.compile(
    r"(^|/)(__pycache__|node_modules|\.(git|hg|svn|idea|tox|venv|hypothesis|\w+_cache|DS_Store)|\.#[^/]*)(/|$)"
    r"|(\.py[co]|\.sw\w|~|___jb_\w+___)$"
)


class UnwatchableError(Exception):
    """A folder cannot be watched; the text says why."""


async def watch_code(functions: tuple[Function, ...], on_change: Callable[[list[Function]], Awaitable[None]]) -> None:
    """Call *on_change* with the functions whose folder, or a layer of which, has changed; runs until cancelled.

    Raises `UnwatchableError`.
    """
    folders = {folder for function in functions for folder in (function.code, *function.layers)}
    changes: asyncio.Queue[Path] = asyncio.Queue()
    with _observed(folders, changes):
        while True:
            changed = await _burst(changes)
            await on_change([each for each in functions if not changed.isdisjoint((each.code, *each.layers))])


async def _burst(changes: asyncio.Queue[Path]) -> set[Path]:
    """The folders that change until, for a moment, nothing does."""
    changed = {await changes.get()}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(MOST_SECONDS):
            while True:
                async with asyncio.timeout(QUIET_SECONDS):
                    changed.add(await changes.get())
    return changed


@contextlib.contextmanager
def _observed(folders: Iterable[Path], changes: asyncio.Queue[Path]) -> Iterator[None]:
    """For as long as this lasts, each change of code puts its folder into *changes*. Raises `UnwatchableError`."""
    loop = asyncio.get_running_loop()
    before = _inheritable()
    observer = Observer()
    for descriptor in _inheritable() - before:
        os.set_inheritable(descriptor, False)
    try:
        try:
            for folder in folders:
                tell = partial(loop.call_soon_threadsafe, changes.put_nowait, folder)
                for root in _roots(folder):
                    observer.schedule(_Changes(root, tell), str(root), recursive=True, event_filter=EVENTS)
            observer.start()
        except OSError as error:
            raise UnwatchableError(str(error)) from error
        yield
    finally:
        observer.stop()
        if observer.is_alive():
            observer.join()


class _Changes(FileSystemEventHandler):
    """Calls *tell* for what changes in *root*, unless it is no code; watchdog calls this in a thread of its own."""

    def __init__(self, root: Path, tell: Callable[[], object]) -> None:
        self._root = root
        self._tell = tell

    def on_any_event(self, event: FileSystemEvent) -> None:
        paths = (os.fsdecode(path) for path in (event.src_path, event.dest_path) if path)
        if not all(NO_CODE.search(os.path.relpath(path, self._root)) for path in paths):
            self._tell()


def _roots(folder: Path) -> list[Path]:
    """Where *folder* and all that its links lead to really is; no root lies in another that was found before it."""
    roots: list[Path] = []
    found = [folder]
    while found:
        root = found.pop().resolve()
        if any(root.is_relative_to(known) for known in roots):
            continue
        roots.append(root)
        for inside, names, _ in os.walk(root):
            names[:] = [name for name in names if not NO_CODE.search(name)]  # nor walk through the others
            found += [path for path in (Path(inside, name) for name in names) if path.is_symlink()]
    return roots


def _inheritable() -> set[int]:
    """The open descriptors that a worker would inherit."""
    found = set()
    for descriptor in map(int, os.listdir("/dev/fd")):
        with contextlib.suppress(OSError):  # that of the listing itself is closed
            if os.get_inheritable(descriptor):
                found.add(descriptor)
    return found
