"""An empty cloud as a library: boto3 deploys a function into it, without SAM and without a template at the start."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest

from local.emulator import Emulator
from tests.e2e.local_cloud import ROOT
from tests.local.fakes.stack_lab import template

KEYS = {"region_name": "us-east-1", "aws_access_key_id": "any", "aws_secret_access_key": "any"}
PUBLIC = {"FunctionName": {"Ref": "Teller"}, "Principal": "*"}


@pytest.fixture(scope="module")
def cloud() -> Iterator[Emulator]:
    with Emulator(None, port=0, aws_port=0, write=[].append) as cloud:
        yield cloud


def client(cloud: Emulator, service: Any) -> Any:
    return boto3.client(service, endpoint_url=cloud.aws_url, **KEYS)


def put_code(cloud: Emulator, key: str, word: str) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("teller.py", f"def handler(event, context):\n    return {word!r}\n")
    client(cloud, "s3").put_object(Bucket="code", Key=key, Body=content.getvalue())


def stack(key: str) -> str:
    """One function with a public URL."""
    return template(
        {
            "Teller": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Runtime": "python3.13",
                    "Handler": "teller.handler",
                    "Role": "arn:aws:iam::123456789012:role/any",
                    "Code": {"S3Bucket": "code", "S3Key": key},
                },
            },
            "Url": {
                "Type": "AWS::Lambda::Url",
                "Properties": {"TargetFunctionArn": {"Ref": "Teller"}, "AuthType": "NONE"},
            },
            "MayCall": {
                "Type": "AWS::Lambda::Permission",
                "Properties": {**PUBLIC, "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
            },
            "MayInvoke": {
                "Type": "AWS::Lambda::Permission",
                "Properties": {**PUBLIC, "Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
            },
        },
        outputs={"Url": {"Value": {"Fn::GetAtt": ["Url", "FunctionUrl"]}}},
    )


def told(cloud: Emulator, url: str) -> str:
    """What the function URL answers; its host need not resolve where *.localhost does not."""
    host = url.split("/")[2]
    return httpx.get(f"http://127.0.0.1:{cloud.port}/", headers={"host": host}, timeout=20).text


def test_a_function_is_deployed_changed_and_deleted(cloud: Emulator) -> None:
    """Its URL answers with the code that is deployed, and so does the Invoke API."""
    formation = client(cloud, "cloudformation")
    client(cloud, "s3").create_bucket(Bucket="code")
    put_code(cloud, "one", "sea")
    formation.create_stack(StackName="words", TemplateBody=stack("one"))
    [made] = formation.describe_stacks(StackName="words")["Stacks"]
    assert made["StackStatus"] == "CREATE_COMPLETE"
    url = made["Outputs"][0]["OutputValue"]
    assert told(cloud, url) == '"sea"'

    put_code(cloud, "two", "land")
    formation.update_stack(StackName="words", TemplateBody=stack("two"))
    formation.describe_stacks(StackName="words")
    assert told(cloud, url) == '"land"'
    answer = client(cloud, "lambda").invoke(FunctionName="Teller")
    assert json.load(answer["Payload"]) == "land"

    formation.delete_stack(StackName="words")
    formation.get_waiter("stack_delete_complete").wait(StackName="words")
    assert told(cloud, url).startswith("No function has that URL")


def test_code_that_is_missing_is_told_before_it_is_called(cloud: Emulator) -> None:
    """The stack is rolled back, with Lambda's reason in its events."""
    formation = client(cloud, "cloudformation")
    formation.create_stack(StackName="gone", TemplateBody=stack("missing"))

    [rolled_back] = formation.describe_stacks(StackName="gone")["Stacks"]
    events = formation.describe_stack_events(StackName="gone")["StackEvents"]

    assert rolled_back["StackStatus"] == "ROLLBACK_COMPLETE"
    [failed] = [event for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    assert failed["LogicalResourceId"] == "Teller"
    assert "NoSuchBucket" in failed["ResourceStatusReason"] or "NoSuchKey" in failed["ResourceStatusReason"]


def test_a_cloud_may_end_with_all_that_is_in_it() -> None:
    """No process, port or folder outlives it, whatever is deployed."""
    with Emulator(None, port=0, aws_port=0, write=[].append) as cloud:
        client(cloud, "s3").create_bucket(Bucket="code")
        put_code(cloud, "one", "sea")
        client(cloud, "cloudformation").create_stack(StackName="words", TemplateBody=stack("one"))
        folder = cloud._folder
        assert folder.is_dir()

    assert not folder.exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(cloud.url)


@pytest.mark.parametrize("options", [("--template", "other.yaml"), ("--parameter", "A=1")])
def test_an_empty_cloud_runs_no_template(options: tuple[str, str]) -> None:
    """One sentence and exit code 2, instead of an option without effect."""
    done = subprocess.run(
        [sys.executable, "-m", "local", "--empty", "--port", "0", "--aws-port", "0", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
    )

    assert done.returncode == 2
    assert done.stderr == "local: An empty cloud runs no template: leave out --empty, or --template and --parameter.\n"
