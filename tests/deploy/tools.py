"""Where the real tools are: SAM CLI, the emulator binary in it, AWS CLI, checkov, AWS's runtime client for Node, and
`sam build`'s Python.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

from tests.deploy.transform import REPOSITORY

SAM_ENVIRONMENT = REPOSITORY / ".tools/sam"
AWS_ENVIRONMENT = REPOSITORY / ".tools/aws"
CHECKOV_ENVIRONMENT = REPOSITORY / ".tools/checkov"
RIE_NAMES = {"x86_64": "aws-lambda-rie-x86_64", "aarch64": "aws-lambda-rie-arm64"}


def sam() -> Path:
    """The SAM CLI; the test that asks is skipped where it is not installed, and fails in CI."""
    return _installed("bin/sam")


def aws() -> Path:
    """The AWS CLI, on the same terms."""
    found = AWS_ENVIRONMENT / "bin/aws"
    if not found.exists():
        _left_out("The AWS CLI is not installed here: `make tools` installs it.")
    return found


def checkov() -> Path:
    """checkov, on the same terms."""
    found = CHECKOV_ENVIRONMENT / "bin/checkov"
    if not found.exists():
        _left_out("checkov is not installed here: `make tools` installs it.")
    return found


def rie() -> Path:
    """AWS's runtime interface emulator, which `sam local` puts into its containers; a Linux binary."""
    if platform.system() != "Linux" or platform.machine() not in RIE_NAMES:
        pytest.skip("AWS's runtime interface emulator runs on Linux only.")
    return _installed(f"lib/python3*/site-packages/samcli/local/rapid/{RIE_NAMES[platform.machine()]}")


def node_runtime() -> dict[str, str]:
    """AWS's own runtime client for Node and the Node it wants: the variables by which they are found."""
    modules = REPOSITORY / ".tools/npm/ric/node_modules"
    client, native = modules / "aws-lambda-ric/index.mjs", modules / "aws-lambda-ric/rapid-client.node"
    node = next(modules.glob("node-linux-*/bin/node"), None)
    if node is None or not native.exists():
        _left_out("AWS's runtime client for Node is not installed here: `make node-runtime` installs it.")
    return {"NODE": str(node), "RUNTIME_CLIENT": str(client)}


def interpreter(runtime: str) -> Path:
    """A Python that runs and is named as the managed *runtime* is: `sam build` takes no other version."""
    pyenv = shutil.which("pyenv")
    root = subprocess.check_output([pyenv, "root"], text=True).strip() if pyenv else "/nonexistent"
    candidates = [shutil.which(runtime), *Path(root).glob(f"versions/*/bin/{runtime}")]
    for candidate in candidates:
        # A shim of pyenv is found but does not run when another version is the global one.
        if candidate and subprocess.run([candidate, "-c", ""], capture_output=True).returncode == 0:
            return Path(candidate)
    pytest.skip(f"`sam build` needs {runtime} and there is none here: install it and put it on PATH.")


def _installed(pattern: str) -> Path:
    found = next(SAM_ENVIRONMENT.glob(pattern), None)
    if found is None:
        _left_out("The SAM CLI is not installed here: `make tools` installs it.")
    return found


def _left_out(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
