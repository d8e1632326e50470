"""Templates to lint in tests, without a child process: a fixture's text, broken in one place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from local.lint.linter import Result, judge
from local.template.transform import transform

TEMPLATES = Path(__file__).with_name("templates") / "lint"


def broken(fixture: str, old: str = "", new: str = "") -> str:
    """The text of a fixture with its one *old* replaced; fails when there is none, or more than one."""
    text = (TEMPLATES / fixture).read_text(encoding="utf-8")
    if old:
        assert text.count(old) == 1, f"{old!r} is in {fixture} {text.count(old)} times"
    return text.replace(old, new) if old else text + new


def judged(text: str, root: Path, parameters: Mapping[str, str] | None = None) -> Result:
    """What the linter says about the template *text*, whose code lies in *root*."""
    given = parameters or {}
    document = transform(text, parameters=given, region="us-east-1")
    return judge(document, text, root=root, parameters=given)


def rules(result: Result) -> list[str]:
    """The ids of the findings, in the order of their lines."""
    return [finding.rule.rule_id for finding in result.findings]


def lay_out(root: Path) -> Path:
    """Make the folders that the fixtures name: a function, a program with its bootstrap, and the streaming layer."""
    for path in ("function/story.py", "layer/python/lambda_runtime/__main__.py"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    for path in ("program/bootstrap", "layer/bootstrap"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch(mode=0o755)
    return root
