"""What the emulator keeps for its user goes when nobody has used it for thirty days."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from local.cache_folder import cache_folder, prune, prune_after
from local.environment.filesystem import mount_layers
from local.template import cache

DAY = 24 * 3600
NOW = 2_000_000_000.0


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, at the beginning empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return cache_folder()


def keep(path: Path, *, days_ago: float) -> Path:
    """Put a file into the cache that was used so many days before NOW."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    return use(path, days_ago=days_ago)


def use(path: Path, *, days_ago: float) -> Path:
    at = NOW - days_ago * DAY
    os.utime(path, (at, at))
    return path


def left(home: Path) -> set[str]:
    return {str(path.relative_to(home)) for path in home.rglob("*") if path.name != "pruned"}


def test_what_nobody_uses_goes_and_what_somebody_uses_stays(home: Path) -> None:
    """Templates, folders of layers with all that is in them, and bytecode with the folders it leaves empty."""
    keep(home / "template-old.json", days_ago=31)
    keep(home / "template-new.json", days_ago=29)
    keep(home / "template-torn.4711", days_ago=31)
    keep(home / "layers/old/opt/bootstrap", days_ago=1)
    keep(home / "layers/new/opt/bootstrap", days_ago=99)
    use(home / "layers/old", days_ago=31)
    use(home / "layers/new", days_ago=29)
    keep(home / "inline/old/index.py", days_ago=1)
    use(home / "inline/old", days_ago=31)
    keep(home / "pycache/tmp/gone/a.pyc", days_ago=31)
    keep(home / "pycache/home/here/a.pyc", days_ago=29)
    keep(home / "something else", days_ago=99)

    prune(NOW)

    assert left(home) == {
        "template-new.json", "layers", "layers/new", "layers/new/opt", "layers/new/opt/bootstrap",
        "inline", "pycache", "pycache/home", "pycache/home/here", "pycache/home/here/a.pyc", "something else",
    }  # fmt: skip


def test_it_looks_once_a_day(home: Path) -> None:
    """So a start costs nothing, but for one a day."""
    keep(home / "template-a.json", days_ago=31)
    prune(NOW)
    again = keep(home / "template-b.json", days_ago=31)
    prune(NOW + DAY - 1)

    assert left(home) == {"template-b.json"}

    prune(NOW + DAY)

    assert not again.exists()


@pytest.mark.anyio
async def test_it_waits_for_what_people_wait_for(home: Path) -> None:
    """Whether that comes or fails."""
    old = keep(home / "template-a.json", days_ago=NOW / DAY)
    published: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(prune_after(published))
    await asyncio.sleep(0)

    assert old.exists()

    published.set_exception(OSError())
    await task

    assert not old.exists()
    assert published.exception()


def test_a_template_that_is_read_is_used(home: Path) -> None:
    cache.write_entry("k", {"a": 1})
    use(home / "template-k.json", days_ago=NOW / DAY)
    cache.read_entry("k")

    prune()

    assert cache.read_entry("k") == {"a": 1}


def test_layers_that_are_mounted_are_used(home: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        keep(tmp_path / name / name, days_ago=99)
    layers = tmp_path / "one", tmp_path / "two"
    opt = mount_layers(layers, tmp_path)
    os.utime(opt.parent, (0, 0))
    mount_layers(layers, tmp_path)

    prune()

    assert opt.is_dir()


def test_a_cache_that_is_not_there_is_no_error(home: Path) -> None:
    """Nor is one that cannot be made."""
    prune(NOW)

    assert not home.exists()
