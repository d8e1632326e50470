"""The rules of the house: who may import whom, and how large a module grows."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYER = ROOT / "functions/layers/streaming/python"
FUNCTION_FOLDERS = [ROOT / "functions/story", ROOT / "functions/site"]
MAX_LINES = 280

# The rooms of local/, from the bottom up. A room imports only from rows above its own, and from itself.
ROOMS = [
    {"config", "errors", "wire"},
    {"asgi", "reports"},
    {"aws_services", "code_watch", "edge", "invocation", "servers", "template"},
    {"custom_resources", "environment", "front", "site"},
    {"aws_endpoint", "dispatcher", "runtime_api"},
    {"function_url", "invoke", "runtime_server"},
    {"emulator"},
    {"__main__"},
]
PROGRAMS = {"managed_runtime", "moto_process"}  # started as processes of their own: nobody imports them


def sources(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*.py")) if "__pycache__" not in path.parts]


def imports(path: Path) -> set[str]:
    """The modules that the file imports anywhere, by their full names; fails for a relative import."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            found.add(node.module or "")
    return found


def room(path: Path) -> str:
    """The module or package directly below local/ that the file is, or is in."""
    return path.relative_to(ROOT / "local").parts[0].removesuffix(".py")


def test_functions_know_nothing_of_the_emulator() -> None:
    """What runs on AWS imports neither `local` nor `tests`."""
    for path in sources(ROOT / "functions"):
        assert not {name.split(".")[0] for name in imports(path)} & {"local", "tests"}, path


def test_the_emulator_knows_nothing_of_the_functions() -> None:
    """The two speak over the Runtime API only, so that any other function fits in."""
    bundle = {path.stem for folder in FUNCTION_FOLDERS for path in folder.glob("*.py")} | {"lambda_runtime"}
    for path in sources(ROOT / "local"):
        assert not {name.split(".")[0] for name in imports(path)} & bundle, path


def test_imports_in_local_go_strictly_down() -> None:
    """So there is no cycle between rooms, and the list above is the order in which to read them."""
    level = {name: number for number, row in enumerate(ROOMS) for name in row}
    for path in sources(ROOT / "local"):
        here = room(path)
        if here == "__init__":
            continue
        imported = {name.split(".")[1] for name in imports(path) if name.startswith("local.")} - {here}
        assert not imported & PROGRAMS, path
        if here in PROGRAMS:
            assert not imported, path
            continue
        assert here in level, f"{here} has no row in ROOMS"
        assert all(level[other] < level[here] for other in imported), f"{path} imports {imported}"


@pytest.mark.parametrize("folder", [LAYER, ROOT / "local"], ids=["layer", "local"])
def test_no_import_cycles(folder: Path) -> None:
    """Not inside a room either; imports for type checkers and those inside functions count too."""
    root = folder if folder == LAYER else ROOT
    names = {".".join(path.relative_to(root).with_suffix("").parts): path for path in sources(folder)}
    graph = {name: {other for other in imports(path) if other in names} for name, path in names.items()}
    # logs is imported by logging_hook at run time, and names it back for type checkers only.
    graph.get("lambda_runtime.logs", set()).discard("lambda_runtime.logging_hook")
    while leaves := [name for name, others in graph.items() if not others & graph.keys()]:
        for name in leaves:
            del graph[name]
    assert not graph


def test_runtime_imports_only_the_standard_library() -> None:
    """Zero third-party imports on the cold path."""
    for path in sources(LAYER):
        outside = {name.split(".")[0] for name in imports(path)} - sys.stdlib_module_names - {"lambda_runtime"}
        assert not outside, path


def test_module_names_are_unique_across_the_bundle() -> None:
    """Every function folder is a flat root of `sys.path`, as /var/task is."""
    names = [path.stem for folder in FUNCTION_FOLDERS for path in folder.glob("*.py")]
    assert len(names) == len(set(names))


def test_modules_stay_small() -> None:
    """What outgrows this becomes a folder of the same name."""
    large = {
        str(path.relative_to(ROOT)): count
        for path in [*sources(ROOT / "functions"), *sources(ROOT / "local")]
        if (count := len(path.read_text().splitlines())) > MAX_LINES
    }
    assert large == {}


def test_every_module_says_what_it_is() -> None:
    """A docstring at the top of every file that is not a test."""
    for path in [*sources(ROOT / "functions"), *sources(ROOT / "local")]:
        assert ast.get_docstring(ast.parse(path.read_text())), path
