"""The pinned requirements: whole, hashed, and of one mind."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.deploy.transform import REPOSITORY

RUN = REPOSITORY / "requirements.txt"
DEV = REPOSITORY / "requirements-dev.txt"
SAM = REPOSITORY / "requirements-sam.txt"
AWS = REPOSITORY / "requirements-aws.txt"
CHECKOV = REPOSITORY / "requirements-checkov.txt"
STORY = REPOSITORY / "functions/story/requirements.txt"
API = REPOSITORY / "functions/api/requirements.txt"


def pins(requirements: Path) -> dict[str, str]:
    """The pinned version of each distribution; a marker counts as part of the version."""
    text = requirements.read_text(encoding="utf-8").replace("\\\n", "")
    return dict(re.findall(r"^([a-z0-9.-]+)(?:\[[^]]*\])?==(.*?)\s+--hash", text, re.MULTILINE))


@pytest.mark.parametrize(
    "requirements", [RUN, DEV, SAM, AWS, CHECKOV, STORY, API], ids=lambda path: str(path.relative_to(REPOSITORY))
)
def test_every_requirement_is_pinned_and_hashed_and_names_no_address(requirements: Path) -> None:
    """`pip install --require-hashes --no-deps` can take the file as it is, from whatever index the user has."""
    text = requirements.read_text(encoding="utf-8")
    entries = text.replace("\\\n", "").splitlines()

    assert "://" not in text
    assert [entry for entry in entries if not re.search(r"==\S+.* --hash=sha256:[0-9a-f]{64}", entry)] == []


@pytest.mark.parametrize("part", [RUN, STORY, API], ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_what_is_tested_is_what_runs(part: Path) -> None:
    """Every version of the emulator's and of the function's requirements is also the one the tests run with."""
    assert pins(part).items() <= pins(DEV).items()


@pytest.mark.parametrize("lock", [*REPOSITORY.glob(".ci/npm/*/package-lock.json")], ids=lambda path: path.parent.name)
def test_every_package_from_npm_is_pinned_and_hashed_and_names_no_address(lock: Path) -> None:
    """`npm ci` can take the lock as it is, from whatever registry the user has."""
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    installed = [package for path, package in packages.items() if path]

    assert [package for package in installed if not package["integrity"].startswith("sha512-")] == []
    assert [package for package in installed if "resolved" in package] == []
