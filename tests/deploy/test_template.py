"""The template, as CloudFormation will see it: linted whole, and what no linter knows asserted one by one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.errors import TemplateError
from local.template.addresses import Addresses
from local.template.stack import read_stack
from narrator import HEARTBEAT_SECONDS
from request import PATHS
from stories.library import STORIES
from stories.pauses import MAX_MS
from tests.deploy.transform import CODE_PROPERTIES, REPOSITORY, parsed, transformed

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER_EXCEPT_HOST_HEADER = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html: each page names the permissions it needs.
S3_PERMISSIONS = {
    "put_object": {"s3:PutObject"},
    "head_object": {"s3:GetObject"},
    "delete_objects": {"s3:DeleteObject", "s3:DeleteObjectVersion"},
    "list_objects_v2": {"s3:ListBucket"},
    "list_object_versions": {"s3:ListBucketVersions"},
}

ARN = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"

Resource = dict[str, Any]


@pytest.fixture(scope="module")
def resources() -> dict[str, Resource]:
    """The resources of the transformed template by logical id."""
    found: dict[str, Resource] = transformed()["Resources"]
    return found


@pytest.fixture(scope="module")
def distribution(resources: dict[str, Resource]) -> dict[str, Any]:
    config: dict[str, Any] = resources["Distribution"]["Properties"]["DistributionConfig"]
    return config


def properties(resources: dict[str, Resource], type_: str) -> list[dict[str, Any]]:
    """The properties of every resource of that type."""
    return [resource["Properties"] for resource in resources.values() if resource["Type"] == type_]


def origin(distribution: dict[str, Any], origin_id: str) -> dict[str, Any]:
    (found,) = [origin for origin in distribution["Origins"] if origin["Id"] == origin_id]
    return found


def code_folders() -> dict[str, Path]:
    """The folder of each function and layer by logical id."""
    return {
        logical_id: REPOSITORY / resource["Properties"][name]
        for logical_id, resource in parsed()["Resources"].items()
        for name in CODE_PROPERTIES
        if name in resource["Properties"]
    }


def test_every_resource_says_why_it_is_there() -> None:
    """In a comment above it."""
    text = (REPOSITORY / "template.yaml").read_text(encoding="utf-8")
    lines = text[text.index("\nResources:") : text.index("\nOutputs:")].splitlines()
    places = {name: lines.index(f"  {name}:") for name in parsed()["Resources"]}

    assert [name for name, place in places.items() if not lines[place - 1].startswith("  # ")] == []


def test_cfn_lint_finds_nothing_in_the_transformed_template() -> None:
    """No error and no warning, after the transform: before it, cfn-lint misses most faults of SAM resources."""
    lint = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--format", "parseable"],
        input=json.dumps(transformed()),
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert (lint.stdout, lint.stderr, lint.returncode) == ("", "", 0)


@pytest.mark.parametrize("function", ["StoryFunction", "ApiFunction"])
def test_the_distribution_may_call_the_url_and_invoke_the_function_through_it(
    resources: dict[str, Resource], function: str
) -> None:
    """Both permissions are needed since October 2025; one alone gets 403 from AWS and passes every linter."""
    arn = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Distribution}"
    both = {
        "FunctionName": {"Ref": function},
        "Principal": "cloudfront.amazonaws.com",
        "SourceArn": {"Fn::Sub": arn},
    }
    permissions = properties(resources, "AWS::Lambda::Permission")

    assert [found for found in permissions if found["FunctionName"] == {"Ref": function}] == [
        {**both, "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "AWS_IAM"},
        {**both, "Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
    ]
    assert len(permissions) == 4


def test_each_function_url_takes_signed_requests_only_and_the_storys_streams(resources: dict[str, Resource]) -> None:
    """InvokeMode is spelled exactly so: anything else would buffer the whole story."""
    urls = properties(resources, "AWS::Lambda::Url")

    assert [(url["TargetFunctionArn"]["Ref"], url["AuthType"], url["InvokeMode"]) for url in urls] == [
        ("StoryFunction", "AWS_IAM", "RESPONSE_STREAM"),
        ("ApiFunction", "AWS_IAM", "BUFFERED"),
    ]


def test_each_function_has_its_layers(resources: dict[str, Resource]) -> None:
    """The story runs on the streaming layer's wrapper script, named where Lambda mounts it; the API needs none."""
    layers = {
        found["Properties"]["LayerName"]["Fn::Sub"].removeprefix("${AWS::StackName}-"): {"Ref": name}
        for name, found in resources.items()
        if found["Type"] == "AWS::Lambda::LayerVersion"
    }
    story, api = resources["StoryFunction"]["Properties"], resources["ApiFunction"]["Properties"]

    assert story["Environment"]["Variables"]["AWS_LAMBDA_EXEC_WRAPPER"] == "/opt/bootstrap"
    assert story["Layers"] == [layers["streaming"], layers["stories"]]
    assert "AWS_LAMBDA_EXEC_WRAPPER" not in api["Environment"]["Variables"]
    assert api["Layers"] == [layers["stories"]]


@pytest.mark.parametrize("function", ["StoryFunction", "ApiFunction", "SitePublisher"])
def test_each_function_has_a_log_group_that_is_emptied(resources: dict[str, Resource], function: str) -> None:
    """Lambda's own would keep everything for ever."""
    group = resources[function]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]

    assert resources[group]["Properties"]["RetentionInDays"] == 14


def test_the_longest_story_fits_into_the_timeout(resources: dict[str, Resource]) -> None:
    """Told at its slowest default pace it ends by itself, without a reconnect."""
    slowest_seconds = max(len(story.words()) for story in STORIES.values()) * MAX_MS / 1000

    assert slowest_seconds < resources["StoryFunction"]["Properties"]["Timeout"] <= 900


def test_every_behavior_leads_to_an_origin_that_exists(distribution: dict[str, Any]) -> None:
    """A slip in an id would send viewers nowhere; an origin that no behavior names would be dead weight."""
    behaviors = [*distribution["CacheBehaviors"], distribution["DefaultCacheBehavior"]]
    origins = [origin["Id"] for origin in distribution["Origins"]]

    assert {behavior["TargetOriginId"] for behavior in behaviors} == set(origins)
    assert len(origins) == len(set(origins))


def test_each_path_of_the_functions_is_passed_on_unchanged(distribution: dict[str, Any]) -> None:
    """No cache, no compression, no viewer's Host: each of them would delay, share or refuse an answer."""
    for behavior in distribution["CacheBehaviors"]:
        assert behavior["Compress"] is False
        assert behavior["CachePolicyId"] == CACHING_DISABLED
        assert behavior["OriginRequestPolicyId"] == ALL_VIEWER_EXCEPT_HOST_HEADER
        assert behavior["AllowedMethods"] == ["GET", "HEAD", "OPTIONS"]
        assert behavior["ResponseHeadersPolicyId"] == {"Ref": "SecurityHeaders"}


def test_the_stream_comes_before_the_api(distribution: dict[str, Any]) -> None:
    """The first pattern that fits decides, and that of the API fits one path of the stream as well."""
    behaviors = [(behavior["PathPattern"], behavior["TargetOriginId"]) for behavior in distribution["CacheBehaviors"]]

    assert behaviors == [*((path, "story") for path in PATHS), ("/api/*", "api")]


def test_cloudfront_waits_for_the_api_until_its_timeout(
    resources: dict[str, Resource], distribution: dict[str, Any]
) -> None:
    """An answer that was paid for should also arrive."""
    read_timeout_seconds = origin(distribution, "api")["CustomOriginConfig"]["OriginReadTimeout"]

    assert read_timeout_seconds > resources["ApiFunction"]["Properties"]["Timeout"]


def test_cloudfront_waits_longer_than_the_story_is_ever_silent(distribution: dict[str, Any]) -> None:
    """The response timeout also runs between two chunks, so the heartbeat must come well before it."""
    read_timeout_seconds = origin(distribution, "story")["CustomOriginConfig"]["OriginReadTimeout"]

    assert read_timeout_seconds >= 2 * HEARTBEAT_SECONDS


@pytest.mark.parametrize(
    ("origin_id", "access", "type_"),
    [("page", "PageAccess", "s3"), ("story", "StoryAccess", "lambda"), ("api", "ApiAccess", "lambda")],
)
def test_cloudfront_signs_what_it_sends_to_an_origin(
    resources: dict[str, Resource], distribution: dict[str, Any], origin_id: str, access: str, type_: str
) -> None:
    """Each origin has an access control of its own kind that always signs."""
    config = resources[access]["Properties"]["OriginAccessControlConfig"]

    assert origin(distribution, origin_id)["OriginAccessControlId"] == {"Fn::GetAtt": [access, "Id"]}
    assert (config["OriginAccessControlOriginType"], config["SigningBehavior"]) == (type_, "always")


def test_the_bucket_is_closed_to_the_public(resources: dict[str, Resource]) -> None:
    """Every kind of public access is blocked, and the policy allows the distribution alone, to read."""
    assert set(resources["PageBucket"]["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    statements = resources["PageBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    (allowed,) = [statement for statement in statements if statement["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert allowed["Action"] == ["s3:GetObject", "s3:ListBucket"]
    assert allowed["Condition"]["StringEquals"]["aws:SourceArn"]["Fn::Sub"].endswith("distribution/${Distribution}")


def test_the_publisher_may_do_what_it_calls_and_no_more(resources: dict[str, Resource]) -> None:
    """moto lets anybody do anything, so a missing permission would first be seen on AWS."""
    source = (code_folders()["SitePublisher"] / "bucket.py").read_text(encoding="utf-8")
    called = set(re.findall(r"\bs3\.(\w+)\(", source)) - {"get_paginator"}
    called |= set(re.findall(r'\.get_paginator\("(\w+)"\)', source))
    (policy,) = resources["SitePublisherRole"]["Properties"]["Policies"]
    allowed = [action for statement in policy["PolicyDocument"]["Statement"] for action in statement["Action"]]

    assert set(allowed) == set().union(*(S3_PERMISSIONS[name] for name in called))


def test_a_domain_comes_with_its_certificate_and_tls_1_2(distribution: dict[str, Any]) -> None:
    """Under the one condition; without a domain there is CloudFront's own name and certificate."""
    assert distribution["Aliases"] == {"Fn::If": ["HasDomain", [{"Ref": "DomainName"}], {"Ref": "AWS::NoValue"}]}
    assert distribution["ViewerCertificate"]["Fn::If"] == [
        "HasDomain",
        {
            "AcmCertificateArn": {"Ref": "CertificateArn"},
            "MinimumProtocolVersion": "TLSv1.2_2021",
            "SslSupportMethod": "sni-only",
        },
        {"CloudFrontDefaultCertificate": True},
    ]


def test_access_logs_go_to_a_bucket_that_cloudfront_may_write_and_nobody_else_may_read(
    resources: dict[str, Resource], distribution: dict[str, Any]
) -> None:
    """CloudFront grants itself the right in the bucket's ACL, so that must be switched on, and stay closed."""
    name, wanted, otherwise = distribution["Logging"]["Fn::If"]
    bucket = resources["AccessLogBucket"]
    closed = bucket["Properties"]["PublicAccessBlockConfiguration"]

    assert (name, bucket["Condition"], otherwise) == ("LogsAccess", "LogsAccess", {"Ref": "AWS::NoValue"})
    assert wanted["Bucket"] == {"Fn::GetAtt": ["AccessLogBucket", "RegionalDomainName"]}
    assert bucket["Properties"]["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerPreferred"}]
    assert set(closed.values()) == {True}
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        (
            {"WebOrigin": "https://www.example.com/"},
            'parameter WebOrigin must be empty, "*" or a web origin such as https://www.example.com; without a path, '
            "and without a slash at its end, which no browser sends (it is 'https://www.example.com/')",
        ),
        ({"DomainName": "www.example.com"}, "DomainName and CertificateArn go together; give both or neither"),
        ({"CertificateArn": ARN}, "DomainName and CertificateArn go together; give both or neither"),
        (
            {"DomainName": "www.example.com", "CertificateArn": ARN.replace("us-east-1", "eu-west-1")},
            "parameter CertificateArn must be empty or the ARN of a certificate in ACM in us-east-1, the one region "
            f"that CloudFront takes them from (it is '{ARN.replace('us-east-1', 'eu-west-1')}')",
        ),
        (
            {"DomainName": "https://www.example.com", "CertificateArn": ARN},
            "parameter DomainName must be empty or a domain name in lower case such as stories.example.com "
            "(it is 'https://www.example.com')",
        ),
        ({"MaxPauseMs": "5001"}, "parameter MaxPauseMs is '5001', which is greater than its MaxValue 5000"),
        ({"LogLevel": "LOUD"}, "parameter LogLevel is 'LOUD', which is not one of its AllowedValues"),
    ],
)
def test_a_value_that_cannot_work_is_refused_before_anything_is_made(parameters: dict[str, str], sentence: str) -> None:
    """By CloudFormation, and here in the same words."""
    template = REPOSITORY / "template.yaml"
    with pytest.raises(TemplateError) as refused:
        read_stack(template, addresses=Addresses(), parameters=parameters)

    assert str(refused.value) == f"{template}: {sentence}"


def test_with_everything_switched_on_the_emulator_says_what_it_leaves_out() -> None:
    """The access logs; and what serves requests is as it was."""
    given = {"AccessLogs": "yes", "DomainName": "www.example.com", "CertificateArn": ARN, "LogLevel": "DEBUG"}
    plain, full = (
        read_stack(REPOSITORY / "template.yaml", addresses=Addresses(), parameters=parameters)
        for parameters in ({}, given)
    )

    said = set(full.warnings) - set(plain.warnings)
    assert {sentence.partition(":")[0] for sentence in said} == {"AccessLogBucket", "Distribution"}
    assert all(sentence.endswith(("LifecycleConfiguration", "DistributionConfig.Logging")) for sentence in said)
    assert {function.application_log_level for function in full.functions} == {"DEBUG"}
    assert full.distribution == plain.distribution


def test_story_and_api_are_told_the_same_pauses(resources: dict[str, Resource]) -> None:
    """Or a client could not change over in the middle of a story."""
    for name in ("StoryFunction", "ApiFunction"):
        variables = resources[name]["Properties"]["Environment"]["Variables"]

        assert variables["STORY_MIN_MS"] == {"Ref": "MinPauseMs"}
        assert variables["STORY_MAX_MS"] == {"Ref": "MaxPauseMs"}


def test_a_new_page_makes_cloudformation_run_the_publisher_again(resources: dict[str, Resource]) -> None:
    """The resource's properties name the version, whose logical id changes with the code that carries the page."""
    (version,) = [name for name, found in resources.items() if found["Type"] == "AWS::Lambda::Version"]

    assert resources["Site"]["Properties"]["CodeVersion"] == {"Ref": version}
    assert resources["Site"]["Properties"]["BucketName"] == {"Ref": "PageBucket"}


@pytest.mark.parametrize("logical_id", code_folders())
def test_the_code_of_a_function_or_layer_is_where_the_template_says(logical_id: str) -> None:
    """The folder exists, and so does the module that the handler names, or the layer's way to be built."""
    handler = parsed()["Resources"][logical_id]["Properties"].get("Handler")
    entry = f"{handler.rpartition('.')[0]}.py" if handler else "Makefile"

    assert (code_folders()[logical_id] / entry).is_file()


def test_bootstrap_is_executable() -> None:
    """On disk, and as git will check it out elsewhere: `sam build` ships a plain file without a word."""
    bootstrap = code_folders()["StreamingLayer"] / "bootstrap"
    tracked = subprocess.run(
        ["git", "ls-files", "--stage", bootstrap], cwd=REPOSITORY, capture_output=True, text=True, timeout=30
    ).stdout

    assert os.access(bootstrap, os.X_OK)
    assert tracked[:6] in ("100755", "")  # "" for a copy of the project that is no git checkout
