"""What the README says is there: commands, options, variables, files, parameters, stories."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from local.__main__ import parser
from local.cost import DOLLARS_PER_GB_SECOND, DOLLARS_PER_REQUEST, DOLLARS_PER_STREAMED_GB
from local.cost_page import cost_page
from tests.deploy.transform import parsed

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


def options(*commands: str) -> set[str]:
    """The long options that `python -m local` with *commands* really has."""
    result = subprocess.run(
        [sys.executable, "-m", "local", *commands, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(re.findall(r"--[a-z-]+", result.stdout)) - {"--help"}


def test_every_option_is_told_and_every_told_option_is_there() -> None:
    """For the emulator and for each of its commands, in the usage lines."""
    usage = re.findall(r"^python -m local ?([a-z]*)(.*)$", README, re.MULTILINE)

    assert [command for command, _ in usage] == ["", "invoke", "lint", "cost"]
    for command, told in usage:
        assert set(re.findall(r"--[a-z-]+", told)) == options(*command.split())


def test_defaults_are_as_told() -> None:
    """Ports and template."""
    defaults = parser().parse_args([])

    assert f"--port {defaults.port}]" in README
    assert f"--aws-port {defaults.aws_port}]" in README
    assert f"--template {defaults.template}]" in README


def test_every_make_target_is_told_and_every_told_target_is_there() -> None:
    """Those with a line in the menu; `help` and `install-dev` are means to others."""
    targets = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))

    assert set(re.findall(r"make ([a-z-]+)", README)) == targets - {"help", "install-dev"}


def test_every_told_file_is_there() -> None:
    """Links, and paths in code spans that have a slash."""
    told = set(re.findall(r"\]\((?!http|#)([^)]+)\)", README))
    told |= {path for path in re.findall(r"`([a-z_.]+/[A-Za-z0-9_./-]+)`", README) if not path.startswith(".venv")}
    built = {".aws-sam/build/template.yaml"}

    assert told
    assert [path for path in sorted(told - built) if not (ROOT / path).exists() and path != "application/"] == [
        path for path in ("application/octet-stream", "application/problem+json") if path in told
    ]


def test_the_list_of_files_is_complete() -> None:
    """Every room of local/ and every folder of tests/ stands in the tree."""
    tree = README.partition("template.yaml              ")[2].partition("```")[0]
    rooms = {path.stem for path in (ROOT / "local").iterdir() if not path.name.startswith("_")}
    own = {
        "asgi",
        "cache_folder",
        "code_watch",
        "console",
        "errors",
        "invoke",
        "managed_runtime",
        "moto_process",
        "reports",
        "servers",
    }

    assert {room for room in rooms - own if not re.search(rf"\b{room}\b", tree)} == set()
    assert {
        folder.name
        for folder in (ROOT / "tests").iterdir()
        if folder.is_dir() and not folder.name.startswith("_") and f"{folder.name}/" not in tree
    } == set()


def test_every_story_is_told() -> None:
    """The values of `story`."""
    slugs = {path.stem for path in (ROOT / "functions/layers/stories/python/stories/texts").glob("*.txt")}
    told = README.partition("takes `story` (")[2].partition(")")[0]

    assert set(re.findall(r"`(\w+)`", told)) == slugs


@pytest.mark.parametrize("name", ["SiteUrl", "StoryConcurrency", "WebOrigin", "AWS_LAMBDA_EXEC_WRAPPER"])
def test_template_has_what_is_told(name: str) -> None:
    """Parameters, outputs and variables that the README names."""
    assert name in README
    assert re.search(rf"\b{name}:", (ROOT / "template.yaml").read_text())


def test_what_it_costs_is_what_the_model_reckons() -> None:
    """The tables as `python -m local cost` prints them, and the prices that they are made of."""
    assert cost_page() in README
    for price in (*DOLLARS_PER_GB_SECOND.values(), DOLLARS_PER_STREAMED_GB):
        assert f"${price:.10f}".rstrip("0") in README
    assert f"${DOLLARS_PER_REQUEST * 1_000_000:.2f} a million requests" in README


def test_every_parameter_of_the_template_is_told() -> None:
    """In the table of the section on deploying."""
    declared = parsed()["Parameters"].keys()
    rows = re.findall(r"^\| (`.*?) \|", README.partition("| parameter |")[2].partition("\n\n")[0], re.MULTILINE)

    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == declared


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "TMPDIR", "LAMBDA_TASK_ROOT"])
def test_variables_that_functions_get(name: str) -> None:
    """The environment sets what the README promises."""
    assert f"`{name}`" in README
    assert f'"{name}"' in (ROOT / "local/environment/variables.py").read_text()


def test_every_test_of_the_comparison_is_there() -> None:
    """Behind each "yes" stands a test; none may be renamed away."""
    named = set(re.findall(r"\| yes \(`(test_\w+)`\)", README))
    sources = [path.read_text() for path in (ROOT / "tests").rglob("test_*.py")]
    there = {name for source in sources for name in re.findall(r"def (test_\w+)", source)}

    assert len(named) > 15
    assert named - there == set()


def test_changelog_has_an_unreleased_part() -> None:
    """Every landing adds a line to it."""
    text = (ROOT / "CHANGELOG.md").read_text()

    assert re.search(r"## Unreleased\n\n### \w+\n\n- ", text)
