"""The folder of links that stands for /opt when a function has several layers."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.cache_folder import cache_folder
from local.environment.filesystem import mount_layers


@pytest.fixture
def layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A runtime and a library, each with a package, and a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name, files in (("one", ["bootstrap", "python/runtime/loop.py"]), ("two", ["python/library/texts/a.txt"])):
        for file in files:
            (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / file).write_text(file)
    return tmp_path / "one", tmp_path / "two"


def test_the_same_layers_are_the_same_folder_at_every_start(layers: tuple[Path, Path], tmp_path: Path) -> None:
    """Python keeps bytecode by path: another path would be compiled anew, and its bytecode kept for nothing."""
    opt = mount_layers(layers, tmp_path / "a")

    assert mount_layers(layers, tmp_path / "b") == opt
    assert opt.is_relative_to(cache_folder())
    assert opt.name == "opt"


def test_an_edit_shows_and_a_new_package_is_another_folder(layers: tuple[Path, Path], tmp_path: Path) -> None:
    """A folder that a worker uses never changes under it, but for what is written into the layer itself."""
    opt = mount_layers(layers, tmp_path)
    (layers[0] / "python/runtime/loop.py").write_text("edited")
    (layers[1] / "python/library/texts/b.txt").write_text("new")
    assert (opt / "python/runtime/loop.py").read_text() == "edited"
    assert (opt / "python/library/texts/b.txt").read_text() == "new"

    (layers[1] / "python/more").mkdir()
    other = mount_layers(layers, tmp_path)

    assert [path.name for path in sorted((opt / "python").iterdir())] == ["library", "runtime"]
    assert [path.name for path in sorted((other / "python").iterdir())] == ["library", "more", "runtime"]


def test_a_folder_that_only_one_layer_has_is_one_link(layers: tuple[Path, Path], tmp_path: Path) -> None:
    """So a start with many files costs no more than one with few."""
    opt = mount_layers(layers, tmp_path)

    assert (opt / "python").is_symlink() is False
    assert (opt / "python/library").readlink() == layers[1] / "python/library"


def test_a_cache_that_cannot_be_written_is_no_error(
    layers: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment's own folder will do."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    opt = mount_layers(layers, tmp_path / "environment")

    assert opt.is_relative_to(tmp_path / "environment")
    assert (opt / "bootstrap").read_text() == "bootstrap"


def test_two_emulators_that_make_it_at_once_get_the_same(
    layers: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes second takes what is there, and leaves nothing of its own."""
    rename = Path.rename

    def second(making: Path, whole: Path) -> Path:
        monkeypatch.setattr(Path, "rename", rename)
        mount_layers(layers, tmp_path)
        return rename(making, whole)

    monkeypatch.setattr(Path, "rename", second)
    opt = mount_layers(layers, tmp_path)

    assert (opt / "bootstrap").read_text() == "bootstrap"
    assert list((cache_folder() / "layers").iterdir()) == [opt.parent]
