"""`python -m local lint`: what it prints, and the exit code that a CI job sees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.commands import main
from local.lint.table import RULES
from tests.local.lint_bench import broken, lay_out

ROOT = Path(__file__).parents[2]
CHAT = "tests/local/templates/lint/chat.yaml"


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where to write a template, beside its code."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return lay_out(tmp_path) / "template.yaml"


def test_without_an_error_the_exit_code_is_0(template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Warnings alone do not fail a build."""
    template.write_text(broken("public.yaml", "      FunctionUrlAuthType: NONE\n", ""), encoding="utf-8")

    assert main(["lint", str(template)]) == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{template}:17: warning S106 CallUrl: The permission has no FunctionUrlAuthType")
    assert last == "0 errors, 1 warning, 0 suppressed with a reason"


def test_with_an_error_it_is_1_and_json_says_all(template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Everything that a program needs to show the finding elsewhere."""
    template.write_text(broken("stream.yaml", "AuthType: AWS_IAM\n        Inv", "AuthType: !Ref Public\n        Inv"))

    assert main(["lint", str(template), "--format", "json", "--parameter", "Public=AWS_IAM"]) == 0
    assert json.loads(capsys.readouterr().out) == {"findings": [], "suppressed": []}
    assert main(["lint", str(template), "--format", "json"]) == 1
    (error, warning) = json.loads(capsys.readouterr().out)["findings"]
    assert error.keys() == {"rule", "severity", "resource", "file", "line", "title", "reason", "why", "link"}
    assert (error["rule"], error["severity"], error["resource"], error["line"]) == ("S109", "error", "Story", 26)
    assert (error["file"], warning["rule"], warning["severity"]) == (str(template), "S111", "warning")


def test_what_the_readme_shows_is_what_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A first try at streaming, with its faults in the order of their lines; the README cuts the sentences short."""
    monkeypatch.chdir(ROOT)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = readme.partition(f"lint {CHAT}\n")[2].partition("```")[0].splitlines()

    assert main(["lint", CHAT]) == 1
    printed = capsys.readouterr().out.splitlines()
    numbers = [int(line.split(":")[1]) for line in printed[:-1]]
    assert (len(numbers), numbers) == (17, sorted(numbers))
    assert len(shown) == 4
    assert [short for short in shown if not any(line.startswith(short) for line in printed)] == []


def test_the_rules_can_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its severity, its title, its reason and its page; no template is needed."""
    assert main(["lint", "--rules"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "S001 warning: Suppression that is not one"
    assert [line for line in lines if line.startswith("S")] == lines[::3]
    assert len(lines) == 3 * (len(RULES) + 1)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "there is no template at"),
        ("Resources: [", "not YAML"),
        ("Transform: AWS::Serverless-2016-10-31\nResources: {A: {Type: AWS::Serverless::Function}}\n", "A"),
    ],
    ids=["missing", "no YAML", "refused by SAM"],
)
def test_a_template_that_cannot_be_read_is_2(
    text: str | None, sentence: str, template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one sentence, on standard error."""
    if text is not None:
        template.write_text(text, encoding="utf-8")

    assert main(["lint", str(template)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("local: ")
    assert sentence in captured.err
    assert "Traceback" not in captured.err


def test_an_unknown_parameter_is_2(template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelled name would otherwise judge another deployment than the one meant."""
    template.write_text(broken("public.yaml"), encoding="utf-8")

    assert main(["lint", str(template), "--parameter", "Nobody=1"]) == 2
    assert "the template has no parameter Nobody" in capsys.readouterr().err
