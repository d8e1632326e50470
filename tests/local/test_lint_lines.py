"""Where the linter says that a fault is: the line in the file as it was written, and the resource that stands there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from samtranslator.yaml_helper import yaml_parse

from local.lint.linter import Result
from tests.local.lint_bench import broken, judged, lay_out, rules

STREAM, PUBLIC = "stream.yaml", "public.yaml"
SUPPRESSED = "  Story:\n    Metadata: {StreamLint: {%s}}\n    Type: AWS::Serverless::Function\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return lay_out(tmp_path)


def place(result: Result, text: str) -> tuple[str, str]:
    """The resource and the line of the only finding."""
    (finding,) = result.findings
    return finding.resource, text.splitlines()[finding.line - 1].strip()


def suppressing(entries: str, *, old: str = "", new: str = "") -> str:
    """The stream's template, the function's metadata holding *entries*, and *old* replaced."""
    text = broken(STREAM, "  Story:\n    Type: AWS::Serverless::Function\n", SUPPRESSED % entries)
    assert old in text
    return text.replace(old, new)


def test_what_sam_makes_is_told_as_the_resource_it_is_made_of(root: Path) -> None:
    """The URL's own logical id, StoryUrl, is nowhere in the file."""
    text = broken(STREAM, "[GET]", "[OPTIONS]")

    assert place(judged(text, root), text) == ("Story", "AllowMethods: [OPTIONS]")


def test_an_item_of_a_list_has_its_own_line(root: Path) -> None:
    """And so has a value deep below."""
    text = broken(STREAM, '["https://www.example.com"]', "\n            - https://a.example\n            - b.example")

    assert place(judged(text, root), text) == ("Story", "- b.example")


def test_what_globals_say_is_found_there(root: Path) -> None:
    """A property that the function has from `Globals`."""
    text = broken(STREAM, "    Runtime: python3.13\n", "    Runtime: python3.13\n    Timeout: 901\n")
    text = text.replace("      Timeout: 300\n", "")

    assert place(judged(text, root), text) == ("Story", "Timeout: 901")


@pytest.mark.parametrize("call", ["!If [Always, {new}, {{}}]", "{{'Fn::If': [Always, {new}, {{}}]}}"])
def test_a_branch_of_a_choice_has_its_line(call: str, root: Path) -> None:
    """`!If` and `Fn::If` alike."""
    branches = call.format(new='\n          {AllowOrigins: ["a.example"]}')
    text = broken(STREAM, "        Cors:\n", f"        Cors: {branches}\n        Old:\n")
    text = text.replace("        Old:\n" + text.partition("        Old:\n")[2].partition("  CallUrl:")[0], "")
    text += "Conditions: {Always: !Equals [a, a]}\n"

    assert place(judged(text, root), text)[1].startswith('{AllowOrigins: ["a.example"]}')


@pytest.mark.parametrize("indent", [1, "\t"])
def test_json_has_lines_too(indent: int | str, root: Path) -> None:
    """With spaces or with tabs, which YAML would refuse."""
    template = yaml_parse(broken(PUBLIC, "RESPONSE_STREAM", "STREAM"))
    text = json.dumps(template, indent=indent)

    assert place(judged(text, root), text) == ("Url", '"InvokeMode": "STREAM"')


def test_a_suppression_with_a_reason_is_silence(root: Path) -> None:
    """The finding is kept, with the reason, for those who ask."""
    result = judged(suppressing("S207: preflights are for show", old="[GET]", new="[OPTIONS]"), root)

    assert result.findings == ()
    assert [(finding.rule.rule_id, reason) for finding, reason in result.suppressed] == [
        ("S207", "preflights are for show")
    ]


@pytest.mark.parametrize(
    ("entries", "expected", "said"),
    [
        ("S207: ''", ["S001", "S207"], "without a reason"),
        ("S999: because", ["S001", "S207"], "which is no rule"),
        ("S308: because", ["S001", "S207"], "has nothing to say here"),
    ],
)
def test_a_suppression_that_is_not_one_is_a_finding(entries: str, expected: list[str], said: str, root: Path) -> None:
    """So that none outlives its fault, and none goes without a reason."""
    result = judged(suppressing(entries, old="[GET]", new="[OPTIONS]"), root)

    assert rules(result) == expected
    assert said in result.findings[0].sentence
    assert result.findings[0].line == 15


def test_a_suppression_may_be_idle_with_other_parameters(root: Path) -> None:
    """It is for the template as it stands."""
    text = suppressing(
        "S308: the default is meant", old="Executions: 10", new="Executions: !If [Any, 1, !Ref AWS::NoValue]"
    )
    text += "Conditions: {Any: !Equals [!Ref Public, AWS_IAM]}\n"

    assert rules(judged(text, root)) == []
    assert rules(judged(text, root, {"Public": "AWS_IAM"})) == []
