"""The rules of the house: who may import whom, and how large a module grows."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYER = ROOT / "functions/layers/streaming/python"
STORIES = ROOT / "functions/layers/stories/python"
FUNCTION_FOLDERS = [ROOT / "functions/story", ROOT / "functions/api", ROOT / "functions/site"]
MAX_LINES = 280

# The rooms of local/, from the bottom up. A room imports only from rows above its own, and from itself.
ROOMS = [
    {"busy_poll", "cache_folder", "config", "errors", "file_watch", "loop_thread", "news", "wire"},
    {"asgi", "banner", "bytecode", "console", "cors", "cost", "log_levels", "progress"},
    {"aws_services", "code_watch", "http1", "reports", "request_head", "signature", "template"},
    {
        "cost_page",
        "custom_resources",
        "edge",
        "front",
        "function_access",
        "invocation",
        "lint",
        "metadata",
        "servers",
        "site",
    },
    {"bandwidth", "environment"},
    {"aws_endpoint", "dispatcher", "runtime_api"},
    {"extensions_api"},
    {"cloudformation", "function_url", "invoke", "invoke_api", "runtime_server"},
    {"deployed"},
    {"emulator"},
    {"commands"},
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
    bundle = {path.stem for folder in FUNCTION_FOLDERS for path in folder.glob("*.py")}
    bundle |= {"lambda_runtime", "lambda_asgi", "stories"}
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


@pytest.mark.parametrize("folder", [LAYER, STORIES, ROOT / "local"], ids=["streaming", "stories", "local"])
def test_no_import_cycles(folder: Path) -> None:
    """Not inside a room either; imports for type checkers and those inside functions count too."""
    root = ROOT if folder == ROOT / "local" else folder
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
        packages = {name.split(".")[0] for name in imports(path)}
        assert packages <= sys.stdlib_module_names | {"lambda_runtime", "lambda_asgi"}, path


def test_runtime_and_asgi_share_one_type() -> None:
    """`lambda_runtime` knows nothing of ASGI, and `lambda_asgi` nothing of the Runtime API but what a reply is."""
    for path in sources(LAYER / "lambda_runtime"):
        assert not {name for name in imports(path) if name.startswith("lambda_asgi")}, path
    for path in sources(LAYER / "lambda_asgi"):
        shared = {name for name in imports(path) if name.startswith("lambda_runtime")}
        assert shared <= {"lambda_runtime.response", "lambda_runtime.body"}, path


@pytest.mark.parametrize(
    ("folder", "beside"),
    [
        (STORIES, {"stories"}),
        (ROOT / "functions/story", {"stories", "lambda_runtime", "aws_lambda_powertools"}),
        (
            ROOT / "functions/api",
            {"stories", "aws_lambda_powertools", "fastapi", "mangum", "pydantic", "starlette"},
        ),
        (ROOT / "functions/site", {"boto3", "botocore", "mypy_boto3_s3"}),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else "",
)
def test_what_each_part_of_the_bundle_is_made_of(folder: Path, beside: set[str]) -> None:
    """Its own modules, the standard library, and nothing but these: the story has no framework."""
    own = {path.stem for path in folder.glob("*.py")}
    for path in sources(folder):
        assert {name.split(".")[0] for name in imports(path)} <= sys.stdlib_module_names | own | beside, path


def test_module_names_are_unique_across_the_bundle() -> None:
    """Every function folder is a flat root of `sys.path`, as /var/task is, and so is every layer's folder."""
    names = [path.stem for folder in FUNCTION_FOLDERS for path in folder.glob("*.py")]
    names += [path.name for layer in (LAYER, STORIES) for path in layer.iterdir() if path.name != "__pycache__"]
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


def test_every_package_says_what_its_modules_are_for() -> None:
    """In its docstring, so that who opens the folder sees the way through it."""
    packages = [path for folder in (ROOT / "local", LAYER, STORIES) for path in folder.rglob("*/__init__.py")]

    assert packages
    for package in packages:
        told = ast.get_docstring(ast.parse(package.read_text())) or ""
        modules = {
            path.stem for path in package.parent.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
        }
        assert {name for name in modules - {"__init__", "__main__"} if not re.search(rf"`{name}/?`", told)} == set(), (
            package
        )
