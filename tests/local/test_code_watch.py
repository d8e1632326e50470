"""A saved file is noticed, and whose it is."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from local.code_watch import watch_code
from local.config import Function
from tests.local.fakes.environment import a_function

pytestmark = pytest.mark.anyio

PROBE = "Probe"
TEMPLATE = "template.yaml"
TEMPLATE_CHANGED = "template.yaml has changed; that takes effect with the next start"


def save(path: Path) -> None:
    """As many editors save, and one event only: a finished file takes its place."""
    with tempfile.TemporaryDirectory() as unwatched:
        draft = Path(unwatched) / "draft"
        draft.write_text("x = 1")
        draft.replace(path)


def lead(link: Path, target: str) -> None:
    """Have *link* lead to *target* from now on, at once."""
    draft = link.parent / "draft"
    draft.symlink_to(target)
    draft.replace(link)


class Watch:
    """What the watch has told: the logical ids of the functions that a change concerns, or a sentence."""

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

    def note(self, sentence: str) -> None:
        self._changes.put_nowait([sentence])

    async def change(self) -> list[str]:
        return await self._changes.get()

    async def begun_again(self, parent: Path) -> None:
        """Whatever happened before has been told of."""
        self.begun.clear()
        save(parent / "probe" / "app.py")
        await self.begun.wait()

    @property
    def told_nothing(self) -> bool:
        return self._changes.empty()


@asynccontextmanager
async def watching(*functions: Function) -> AsyncIterator[Watch]:
    """The watch once it has begun, a moment after it was asked for: a change to a function beside them is told."""
    watch, parent = Watch(), functions[0].code.parent
    (probe,) = folders(parent, "probe")
    watched = (*functions, a_function(logical_id=PROBE, code=probe))
    (parent / TEMPLATE).write_text("at the start")
    async with asyncio.timeout(10):
        task = asyncio.create_task(watch_code(watched, parent / TEMPLATE, on_change=watch.tell, note=watch.note))
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


async def test_a_file_behind_a_link_is_code_too(tmp_path: Path) -> None:
    """And a link that leads nowhere, or to itself, is no obstacle."""
    one, shared = folders(tmp_path, "one", "shared")
    save(shared / "app.py")
    (one / "app.py").symlink_to(shared / "app.py")
    (one / "nowhere.py").symlink_to(shared / "nowhere.py")
    (one / "itself").symlink_to(one / "itself")
    async with watching(a_function(logical_id="One", code=one)) as watch:
        save(shared / "app.py")
        assert await watch.change() == ["One"]


async def test_a_folder_of_links_to_files_is_watched_by_few(tmp_path: Path) -> None:
    """Through the folders that the files lie in, and not by a thread for each; whatever happens to one is a change."""
    one, shared, target = folders(tmp_path, "one", "shared", "elsewhere")
    for number in range(50):
        save(shared / f"{number}.py")
        (one / f"{number}.py").symlink_to(shared / f"{number}.py")
    before = threading.active_count()
    async with watching(a_function(logical_id="One", code=one)) as watch:
        assert threading.active_count() < before + 20
        save(shared / "unlinked.py")
        await watch.begun_again(tmp_path)
        assert watch.told_nothing
        (shared / "7.py").write_text("x = 2")
        assert await watch.change() == ["One"]
        (shared / "7.py").unlink()
        assert await watch.change() == ["One"]
        (shared / "7.py").write_text("x = 3")
        assert await watch.change() == ["One"]
        save(target / "8.py")
        await watch.begun_again(tmp_path)
        lead(shared / "8.py", "../elsewhere/8.py")
        assert await watch.change() == ["One"]
        (target / "8.py").write_text("x = 4")
        assert await watch.change() == ["One"]


async def test_what_is_linked_in_later_is_code_from_then_on(tmp_path: Path) -> None:
    """Both where the link is new and where it leads elsewhere now."""
    one, old, new = folders(tmp_path, "one", "old", "new")
    async with watching(a_function(logical_id="One", code=one)) as watch:
        (one / "shared").symlink_to(old)
        assert await watch.change() == ["One"]
        save(old / "app.py")
        assert await watch.change() == ["One"]
        (tmp_path / "link").symlink_to(new)
        (tmp_path / "link").replace(one / "shared")
        assert await watch.change() == ["One"]
        save(new / "app.py")
        assert await watch.change() == ["One"]


async def test_a_link_on_the_way_to_the_code_that_leads_elsewhere_later_is_a_change(tmp_path: Path) -> None:
    """As with builds whose latest one has a link, and a link to that; what is linked in may be found that way, too."""
    one, two, _, builds = folders(tmp_path, "one", "two", "three", "builds")
    for build in ("1", "2"):
        (builds / build).mkdir()
        folders(builds / build, "code", "shared")
    (builds / "latest").symlink_to("1")
    (tmp_path / "current").symlink_to("builds/latest")
    (two / "shared").symlink_to(tmp_path / "current" / "shared")
    (tmp_path / "linked").symlink_to(one)
    functions = (
        a_function(logical_id="One", code=tmp_path / "linked"),
        a_function(logical_id="Two", code=two),
        a_function(logical_id="Three", code=tmp_path / "current" / "code"),
    )
    async with watching(*functions) as watch:
        lead(tmp_path / "linked", "three")
        assert await watch.change() == ["One"]
        save(tmp_path / "three" / "app.py")
        assert await watch.change() == ["One"]
        lead(builds / "latest", "2")
        assert await watch.change() == ["Two", "Three"]
        save(builds / "2" / "shared" / "app.py")
        assert await watch.change() == ["Two"]
        save(builds / "2" / "code" / "app.py")
        assert await watch.change() == ["Three"]
        lead(tmp_path / "current", "builds/1")
        assert await watch.change() == ["Two", "Three"]
        shutil.rmtree(builds / "1" / "code")
        assert await watch.change() == ["Three"]
        folders(builds / "1", "code")
        assert await watch.change() == ["Three"]


async def test_a_folder_that_is_made_anew_is_watched_again(tmp_path: Path) -> None:
    """As `sam build` does, which removes the folder above as well."""
    (project,) = folders(tmp_path, "project")
    (build,) = folders(project, "build")
    (one,) = folders(build, "one")
    async with watching(a_function(logical_id="One", code=one)) as watch:
        shutil.rmtree(build)
        assert await watch.change() == ["One"]
        one.mkdir(parents=True)
        assert await watch.change() == ["One"]
        save(one / "app.py")
        assert await watch.change() == ["One"]


async def test_a_folder_that_is_moved_away_and_back_has_changed_twice(tmp_path: Path) -> None:
    one, two = folders(tmp_path, "one", "two")
    async with watching(a_function(logical_id="One", code=one)) as watch:
        one.rename(tmp_path / "away")
        assert await watch.change() == ["One"]
        two.rename(one)
        assert await watch.change() == ["One"]
        save(one / "app.py")
        assert await watch.change() == ["One"]


async def test_a_layer_within_the_code_keeps_the_code_watched(tmp_path: Path) -> None:
    """Both are watched, and the folder above the layer, which is the code, is looked at for the layer too."""
    (one,) = folders(tmp_path, "one")
    (layer,) = folders(one, "layer")
    async with watching(a_function(logical_id="One", code=one, layers=(layer,))) as watch:
        for folder in (layer, one):
            save(folder / "app.py")
            assert await watch.change() == ["One"]
            (folder / "app.py").write_text("x = 2")
            assert await watch.change() == ["One"]


async def test_what_happens_beside_the_code_changes_nothing(tmp_path: Path) -> None:
    (one,) = folders(tmp_path, "one")
    async with watching(a_function(logical_id="One", code=one)) as watch:
        (other,) = folders(tmp_path, "other")
        save(other / "app.py")
        other.rename(tmp_path / "onerous")
        await watch.begun_again(tmp_path)
        assert watch.told_nothing


async def test_a_template_that_says_something_else_has_changed(tmp_path: Path) -> None:
    """However it is saved; saved as it was at the start, it has not."""
    (one,) = folders(tmp_path, "one")
    template = tmp_path / TEMPLATE
    async with watching(a_function(logical_id="One", code=one)) as watch:
        template.write_text("at the start")
        await watch.begun_again(tmp_path)
        assert watch.told_nothing
        template.write_text("something else")
        assert await watch.change() == [TEMPLATE_CHANGED]
        template.unlink()
        await watch.begun_again(tmp_path)
        template.write_text("something new")
        assert await watch.change() == [TEMPLATE_CHANGED]
        (tmp_path / "draft").write_text("something better")
        (tmp_path / "draft").replace(template)
        assert await watch.change() == [TEMPLATE_CHANGED]


async def test_workers_do_not_inherit_the_watch(tmp_path: Path) -> None:
    (one,) = folders(tmp_path, "one")
    before = inheritable_descriptors()
    async with watching(a_function(code=one)):
        assert inheritable_descriptors() == before


@pytest.mark.parametrize("step", ["__init__", "schedule"])
async def test_what_cannot_be_watched_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """For there are as many watchers, or watched folders, as the system allows."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "inotify limit reached")

    monkeypatch.setattr(f"local.file_watch.Observer.{step}", refuse)
    watch = Watch()
    await watch_code((a_function(code=tmp_path),), tmp_path / TEMPLATE, on_change=watch.tell, note=watch.note)
    (note,) = await watch.change()
    assert "cannot be watched" in note
    assert "limit reached" in note


def inheritable_descriptors() -> set[int]:
    found = set()
    for name in os.listdir("/dev/fd"):
        try:
            if os.get_inheritable(int(name)):
                found.add(int(name))
        except OSError:  # that of the listing itself is closed
            pass
    return found
