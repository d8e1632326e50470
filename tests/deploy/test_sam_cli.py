"""The real SAM CLI on the real template: it validates, it builds, and what it built runs."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from library import DEFAULT, STORIES
from tests.deploy import tools
from tests.deploy.transform import REPOSITORY, parsed
from tests.rie.interface_emulator import interface_emulator, managed_bootstrap, sam_local_environment

pytestmark = pytest.mark.sam

RUNTIME = parsed()["Globals"]["Function"]["Runtime"]
BUILD_SECONDS = 300  # it downloads the functions' requirements


def run_sam(*arguments: str | Path, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    """Run the CLI in the repository; it asks nothing and reports to nobody."""
    return subprocess.run(
        [tools.sam(), *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "PATH": path, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `sam build` made: a folder for each function and layer, and template.yaml."""
    folder = tmp_path_factory.mktemp("sam") / "build"
    path = f"{tools.interpreter(RUNTIME).parent}:{os.environ['PATH']}"
    build = run_sam("build", "--no-cached", "--build-dir", folder, path=path)
    assert build.returncode == 0, build.stdout + build.stderr
    return folder


def test_sam_finds_the_template_valid() -> None:
    """`sam validate --lint`, without credentials and without a network."""
    validation = run_sam("validate", "--lint")

    assert validation.returncode == 0, validation.stdout + validation.stderr
    assert "is a valid SAM Template" in validation.stdout


def test_every_function_and_layer_is_built(built: Path) -> None:
    """The built template points at folders that hold what each needs at run time."""
    resources = yaml_parse((built / "template.yaml").read_text(encoding="utf-8"))["Resources"]

    assert resources["StreamingLayer"]["Properties"]["ContentUri"] == "StreamingLayer"
    assert resources["StoryFunction"]["Properties"]["CodeUri"] == "StoryFunction"
    assert resources["SitePublisher"]["Properties"]["CodeUri"] == "SitePublisher"
    assert (built / "StoryFunction/aws_lambda_powertools/__init__.py").is_file()
    assert (built / "SitePublisher/page/index.html").is_file()


def test_the_layer_keeps_an_executable_bootstrap_and_ships_bytecode(built: Path) -> None:
    """/opt is read-only: a module without bytecode for this very runtime is compiled at every cold start."""
    package = built / "StreamingLayer/python/lambda_runtime"
    tag = RUNTIME.replace("python", "cpython-").replace(".", "")

    assert os.access(built / "StreamingLayer/bootstrap", os.X_OK)
    assert {path.name for path in package.glob("__pycache__/*")} == {
        f"{module.stem}.{tag}.pyc" for module in package.glob("*.py")
    }


@pytest.mark.rie
def test_what_was_built_tells_the_story_on_the_python_it_will_run_on(built: Path, tmp_path: Path) -> None:
    """The bundle alone, away from this repository, behind AWS's emulator."""
    python = tools.interpreter(RUNTIME)
    environment = sam_local_environment(
        task_root=built / "StoryFunction", handler="story.handler", path="/usr/bin:/bin"
    )
    environment["AWS_LAMBDA_EXEC_WRAPPER"] = str(built / "StreamingLayer/bootstrap")
    command = [managed_bootstrap(tmp_path, python)]
    event: dict[str, Any] = json.loads((REPOSITORY / "events/quick.json").read_text(encoding="utf-8"))

    with interface_emulator(tools.rie(), command, environment=environment, log=tmp_path / "log") as emulator:
        reply = emulator.invoke(event)

    assert reply["statusCode"] == 200
    assert reply["body"].count("\ndata: ") == len(STORIES[DEFAULT].words()) + 1
