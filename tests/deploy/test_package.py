"""The package that other projects install: whole, and able to run what they have."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.deploy.transform import REPOSITORY

PARTS = {"botocore": "boto3", "werkzeug": "moto"}  # which come with them, whatever they need else
LAYER = REPOSITORY / "functions/layers/streaming"
TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Layer:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: layers/streaming/, CompatibleRuntimes: [python3.13]}
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      CodeUri: app/
      Handler: app.handler
      Layers: [!Ref Layer]
      Environment: {Variables: {AWS_LAMBDA_EXEC_WRAPPER: /opt/bootstrap}}
      FunctionUrlConfig: {AuthType: NONE, InvokeMode: RESPONSE_STREAM}
"""
HANDLER = """
from lambda_runtime.response import Response


def handler(event, context):
    return Response(iter(["Hello ", "from ", "elsewhere"]))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the built package was installed."""
    folder = tmp_path_factory.mktemp("package")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(REPOSITORY)]
    subprocess.run([*pip, *build], check=True, timeout=60)
    (wheel,) = folder.glob("*.whl")
    subprocess.run(
        [*pip, "install", "--no-deps", "--target", str(folder / "there"), str(wheel)], check=True, timeout=60
    )
    return folder / "there"


def test_it_runs_the_function_of_another_project(installed: Path, tmp_path: Path) -> None:
    """Nothing of this repository is needed there but the package and a copy of the layer."""
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    (tmp_path / "app").mkdir()
    (tmp_path / "app/app.py").write_text(HANDLER)
    (tmp_path / "local").mkdir()  # a folder of that name is not in the way of the command
    shutil.copytree(LAYER, tmp_path / "layers/streaming", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "event.json").write_text(json.dumps({}))

    command = [str(installed / "bin/lambda-sse"), "invoke", "Hello", "--event", "event.json"]
    variables = {**os.environ, "PYTHONPATH": str(installed)}
    ran = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=60)

    assert (ran.returncode, ran.stdout) == (0, "Hello from elsewhere"), ran.stderr


def test_it_has_what_is_imported_in_tests_and_by_type_checkers(installed: Path) -> None:
    """The two packages of the layer lie beside the emulator, and nothing else does."""
    packages = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}

    assert packages == {"bin", "local", "lambda_runtime", "lambda_asgi"}
    for package in packages - {"bin"}:
        assert (installed / package / "py.typed").is_file()


def test_its_dependencies_are_what_it_imports() -> None:
    """Whoever installs it gets all that the emulator needs; the functions' packages are for the functions."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[\[<>=]", name)[0].lower() for name in project["dependencies"]}
    distributions = packages_distributions()
    imported = {distributions[name][0].lower() for name in third_party_imports()}

    assert {PARTS.get(name, name) for name in imported} == declared


def third_party_imports() -> Iterator[str]:
    """The top-level names that local/ imports from elsewhere; types for the type checker do not count."""
    for path in (REPOSITORY / "local").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            tops = {name.partition(".")[0] for name in names} - {"local", "__future__"} - sys.stdlib_module_names
            yield from (top for top in tops if not top.startswith("mypy_"))
