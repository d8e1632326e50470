"""Each rule of the stream linter: what it finds, on which line, and what it lets pass."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from local.lint.finding import Severity
from local.lint.table import RULES
from tests.local.lint_bench import broken, judged, lay_out, rules

STREAM, PUBLIC = "stream.yaml", "public.yaml"
URL_ARN = '      SourceArn: !Sub "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Edge}"\n'
WRAPPER = "          AWS_LAMBDA_EXEC_WRAPPER: /opt/bootstrap\n"
URL_PERMISSION = "      Action: lambda:InvokeFunctionUrl\n      FunctionName: !Ref Story\n      Principal: cloudfront"
REQUEST_POLICY = "          OriginRequestPolicyId: b689b0a8-53d0-40ab-baf2-68738e2966ac\n"
CACHE_POLICY = "          CachePolicyId: 4135ea2d-6df8-44a3-9df3-4b5a84be39ad\n"
ACCESS = "            OriginAccessControlId: !GetAtt Access.Id\n"
DOMAIN = '!Select [2, !Split ["/", !GetAtt StoryUrl.FunctionUrl]]'
READ_TIMEOUT = "              OriginReadTimeout: 60\n"
TIMEOUT = "      Timeout: 300\n"
EVENT = "      Events: {Api: {Type: %s, Properties: {Path: /, Method: get%s}}}\n"
TARGETS = """
  Balanced:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties: {TargetType: lambda, Targets: [{Id: !GetAtt Story.Arn}]}
"""
POLICY = """
  Own:
    Type: AWS::CloudFront::{kind}Policy
    Properties: {{{kind}PolicyConfig: {{Name: own, {config}}}}}
"""


class Case(NamedTuple):
    """The rule that must speak, alone, when *old* in the fixture becomes *new*; *line* is what its line begins with."""

    rule: str
    fixture: str
    old: str
    new: str
    line: str


FAULTS = [
    Case("S101", STREAM, "Action: lambda:InvokeFunctionUrl", "Action: lambda:GetFunction", "AuthType: AWS_IAM"),
    Case("S102", STREAM, "Action: lambda:InvokeFunction\n", "Action: lambda:GetFunction\n", "AuthType: AWS_IAM"),
    Case("S103", STREAM, URL_PERMISSION, URL_PERMISSION[:-10] + "lambda", "Principal: lambda"),
    Case("S104", STREAM, "${AWS::Partition}:cloudfront::", "${AWS::Partition}:cloudfront:us-east-1:", "SourceArn:"),
    Case("S104", STREAM, "${Edge}", "${Edge}/*", "SourceArn:"),
    Case("S105", STREAM, "FunctionUrlAuthType: AWS_IAM", "FunctionUrlAuthType: NONE", "FunctionUrlAuthType: NONE"),
    Case("S106", STREAM, "      FunctionUrlAuthType: AWS_IAM\n", "", "CallUrl:"),
    Case("S107", PUBLIC, "      InvokedViaFunctionUrl: true\n", "", "Invoke:"),
    Case("S107", PUBLIC, "InvokedViaFunctionUrl: true", "InvokedViaFunctionUrl: false", "Invoke:"),
    Case("S109", PUBLIC, "Action: lambda:InvokeFunction\n", "Action: lambda:GetFunction\n", "AuthType: NONE"),
    Case("S109", PUBLIC, "FunctionUrlAuthType: NONE", "FunctionUrlAuthType: AWS_IAM", "AuthType: NONE"),
    Case("S110", STREAM, "        AuthType: AWS_IAM", "        AuthType: !Ref Unset", "AuthType: !Ref"),
    Case("S111", STREAM, "        AuthType: AWS_IAM", "        AuthType: NONE", "AuthType: NONE"),
    Case("S112", STREAM, URL_ARN, "", "CallUrl:"),
    Case("S201", PUBLIC, "RESPONSE_STREAM", "RESPONSE_STREAMING", "InvokeMode:"),
    Case("S203", STREAM, WRAPPER, WRAPPER + "          AWS_LWA_PORT: 80\n", "Variables:"),
    Case("S204", STREAM, "        InvokeMode: RESPONSE_STREAM\n", "        InvokeMode: BUFFERED\n", "InvokeMode:"),
    Case(
        "S205",
        PUBLIC,
        "Timeout: 30",
        "Timeout: 30\n      VpcConfig: {SubnetIds: [a], SecurityGroupIds: [b]}",
        "VpcConfig:",
    ),
    Case(
        "S206", PUBLIC, "Timeout: 30", "Timeout: 30\n      TenancyConfig: {TenantIsolationMode: PER_TENANT}", "Tenancy"
    ),
    Case("S207", STREAM, "AllowMethods: [GET]", "AllowMethods: [GET, OPTIONS]", "AllowMethods:"),
    Case("S208", STREAM, "www.example.com", "www.example.com/", "AllowOrigins:"),
    Case("S208", STREAM, "https://www.example.com", "www.example.com", "AllowOrigins:"),
    Case("S209", STREAM, '["https://www.example.com"]', '["*"]\n          AllowCredentials: true', "AllowCredentials:"),
    Case("S210", STREAM, '"https://www.example.com"', '!Sub "https://${Edge.DomainName}"', "Cors:"),
    Case("S301", STREAM, WRAPPER, "          STORY: any\n", "Runtime: python3.13"),
    Case("S302", STREAM, "Runtime: python3.13", "Runtime: provided.al2023", "AWS_LAMBDA_EXEC_WRAPPER:"),
    Case("S303", STREAM, "/opt/bootstrap", "/opt/bootstrp", "AWS_LAMBDA_EXEC_WRAPPER:"),
    Case("S303", STREAM, "/opt/bootstrap", "/var/task/bootstrap", "AWS_LAMBDA_EXEC_WRAPPER:"),
    Case("S305", PUBLIC, "Code: program/", "Code: function/", "Runtime: provided.al2023"),
    Case("S306", STREAM, TIMEOUT, "", "Story:"),
    Case("S307", STREAM, "Timeout: 300", "Timeout: 1000", "Timeout: 1000"),
    Case("S308", STREAM, "      ReservedConcurrentExecutions: 10\n", "", "Timeout: 300"),
    Case("S401", STREAM, ACCESS, "", "- Id: story"),
    Case("S402", STREAM, "OriginAccessControlOriginType: lambda", "OriginAccessControlOriginType: s3", "OriginAccessC"),
    Case("S403", STREAM, "SigningBehavior: always", "SigningBehavior: never", "SigningBehavior:"),
    Case("S404", STREAM, DOMAIN, "!GetAtt StoryUrl.FunctionUrl", "DomainName:"),
    Case("S405", STREAM, "OriginProtocolPolicy: https-only", "OriginProtocolPolicy: http-only", "OriginProtocol"),
    Case("S406", STREAM, READ_TIMEOUT, "              OriginReadTimeout: 15\n", "OriginReadTimeout: 15"),
    Case("S406", STREAM, READ_TIMEOUT, "", "CustomOriginConfig:"),
    Case("S407", STREAM, ACCESS, ACCESS + "            ResponseCompletionTimeout: 299\n", "ResponseCompletion"),
    Case("S501", STREAM, "TargetOriginId: story", "TargetOriginId: storey", "TargetOriginId: storey"),
    Case("S502", STREAM, "b689b0a8-53d0-40ab-baf2-68738e2966ac", "216adef6-5c7f-47e4-b989-5492eafa07d3", "OriginReq"),
    Case("S503", STREAM, "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "658327ea-f89d-4fab-a63d-7e88639e58f6", "CachePol"),
    Case("S504", STREAM, REQUEST_POLICY, "", "DefaultCacheBehavior:"),
    Case("S505", STREAM, "Compress: false", "Compress: true", "Compress: true"),
    Case("S506", STREAM, "[GET, HEAD, OPTIONS]", "[GET, HEAD, OPTIONS, PUT, PATCH, POST, DELETE]", "AllowedMethods:"),
    Case("S601", STREAM, TIMEOUT, TIMEOUT + EVENT % ("HttpApi", ""), "Story:"),
    Case("S602", STREAM, TIMEOUT, TIMEOUT + EVENT % ("Api", ""), "Story:"),
    Case("S603", STREAM, "", TARGETS, "Story:"),
]

SILENT = [
    ("a pattern for every distribution of the account", STREAM, "distribution/${Edge}", "distribution/*"),
    ("a distribution's id, written out once it is known", STREAM, "distribution/${Edge}", "distribution/E2ABC"),
    ("a source that only another stack knows", STREAM, URL_ARN, "      SourceArn: !ImportValue distribution\n"),
    ("a permission for all actions", STREAM, "Action: lambda:InvokeFunctionUrl", 'Action: "lambda:*"'),
    ("an invoke mode that is not known", STREAM, "InvokeMode: RESPONSE_STREAM", "InvokeMode: !Ref Unset"),
    ("methods that are not known", STREAM, "AllowMethods: [GET]", "AllowMethods: !Ref Unset"),
    ("a wrapper in a layer from elsewhere", STREAM, "Layers: [!Ref Layer]", 'Layers: ["arn:aws:lambda:a:1:layer:b:2"]'),
    ("code that is not on this machine", PUBLIC, "Code: program/", "Code: s3://bucket/key"),
    ("a managed runtime that streams", PUBLIC, "Runtime: provided.al2023", "Runtime: nodejs24.x"),
    ("an adapter that streams", STREAM, WRAPPER, WRAPPER + "          AWS_LWA_INVOKE_MODE: response_stream\n"),
    ("a REST API that streams", STREAM, TIMEOUT, TIMEOUT + EVENT % ("Api", ", ResponseTransferMode: RESPONSE_STREAM")),
]
POLICIES = [
    ("OriginRequest", "HeadersConfig: {HeaderBehavior: allViewer}", ["S502"]),
    ("OriginRequest", "HeadersConfig: {HeaderBehavior: whitelist, Headers: [host]}", ["S502"]),
    ("OriginRequest", "HeadersConfig: {HeaderBehavior: whitelist, Headers: [last-event-id]}", []),
    ("OriginRequest", "HeadersConfig: {HeaderBehavior: allExcept, Headers: [Host]}", []),
    ("OriginRequest", "HeadersConfig: {HeaderBehavior: allExcept, Headers: [x]}", ["S502"]),
    ("Cache", "MinTTL: 0, MaxTTL: 0, DefaultTTL: 0", []),
    ("Cache", "MinTTL: 0, MaxTTL: 60, DefaultTTL: 0", []),
    ("Cache", "MinTTL: 1, MaxTTL: 60, DefaultTTL: 0", ["S503"]),
    ("Cache", "MinTTL: 0", ["S503"]),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return lay_out(tmp_path)


@pytest.mark.parametrize("fixture", [STREAM, PUBLIC])
def test_a_template_without_faults_has_no_findings(fixture: str, root: Path) -> None:
    """So that whatever a broken copy of it has comes from the break."""
    assert judged(broken(fixture), root).findings == ()


@pytest.mark.parametrize("case", FAULTS, ids=lambda case: f"{case.rule}-{case.line.strip(':')}")
def test_a_fault_is_found_where_it_is(case: Case, root: Path) -> None:
    """By its own rule and no other, on the line it was written on."""
    text = broken(case.fixture, case.old, case.new)
    result = judged(text, root)

    assert set(rules(result)) == {case.rule}
    assert text.splitlines()[result.findings[0].line - 1].strip().startswith(case.line)


@pytest.mark.parametrize(("fixture", "old", "new"), [row[1:] for row in SILENT], ids=[row[0] for row in SILENT])
def test_what_is_right_or_cannot_be_known_is_let_pass(fixture: str, old: str, new: str, root: Path) -> None:
    """No rule speaks about what it does not know."""
    assert rules(judged(broken(fixture, old, new), root)) == []


@pytest.mark.parametrize(("kind", "config", "expected"), POLICIES)
def test_a_policy_of_the_template_counts_by_what_it_says(
    kind: str, config: str, expected: list[str], root: Path
) -> None:
    """Managed policies are known by their ids, the template's own ones by their properties."""
    old = CACHE_POLICY if kind == "Cache" else REQUEST_POLICY
    text = broken(STREAM, old, f"          {kind}PolicyId: !Ref Own\n")

    assert rules(judged(text + POLICY.format(kind=kind, config=config), root)) == expected


def test_values_of_a_behavior_without_policies_are_read_too(root: Path) -> None:
    """ForwardedValues is the old way to say what a policy says."""
    old_way = "          ForwardedValues: {QueryString: true, Headers: [Host]}\n"
    text = broken(STREAM, CACHE_POLICY + REQUEST_POLICY, old_way)

    assert rules(judged(text, root)) == ["S503", "S502"]
    assert rules(judged(text + "          DefaultTTL: 0\n", root)) == ["S502"]


def test_s108_a_permission_for_the_function_does_not_hold_for_its_alias(root: Path) -> None:
    """AutoPublishAlias has the URL lead to the alias, so both permissions must be for the alias."""
    text = broken(STREAM, TIMEOUT, TIMEOUT + "      AutoPublishAlias: live\n")
    mended = text.replace("FunctionName: !Ref Story", "FunctionName: !Ref Story.Alias").replace(
        "FunctionName: !GetAtt Story.Arn", "FunctionName: !Ref StoryAliaslive"
    )

    assert rules(judged(text, root)) == ["S108", "S108"]
    assert rules(judged(mended, root)) == []


@pytest.mark.parametrize("name", ["MODE", "invokeMode", "Invoke_Mode", "InvokeModel"])
def test_s202_a_misspelled_property_is_told_with_the_one_that_was_meant(name: str, root: Path) -> None:
    """SAM drops what it does not know, and the URL buffers."""
    result = judged(broken(STREAM, "        InvokeMode:", f"        {name}:"), root)

    (found,) = [finding for finding in result.findings if finding.rule.rule_id == "S202"]
    assert f"has no property {name}; write InvokeMode," in found.sentence


def test_s202_knows_the_properties_of_a_url_that_is_written_by_hand(root: Path) -> None:
    """CloudFormation's own resource has a target; Globals are not for it."""
    sam = "Transform: AWS::Serverless-2016-10-31\nGlobals: {Function: {Runtime: python3.13}}\n"
    text = sam + broken(PUBLIC)
    misspelled = text.replace("      InvokeMode:", "      Invokemode:")

    assert rules(judged(text, root)) == []
    assert rules(judged(misspelled, root)) == ["S202"]


@pytest.mark.parametrize(("fixture", "script"), [(STREAM, "layer/bootstrap"), (PUBLIC, "program/bootstrap")])
def test_s304_a_script_must_be_executable(fixture: str, script: str, root: Path) -> None:
    """The wrapper of a managed runtime, and the bootstrap of an OS-only one."""
    (root / script).chmod(0o644)
    (finding,) = judged(broken(fixture), root).findings

    assert finding.rule.rule_id == "S304"
    assert script in finding.sentence


@pytest.mark.parametrize("recipe", ["program/Makefile", None])
def test_a_file_that_a_build_may_add_is_not_missed(recipe: str | None, root: Path) -> None:
    """A Makefile or a BuildMethod says that the code here is not the code on AWS."""
    text = broken(PUBLIC, "    Type: AWS::Lambda::Function\n", "    Type: AWS::Lambda::Function\n    Metadata: %s\n")
    (root / "program/bootstrap").unlink()
    if recipe:
        (root / recipe).touch()

    assert rules(judged(text % ("{}" if recipe else "{BuildMethod: makefile}"), root)) == []


def test_a_public_url_by_parameter_gets_no_permission_from_sam(root: Path) -> None:
    """Written as `!Ref`, NONE is not seen by the transform, even where it is the parameter's default."""
    text = broken(STREAM, "        AuthType: AWS_IAM", "        AuthType: !Ref Public")

    assert rules(judged(text, root)) == ["S109", "S111"]
    assert rules(judged(text, root, {"Public": "AWS_IAM"})) == []


def test_a_url_that_lambda_at_edge_signs_for_needs_no_access_control(root: Path) -> None:
    """That was the way before there was an origin access control for function URLs."""
    function = "          LambdaFunctionAssociations: [{EventType: origin-request, LambdaFunctionARN: signer}]\n"

    assert rules(judged(broken(STREAM, ACCESS, "") + function, root)) == []


def test_a_bucket_must_not_have_the_access_control_of_a_url(root: Path) -> None:
    """The types can be mixed up either way."""
    page = "{Id: page, DomainName: b.s3.amazonaws.com, S3OriginConfig: {}, OriginAccessControlId: !Ref Access}"
    text = broken(STREAM, "        Origins:\n", f"        Origins:\n          - {page}\n")

    assert rules(judged(text, root)) == ["S402"]


def test_a_behavior_may_lead_to_an_origin_group(root: Path) -> None:
    """Its id is as good as an origin's."""
    group = "        OriginGroups: {Quantity: 1, Items: [{Id: both}]}\n        DefaultCacheBehavior:\n"
    text = broken(STREAM, "        DefaultCacheBehavior:\n", group).replace(
        "TargetOriginId: story", "TargetOriginId: both"
    )

    assert rules(judged(text, root)) == []


def test_a_buffering_url_before_an_adapter_that_streams(root: Path) -> None:
    """The mismatch in the other direction is found at the URL."""
    environment = "Timeout: 30\n      Environment: {Variables: {AWS_LWA_INVOKE_MODE: RESPONSE_STREAM}}"
    text = broken(PUBLIC, "Timeout: 30", environment).replace("InvokeMode: RESPONSE_STREAM", "InvokeMode: BUFFERED")

    assert rules(judged(text, root)) == ["S203"]


def test_the_adapter_is_known_by_its_layer(root: Path) -> None:
    """Without any of its variables it buffers."""
    arn = '["arn:aws:lambda:us-east-1:753240598075:layer:LambdaAdapterLayerArm64:24"]'

    assert rules(judged(broken(STREAM, "Layers: [!Ref Layer]", f"Layers: {arn}"), root)) == ["S203"]


def test_a_resource_that_is_not_made_has_no_findings(root: Path) -> None:
    """Its condition is decided by the parameters' defaults, or by the values given."""
    text = broken(PUBLIC, "Action: lambda:InvokeFunction\n", "Action: lambda:GetFunction\n")
    text = text.replace("    Type: AWS::Lambda::Url\n", "    Type: AWS::Lambda::Url\n    Condition: Open\n")
    text += 'Parameters: {Access: {Type: String, Default: ""}}\nConditions: {Open: !Equals [!Ref Access, all]}\n'

    assert rules(judged(text, root)) == []
    assert rules(judged(text, root, {"Access": "all"})) == ["S109"]


def test_every_rule_has_a_fault_that_it_finds() -> None:
    """Those that are not in the table have tests of their own, by their id."""
    own = set(re.findall(r"def test_(s\d+)_", Path(__file__).read_text(encoding="utf-8")))

    assert {case.rule for case in FAULTS} | {name.upper() for name in own} == {rule.rule_id for rule in RULES}


def test_every_rule_is_explained() -> None:
    """With a reason and a page; and its id is its own."""
    assert len({rule.rule_id for rule in RULES}) == len(RULES)
    assert [rule.rule_id for rule in RULES] == sorted(rule.rule_id for rule in RULES)
    for rule in RULES:
        assert rule.why.endswith("."), rule.rule_id
        assert rule.link.startswith("https://"), rule.rule_id


def test_what_aws_does_not_document_is_a_warning() -> None:
    """An error rests on a page of AWS, or of AWS's own adapter."""
    for rule in RULES:
        if rule.severity is Severity.ERROR:
            assert rule.link.startswith(("https://docs.aws.amazon.com/", "https://awslabs.github.io/")), rule.rule_id
