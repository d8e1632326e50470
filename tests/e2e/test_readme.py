"""The project that the README has its reader write: layer, handler, template and test, as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.local_cloud import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
DEADLINE_SECONDS = 60


def block(section: str, language: str) -> str:
    """The first block of *language* in *section*."""
    found = re.search(rf"^#+ {section}\n.*?```{language}\n(.*?)```", README, re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with what the README says belongs into it."""
    shutil.copytree(ROOT / "functions/layers/streaming", tmp_path / "streaming")
    (tmp_path / "words").mkdir()
    (tmp_path / "words/words.py").write_text(block("Stream from your own function", "python"), encoding="utf-8")
    (tmp_path / "template.yaml").write_text(block("Stream from your own function", "yaml"), encoding="utf-8")
    (tmp_path / "test_words.py").write_text(block("In a test", "python"), encoding="utf-8")
    return tmp_path


def run(project: Path, *arguments: str) -> str:
    """What Python with *arguments* prints in *project*, where the emulator is on the path."""
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{project}/streaming/python"},
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_its_test_passes(project: Path) -> None:
    assert "1 passed" in run(project, "-m", "pytest", "-p", "no:cacheprovider", "test_words.py")


def test_its_handler_can_be_called_alone(project: Path) -> None:
    code = "import sys; sys.path.append('words'); from words import handler; print(list(handler({}, None).body))"

    assert run(project, "-c", code) == "['data: Hello\\n\\n', 'data: from\\n\\n', 'data: Lambda\\n\\n']\n"


def test_its_template_has_nothing_that_keeps_it_from_streaming(project: Path) -> None:
    assert run(project, "-m", "local", "lint").startswith("0 errors, 0 warnings")
