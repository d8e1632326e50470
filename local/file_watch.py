"""Notices what changes in folders, and in single files.

What hop this is: `files -> [file_watch] -> code_watch`.

What watchdog does not do by itself:
1. what links lead to is watched where it is: a link that leads back to where it is would have no end; and each link on
   the way there, for it may come to lead elsewhere;
2. a folder that is removed and made anew, as builds do, is watched again, and so is what is linked in later: the folder
   above it, or the nearest one that is there, tells that it has come;
3. the descriptor that it watches with is not for workers to inherit.
What it does: on Linux a file that is moved out of the code is told of after half a second, in which it might have
turned up elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple

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
from watchdog.observers.api import BaseObserver, ObservedWatch

QUIET_SECONDS = 0.02  # how long a burst of changes may be quiet before it counts as over
MOST_SECONDS = 0.2  # how long it may go on before it is told of all the same
# Not that a file was read, which a worker that starts does with many. The same for all watches: where two are on one
# folder, the kernel tells what the later one has asked for.
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


class _Change(NamedTuple):
    path: Path | None = None  # among those that are watched
    place: Path | None = None  # where a folder or a link has come or gone


class _Watched(NamedTuple):
    path: Path
    is_code: bool  # else a folder above some


_Tell = Callable[[_Change], object]


async def watch_files(paths: Collection[Path], on_change: Callable[[set[Path]], Awaitable[None]]) -> None:
    """Call *on_change* with those of *paths*, folders or files, where something has changed; runs until cancelled.

    Raises `UnwatchableError`.
    """
    changes: asyncio.Queue[_Change] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    with _observer() as observer:
        watches = _Watches(observer, paths, lambda change: loop.call_soon_threadsafe(changes.put_nowait, change))
        await asyncio.to_thread(watches.renew, ())
        while True:
            burst = await _burst(changes)
            changed = {change.path for change in burst if change.path}
            if places := {change.place for change in burst if change.place}:
                changed |= await asyncio.to_thread(watches.renew, places)
            if changed:
                await on_change(changed)


async def _burst(changes: asyncio.Queue[_Change]) -> set[_Change]:
    """What changes until, for a moment, nothing does."""
    burst = {await changes.get()}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(MOST_SECONDS):
            while True:
                async with asyncio.timeout(QUIET_SECONDS):
                    burst.add(await changes.get())
    return burst


@contextlib.contextmanager
def _observer() -> Iterator[BaseObserver]:
    """One that runs for as long as this lasts. Raises `UnwatchableError`."""
    logging.getLogger("watchdog").setLevel(logging.CRITICAL)  # it tells that threads of it which end have ended
    before = _inheritable()
    try:
        observer = Observer()
    except OSError as error:
        raise UnwatchableError(str(error)) from error
    for descriptor in _inheritable() - before:
        os.set_inheritable(descriptor, False)
    observer.start()
    try:
        yield observer
    finally:
        observer.stop()
        observer.join()


class _Watches:
    """The watches of *folders*, which may be files; *tell* is called with what changes in them and becomes of them."""

    def __init__(self, observer: BaseObserver, folders: Collection[Path], tell: _Tell) -> None:
        self._observer = observer
        self._folders = folders
        self._tell = tell
        self._watched: dict[_Watched, tuple[frozenset[Path], ObservedWatch]] = {}
        self._files: dict[Path, set[Path]] = {}  # without watches, which have a thread each -> what leads to them

    def renew(self, places: Collection[Path]) -> set[Path]:
        """Watch what is there, after something has come or gone at *places*; the folders that lead elsewhere now.

        Raises `UnwatchableError`.
        """
        elsewhere = {path for place in places for path in self._files.get(place, ())}
        if places and all(place in self._files and place.is_file() and not place.is_symlink() for place in places):
            return elsewhere  # saved where they are
        try:
            while self._look(places, elsewhere):
                places = ()  # and look again, for what has come between the look and the watch
        except OSError as error:
            raise UnwatchableError(str(error)) from error
        return elsewhere

    def _look(self, places: Collection[Path], elsewhere: set[Path]) -> bool:
        """Whether anything is watched that was not, or no longer; *elsewhere* is added to."""
        wanted, files = self._wanted()
        for file in files.keys() ^ self._files.keys():
            elsewhere |= files.get(file, set()) | self._files.get(file, set())
        self._files = files
        over = [
            watched
            for watched, (concerned, _) in self._watched.items()
            if wanted.get(watched) != concerned or any(watched.path.is_relative_to(place) for place in places)
        ]
        for watched in over:
            concerned, watch = self._watched.pop(watched)
            self._observer.unschedule(watch)
            if watched.is_code:
                elsewhere |= concerned
        new = wanted.keys() - self._watched.keys()
        for watched in new:
            with contextlib.suppress(FileNotFoundError):  # it has gone again, which the next look finds
                self._watched[watched] = wanted[watched], self._schedule(watched, wanted[watched])
            if watched.is_code:
                elsewhere |= wanted[watched]
        return bool(over or new)

    def _wanted(self) -> tuple[dict[_Watched, frozenset[Path]], dict[Path, set[Path]]]:
        """What to watch -> the folders that lead to this code, or what may come or go below; and the single files."""
        wanted: dict[_Watched, set[Path]] = defaultdict(set)
        files: dict[Path, set[Path]] = defaultdict(set)
        for folder in self._folders:
            roots, places = _roots(folder)
            for root in roots:
                if root.is_dir():
                    wanted[_Watched(root, is_code=True)].add(folder)
                else:
                    files[root].add(folder)
            for place in places:
                wanted[_Watched(_nearest_above(place), is_code=False)].add(place)
        return {watched: frozenset(concerned) for watched, concerned in wanted.items()}, files

    def _schedule(self, watched: _Watched, concerned: frozenset[Path]) -> ObservedWatch:
        handler = (_Code if watched.is_code else _Above)(watched.path, concerned, self._tell)
        return self._observer.schedule(handler, str(watched.path), recursive=watched.is_code, event_filter=EVENTS)


class _Handler(FileSystemEventHandler):
    """Calls *tell*, in a thread of watchdog's, for what happens at *path* and *concerned*."""

    def __init__(self, path: Path, concerned: frozenset[Path], tell: _Tell) -> None:
        self._path = path
        self._concerned = concerned
        self._tell = tell

    def on_any_event(self, event: FileSystemEvent) -> None:
        paths = [Path(os.fsdecode(path)) for path in (event.src_path, event.dest_path) if path]
        self.on_event(paths, is_directory=event.is_directory)

    def on_event(self, paths: list[Path], *, is_directory: bool) -> None:
        raise NotImplementedError


class _Code(_Handler):
    """For code, below the path: the folders concerned have changed, unless it is no code."""

    def on_event(self, paths: list[Path], *, is_directory: bool) -> None:
        if all(NO_CODE.search(os.path.relpath(path, self._path)) for path in paths):
            return
        for path in self._concerned:
            self._tell(_Change(path=path))
        for path in paths:
            if is_directory or path.is_symlink():
                self._tell(_Change(place=path))


class _Above(_Handler):
    """For the folder above: one of the places concerned may have come or gone, or changed where it is a file."""

    def __init__(self, path: Path, concerned: frozenset[Path], tell: _Tell) -> None:
        super().__init__(path, concerned, tell)
        self._on_the_way = concerned.union(*(place.parents for place in concerned))

    def on_event(self, paths: list[Path], *, is_directory: bool) -> None:
        for path in paths:
            if path in self._on_the_way:
                self._tell(_Change(place=path))


def _roots(folder: Path) -> tuple[list[Path], set[Path]]:
    """Where *folder* and all that its links lead to really is, or is to come; and the places on the way there.

    No root lies in another that was found before it.
    """
    roots: dict[Path, None] = {}  # in order, and looked up in whole folders of links
    places: set[Path] = set()
    found = [folder]
    while found:
        *links, root = _way(found.pop())
        if root in roots or any(above in roots for above in root.parents):
            continue
        places.update(links, [root])
        if not (root.is_dir() or root.is_file()):
            continue
        roots[root] = None
        for inside, folders, files in os.walk(root):
            folders[:] = [name for name in folders if not NO_CODE.search(name)]  # nor walk through the others
            found += [Path(path) for name in (*folders, *files) if os.path.islink(path := os.path.join(inside, name))]
    return list(roots), places


def _way(path: Path) -> list[Path]:
    """The links that *path* leads through, and where it ends."""
    links: list[Path] = []
    while link := next((each for each in (*reversed(path.parents), path) if each.is_symlink()), None):
        place = Path(os.path.realpath(link.parent), link.name)
        if place in links:  # in a circle
            break
        links.append(place)
        path = place.parent / os.readlink(place) / path.relative_to(link)
    return [*links, Path(os.path.realpath(path))]


def _nearest_above(place: Path) -> Path:
    """The nearest folder above *place* that is there."""
    return next(folder for folder in place.parents if folder.is_dir())


def _inheritable() -> set[int]:
    """The open descriptors that a worker would inherit."""
    found = set()
    for descriptor in map(int, os.listdir("/dev/fd")):
        with contextlib.suppress(OSError):  # that of the listing itself is closed
            if os.get_inheritable(descriptor):
                found.add(descriptor)
    return found
