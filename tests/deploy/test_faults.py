"""One fault at a time, put into template.yaml: each is found before it is deployed.

By whom, out of three: the SAM translator, cfn-lint on what the translator made, and our own stream linter.
cfn-lint on the SAM template itself, which is what `sam validate --lint` runs, finds four of the fourteen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from cfnlint.api import ManualArgs
from cfnlint.api import lint as cfn_lint
from samtranslator.model.exceptions import InvalidDocumentException

from local.lint.linter import judge
from tests.deploy.transform import REPOSITORY, transformed

TRANSLATOR = "translator"


ALL_BUT_HOST, ALL = "b689b0a8-53d0-40ab-baf2-68738e2966ac", "216adef6-5c7f-47e4-b989-5492eafa07d3"
TIMEOUT, VPC = "Timeout: 600", "Timeout: 600\n      VpcConfig: {SubnetIds: [subnet-12345678]}"


class Fault(NamedTuple):
    """The first *old* in template.yaml becomes *new*; *finder* is the translator or the id of a linter's rule."""

    name: str
    finder: str
    old: str
    new: str


FAULTS = [
    Fault("a reference to nothing", "E1020", "Layers: [!Ref StreamingLayer", "Layers: [!Ref StreamingLayers"),
    Fault("an access control for buckets", "S402", "OriginType: lambda", "OriginType: s3"),
    Fault("InvokedViaFunctionUrl misspelled", "E3002", "InvokedViaFunctionUrl: true", "InvokedViaFunctionURL: true"),
    Fault("a CORS method that is too long", "S207", "AllowMethods: [GET]", "AllowMethods: [GET, OPTIONS]"),
    Fault("a runtime that does not exist", "E3030", "Runtime: python3.13", "Runtime: python3.99"),
    Fault("an auth type that does not exist", TRANSLATOR, "AuthType: AWS_IAM   #", "AuthType: IAM   #"),
    Fault("an invoke mode that does not exist", "S201", "InvokeMode: RESPONSE_STREAM", "InvokeMode: STREAM"),
    Fault("CORS that needs the distribution", "S210", "AllowOrigins: [!Ref WebOrigin]", "AllowOrigins: [%s]"),
    Fault("an attribute that no resource has", "E1010", "!GetAtt PageAccess.Id", "!GetAtt PageAccess.Ident"),
    Fault("a processor that does not exist", "E3030", "Architectures: [!Ref Architecture]", "Architectures: [arm65]"),
    Fault("a timeout of 1000 s", "S307", "Timeout: 600", "Timeout: 1000"),
    Fault("a log format that does not exist", "E3030", "LogFormat: JSON", "LogFormat: YAML"),
    Fault("a behavior that leads nowhere", "S501", "TargetOriginId: story", "TargetOriginId: stories"),
    Fault("a permission for any auth type", "S106", "      FunctionUrlAuthType: AWS_IAM\n", ""),
    # Not among the fourteen, and passed by all but the stream linter:
    Fault("an invoke mode misspelled", "S202", "InvokeMode: RESPONSE_STREAM", "MODE: RESPONSE_STREAM"),
    Fault("half of a permission", "S102", "Action: lambda:InvokeFunction\n", "Action: lambda:GetFunction\n"),
    Fault("a stream that is compressed", "S505", "Compress: false", "Compress: true"),
    Fault("the viewer's Host passed on", "S502", ALL_BUT_HOST, ALL),
    Fault("a function in a VPC", "S205", TIMEOUT, VPC),
]


def finders(text: str, **parameters: str) -> Iterator[str]:
    """Who finds something in the template *text*: `translator`, and the ids of rules."""
    try:
        document = transformed(text, parameters)
    except InvalidDocumentException:
        yield TRANSLATOR
        return
    for match in cfn_lint(json.dumps(document), config=ManualArgs(regions=["us-east-1"])):
        yield match.rule.id
    for finding in judge(document, text, root=REPOSITORY, parameters=parameters).findings:
        yield finding.rule.rule_id


@pytest.fixture(scope="module")
def text() -> str:
    return (REPOSITORY / "template.yaml").read_text(encoding="utf-8")


def test_the_template_itself_has_no_fault(text: str) -> None:
    """With and without another web origin, which switches CORS on."""
    assert list(finders(text)) == []
    assert list(finders(text, WebOrigin="https://www.example.com", StoryConcurrency="5")) == []
    domain = {"DomainName": "a.example.com", "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1"}
    assert list(finders(text, AccessLogs="yes", **domain)) == []


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_a_fault_is_found_before_it_is_deployed(fault: Fault, text: str) -> None:
    """By the one that is named, so that it is known whom to thank, and whom to ask when it is not."""
    assert fault.old in text
    new = fault.new.replace("%s", '!Sub "https://${Distribution.DomainName}"')

    assert fault.finder in set(finders(text.replace(fault.old, new, 1), WebOrigin="https://www.example.com"))
