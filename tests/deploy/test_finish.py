"""What `make build` does after `sam build`: take out, compile, tell sizes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.transform import REPOSITORY


def finish(build: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, REPOSITORY / ".ci/finish.py", build]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A function with parts of Powertools in it, and a layer that is finished already."""
    for name in (
        "Function/handler.py",
        "Function/aws_lambda_powertools/logging/logger.py",
        "Function/aws_lambda_powertools/event_handler/api.py",
        "Function/aws_lambda_powertools/utilities/__init__.py",
        "Function/aws_lambda_powertools/utilities/jmespath_utils/__init__.py",
        "Function/aws_lambda_powertools/utilities/parser/models/sqs.py",
        "Layer/python/module.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("import os\n")
    (tmp_path / "template.yaml").touch()
    return tmp_path


def test_what_no_function_imports_is_taken_out_and_the_rest_compiled(build: Path) -> None:
    """A second time changes nothing."""
    told = [finish(build).stdout for _ in range(2)]
    found = {str(path.relative_to(build)) for path in build.rglob("*") if path.is_file()}
    modules = {re.sub(r"__pycache__/(\w+)\.cpython-\d+\.pyc", r"\1.py", name) for name in found if ".pyc" in name}

    assert modules == {
        "Function/handler.py",
        "Function/aws_lambda_powertools/logging/logger.py",
        "Function/aws_lambda_powertools/utilities/__init__.py",
        "Function/aws_lambda_powertools/utilities/jmespath_utils/__init__.py",
    }
    assert {name for name in found if name.endswith(".py")} == modules | {"Layer/python/module.py"}
    assert told[0] == told[1]
    assert re.fullmatch(r"Function +\d\.\d kB zipped\nLayer +\d\.\d kB zipped\n", told[0])


def test_a_function_that_imports_what_is_taken_out_is_refused(build: Path) -> None:
    """Here, and not by an error at its first start on AWS."""
    module = build / "Function/handler.py"
    module.write_text("from aws_lambda_powertools.utilities.typing import LambdaContext\n")
    refused = finish(build)

    assert refused.returncode == 1
    assert refused.stderr == (
        f"{module} imports aws_lambda_powertools.utilities, which is taken out of every function: "
        "see UNUSED in .ci/finish.py.\n"
    )
    assert (build / "Function/aws_lambda_powertools/event_handler/api.py").is_file()


def test_a_module_that_cannot_be_compiled_is_named(build: Path) -> None:
    (build / "Function/handler.py").write_text("def\n")
    refused = finish(build)

    assert refused.returncode == 1
    assert refused.stderr == "A module of Function cannot be compiled, see above.\n"
    assert f"Function{os.sep}handler.py" in refused.stdout


def test_nothing_was_built(tmp_path: Path) -> None:
    assert finish(tmp_path / "none").stderr == f"There is no folder {tmp_path}/none: run sam build first.\n"
