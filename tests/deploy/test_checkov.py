"""checkov on the transformed template: nothing is found, and every excuse written into the template is needed."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.deploy import tools
from tests.deploy.transform import REPOSITORY, parsed

EVERYTHING = {
    "AccessLogs": "yes",
    "DomainName": "stories.example.com",
    "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1",
}


def excused(*, conditional: bool) -> int:
    """How many checks the template's resources are excused from, those under a condition among them or not."""
    return sum(
        len(resource["Metadata"]["checkov"]["skip"])
        for resource in parsed()["Resources"].values()
        if "checkov" in resource.get("Metadata", {}) and (conditional or "Condition" not in resource)
    )


@pytest.mark.parametrize("parameters", [{}, EVERYTHING], ids=["defaults", "everything"])
def test_checkov_finds_nothing_and_every_excuse_is_used(parameters: dict[str, str]) -> None:
    """As `make check` asks it, with the defaults and with all there is to switch on."""
    tools.checkov()
    given = [f"{name}={value}" for name, value in parameters.items()]
    done = subprocess.run(
        [REPOSITORY / ".ci/checkov", *given], cwd=REPOSITORY, capture_output=True, text=True, timeout=120
    )
    counts = re.findall(r"Failed checks: (\d+), Skipped checks: (\d+)", done.stdout)

    assert done.returncode == 0, done.stdout + done.stderr
    assert counts == [("0", str(excused(conditional=bool(parameters))))]


def test_every_excuse_has_a_reason() -> None:
    """A sentence, in the resource it is for."""
    for resource in parsed()["Resources"].values():
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", []):
            assert re.fullmatch(r"CKV_AWS_\d+", skip["id"])
            assert len(skip["comment"].split()) > 4
