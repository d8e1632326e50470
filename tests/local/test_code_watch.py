"""A saved file is noticed, and whose it is."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from local.code_watch import UnwatchableError, watch_code
from local.config import Function
from tests.local.fakes.environment import a_function

pytestmark = pytest.mark.anyio

PROBE = "Probe"


def save(path: Path) -> None:
    """As many editors save, and one event only: a finished file takes its place."""
    draft = path.parent.parent / "draft"
    draft.write_text("x = 1")
    draft.replace(path)


class Watch:
    """What the watch has told: the logical ids of the functions that a change concerns."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self._changes: asyncio.Queue[list[str]] = asyncio.Queue()

    async def tell(self, functions: list[Function]) -> None:
        changed = [function.logical_id for function in functions]
        if PROBE in changed:
            changed.remove(PROBE)
            self.begun.set()
        if changed:
            self._changes.put_nowait(changed)

    async def change(self) -> list[str]:
        return await self._changes.get()


@asynccontextmanager
async def watching(*functions: Function) -> AsyncIterator[Watch]:
    """The watch once it has begun, a moment after it was asked for: a change to a function beside them is told."""
    watch = Watch()
    (probe,) = folders(functions[0].code.parent, "probe")
    async with asyncio.timeout(10):
        task = asyncio.create_task(watch_code((*functions, a_function(logical_id=PROBE, code=probe)), watch.tell))
        try:
            while not watch.begun.is_set():
                save(probe / "app.py")
                with suppress(TimeoutError):
                    await asyncio.wait_for(watch.begun.wait(), 0.1)
            yield watch
        finally:
            task.cancel()
            await asyncio.wait([task])


def folders(parent: Path, *names: str) -> list[Path]:
    for name in names:
        (parent / name).mkdir()
    return [parent / name for name in names]


async def test_a_saved_file_concerns_the_functions_that_have_it_in_their_code_or_a_layer(tmp_path: Path) -> None:
    one, two, layer = folders(tmp_path, "one", "two", "layer")
    functions = (
        a_function(logical_id="One", code=one, layers=(layer,)),
        a_function(logical_id="Two", code=two),
        a_function(logical_id="Three", code=two, layers=(layer,)),
    )
    async with watching(*functions) as watch:
        save(one / "app.py")
        assert await watch.change() == ["One"]
        save(two / "app.py")
        assert await watch.change() == ["Two", "Three"]
        save(layer / "shared.py")
        assert await watch.change() == ["One", "Three"]
        (one / "app.py").unlink()
        assert await watch.change() == ["One"]


async def test_bytecode_and_what_editors_leave_behind_change_nothing(tmp_path: Path) -> None:
    """Else running a function would outdate it."""
    one, two = folders(tmp_path, "one", "two")
    functions = (a_function(logical_id="One", code=one), a_function(logical_id="Two", code=two))
    async with watching(*functions) as watch:
        for name in ("app.cpython-313.pyc", ".app.py.swp", "app.py~"):
            save(one / name)
        save(two / "app.py")

        assert await watch.change() == ["Two"]


async def test_whatever_happens_to_a_file_is_a_change(tmp_path: Path) -> None:
    (one,) = folders(tmp_path, "one")
    async with watching(a_function(logical_id="One", code=one)) as watch:
        save(one / "app.py")
        assert await watch.change() == ["One"]
        (one / "app.py").chmod(0o700)
        assert await watch.change() == ["One"]
        (one / "app.py").rename(one / "other.py")
        assert await watch.change() == ["One"]
        (one / "other.py").rename(tmp_path / "away.py")
        assert await watch.change() == ["One"]
        (one / "package").mkdir()
        assert await watch.change() == ["One"]
        save(one / "package" / "module.py")
        assert await watch.change() == ["One"]


async def test_code_behind_a_link_is_code_too(tmp_path: Path) -> None:
    """Also where links lead back, and where the folder is one itself."""
    one, two, shared = folders(tmp_path, "one", "two", "shared")
    (one / "shared").symlink_to(shared)
    (shared / "back").symlink_to(one)
    (tmp_path / "linked").symlink_to(two)
    functions = (
        a_function(logical_id="One", code=one),
        a_function(logical_id="Two", code=tmp_path / "linked"),
    )
    async with watching(*functions) as watch:
        save(shared / "app.py")
        assert await watch.change() == ["One"]
        save(two / "app.py")
        assert await watch.change() == ["Two"]


async def test_workers_do_not_inherit_the_watch(tmp_path: Path) -> None:
    (one,) = folders(tmp_path, "one")
    before = inheritable_descriptors()
    async with watching(a_function(code=one)):
        assert inheritable_descriptors() == before


async def test_a_folder_that_cannot_be_watched_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnwatchableError, match="No such file"):
        await watch_code((a_function(code=tmp_path / "none"),), Watch().tell)


def inheritable_descriptors() -> set[int]:
    found = set()
    for name in os.listdir("/dev/fd"):
        try:
            if os.get_inheritable(int(name)):
                found.add(int(name))
        except OSError:  # that of the listing itself is closed
            pass
    return found
