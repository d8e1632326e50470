"""The real SAM CLI on the real template: it validates, it builds, and what it built runs and compiles nothing."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from local.environment.filesystem import mount_layers
from local.lint.linter import lint
from stories.library import DEFAULT, STORIES
from tests.deploy import tools
from tests.deploy.transform import REPOSITORY, parsed
from tests.rie.interface_emulator import interface_emulator, managed_bootstrap, sam_local_environment

pytestmark = pytest.mark.sam

RUNTIME = parsed()["Globals"]["Function"]["Runtime"]
TAG = RUNTIME.replace("python", "cpython-").replace(".", "")
ARCHITECTURES = {"arm64": "aarch64", "x86_64": "x86_64"}  # Lambda's name, Python's name
LAYERS = ("StreamingLayer", "StoriesLayer")
BUILD_SECONDS = 300  # it downloads the functions' requirements
LARGEST_STORY_BYTES = 1_200_000

# Runs in an interpreter of its own, which finds nothing but the bundle: folders in argv, then what to do as code.
WHAT_IS_COMPILED = """
import sys
from importlib.machinery import SourceFileLoader
*sys.path[:0], code = sys.argv[1:]
bundle = tuple(sys.argv[1:-1])
compiled = []
compile_source = SourceFileLoader.source_to_code
def note(self, data, path, **options):
    compiled.append(path)
    return compile_source(self, data, path, **options)
SourceFileLoader.source_to_code = note
exec(code)
print([path for path in compiled if path.startswith(bundle)], file=sys.stderr)
"""
TELL_A_STORY = """
import journal, story
journal.story_told("id", story="moon", seed=1, first=1, words=84, ended="complete", duration_ms=1)
"""
ANSWER = """
import json
from types import SimpleNamespace
import api
context = SimpleNamespace(function_name="", memory_limit_in_mb=1, invoked_function_arn="", aws_request_id="")
event = json.loads({event!r})
for path in ("/api/stories", "/api/poll", "/api/docs", "/api/openapi.json", "/api/nothing"):
    event["rawPath"] = event["requestContext"]["http"]["path"] = path
    assert api.handler(event, context)["statusCode"] == (404 if path == "/api/nothing" else 200)
"""


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program in the repository, the Python that SAM insists on first on its PATH; it asks nothing."""
    path = f"{tools.interpreter(RUNTIME).parent}:{os.environ['PATH']}"
    return subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**os.environ, "PATH": path, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
    )


@pytest.fixture(scope="module")
def build_for(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """What `make build` does, once for each architecture: a folder for each function and layer, and template.yaml."""

    @cache
    def build(architecture: str) -> Path:
        folder = tmp_path_factory.mktemp("sam") / architecture
        choice = f"Architecture={architecture}"
        for command in (
            [tools.sam(), "build", "--no-cached", "--build-dir", folder, "--parameter-overrides", choice],
            [RUNTIME, REPOSITORY / ".ci/finish.py", folder],
        ):
            done = run(*command)
            assert done.returncode == 0, done.stdout + done.stderr
        return folder

    return build


@pytest.fixture(params=ARCHITECTURES)
def built(request: pytest.FixtureRequest, build_for: Callable[[str], Path]) -> Path:
    """Each build; what can be run of it must not depend on the processor."""
    return build_for(request.param)


@pytest.fixture
def runnable(build_for: Callable[[str], Path]) -> Path:
    """The build for the processor of this machine."""
    return build_for(next(name for name, machine in ARCHITECTURES.items() if machine == platform.machine()))


def test_sam_finds_the_template_valid() -> None:
    """`sam validate --lint`, without credentials and without a network."""
    validation = run(tools.sam(), "validate", "--lint")

    assert validation.returncode == 0, validation.stdout + validation.stderr
    assert "is a valid SAM Template" in validation.stdout


def test_make_build_is_what_is_tested_here() -> None:
    """The same two steps, one after the other."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")

    assert f"RUNTIME = $(shell .ci/find-python {RUNTIME.removeprefix('python')})" in makefile
    assert " $(SAM) build $(ARGS)\n\t$(RUNTIME) .ci/finish.py .aws-sam/build\n" in makefile


def test_every_function_and_layer_is_built(built: Path) -> None:
    """The built template points at folders that hold what each needs at run time."""
    resources = yaml_parse((built / "template.yaml").read_text(encoding="utf-8"))["Resources"]

    for name in LAYERS:
        assert resources[name]["Properties"]["ContentUri"] == name
    for name in ("StoryFunction", "ApiFunction", "SitePublisher"):
        assert resources[name]["Properties"]["CodeUri"] == name
    assert (built / "StoriesLayer/python/stories/texts/moon.txt").is_file()
    assert (built / "ApiFunction/docs/index.html").is_file()
    assert (built / "SitePublisher/page/index.html").is_file()


def test_the_zip_of_the_story_holds_nothing_that_it_does_not_need(built: Path) -> None:
    """A larger zip is a longer cold start: its own modules, the library that logs, and what that needs."""
    names = {path.name.partition("-")[0] for path in (built / "StoryFunction").iterdir()}
    own = {path.name for path in (REPOSITORY / "functions/story").iterdir()} | {"__pycache__"}  # the bytecode

    assert names - own == {"aws_lambda_powertools", "jmespath", "typing_extensions", "typing_extensions.py"}


def test_the_zip_of_the_story_stays_small(built: Path, tmp_path: Path) -> None:
    """Of Powertools, which is most of it, only what a log line needs."""
    packed = Path(shutil.make_archive(str(tmp_path / "story"), "zip", built / "StoryFunction"))
    kept = {path.name for path in (built / "StoryFunction/aws_lambda_powertools").iterdir() if path.is_dir()}

    assert packed.stat().st_size < LARGEST_STORY_BYTES
    assert "event_handler" not in kept
    assert {path.name for path in (built / "StoryFunction/aws_lambda_powertools/utilities").iterdir()} == {
        "__init__.py", "__pycache__", "jmespath_utils",
    }  # fmt: skip


def test_the_stream_linter_finds_nothing_in_what_was_built(built: Path) -> None:
    """It looks into the folders: the bootstrap is there, and may be executed."""
    assert lint(built / "template.yaml", parameters={}).findings == ()


def test_extension_modules_are_for_the_architecture(build_for: Callable[[str], Path]) -> None:
    """One of pydantic's, and no other."""
    for architecture, machine in ARCHITECTURES.items():
        found = [path.name for path in build_for(architecture).rglob("*.so")]

        assert found == [f"_pydantic_core.{TAG}-{machine}-linux-gnu.so"]


def test_every_module_has_bytecode_that_is_never_checked(built: Path) -> None:
    """/opt and /var/task are read-only: a module without it, or with a stale time in it, is compiled each time."""
    for module in built.rglob("*.py"):
        bytecode = module.with_name("__pycache__") / f"{module.stem}.{TAG}.pyc"
        assert int.from_bytes(bytecode.read_bytes()[4:8], "little") == 1, module  # PEP 552: unchecked-hash


def test_the_layer_keeps_an_executable_bootstrap(built: Path) -> None:
    assert os.access(built / "StreamingLayer/bootstrap", os.X_OK)


def compiled_by(code: str, function: Path, build: Path) -> str:
    """The modules of the bundle that the runtime's Python compiles while it runs *code* in *function*; a list."""
    folders = [function, *(build / layer / "python" for layer in LAYERS)]
    done = run(tools.interpreter(RUNTIME), "-I", "-S", "-B", "-c", WHAT_IS_COMPILED, *folders, code)
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("function", "code"),
    [
        ("StoryFunction", TELL_A_STORY),
        ("ApiFunction", ANSWER.format(event=(REPOSITORY / "events/api-stories.json").read_text(encoding="utf-8"))),
        ("SitePublisher", "import cfn_response"),
    ],
    ids=["story", "api", "publisher"],
)
def test_a_cold_start_compiles_nothing(runnable: Path, function: str, code: str, tmp_path: Path) -> None:
    """Neither to import the handler nor to answer; what `sam build` alone makes would compile every module."""
    plain = shutil.copytree(runnable / function, tmp_path / "plain", ignore=shutil.ignore_patterns("__pycache__"))

    assert compiled_by(code, runnable / function, runnable) == "[]"
    assert ".py'" in compiled_by(code, plain, runnable)


@pytest.mark.rie
def test_what_was_built_tells_the_story_on_the_python_it_will_run_on(runnable: Path, tmp_path: Path) -> None:
    """The bundle alone, away from this repository, behind AWS's emulator."""
    python = tools.interpreter(RUNTIME)
    environment = sam_local_environment(
        task_root=runnable / "StoryFunction", handler="story.handler", path="/usr/bin:/bin"
    )
    opt = mount_layers(tuple(runnable / layer for layer in LAYERS), tmp_path)
    environment["AWS_LAMBDA_EXEC_WRAPPER"] = str(opt / "bootstrap")
    command = [managed_bootstrap(tmp_path, python)]
    event: dict[str, Any] = json.loads((REPOSITORY / "events/quick.json").read_text(encoding="utf-8"))

    with interface_emulator(tools.rie(), command, environment=environment, log=tmp_path / "log") as emulator:
        reply = emulator.invoke(event)

    assert reply["statusCode"] == 200
    assert reply["body"].count("\ndata: ") == len(STORIES[DEFAULT].words()) + 1
