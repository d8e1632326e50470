"""The CloudFormation API as boto3 calls it: what is answered, and what is refused in which words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, WaiterError

from local.aws_endpoint import AwsEndpoint
from local.aws_services import AwsServices
from local.cloudformation.api import CloudFormationApi
from local.cloudformation.cloud_control import CloudControlApi
from local.cloudformation.record import StackRecord
from local.cloudformation.refusal import invalid
from tests.local.asgi_viewer import ask
from tests.local.fakes.stack_lab import StackLab, template, topic
from tests.local.server import served

pytestmark = pytest.mark.anyio

Call = Callable[..., Any]
NOBODY = "Stack with id nobody does not exist"


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> StackLab:
    return StackLab(monkeypatch)


@pytest.fixture
def endpoint(lab: StackLab) -> AwsEndpoint:
    async def read_template(url: str) -> str:
        if url != "http://localhost:8081/code/words.template":
            raise invalid("S3 error: The specified key does not exist.")
        return template({"A": topic()})

    async def nobody(scope: object, receive: object, send: object) -> None:
        raise AssertionError("no function answers here")

    return AwsEndpoint(AwsServices(), nobody, own={"cloudformation": CloudFormationApi(lab.stacks, read_template)})


@pytest.fixture
async def call(endpoint: AwsEndpoint) -> AsyncIterator[Call]:
    """`await call("describe_stacks", StackName="words")`."""
    async with served(endpoint) as port:
        client = client_of(port)

        async def call(operation: str, **parameters: Any) -> Any:
            return await asyncio.to_thread(getattr(client, operation), **parameters)

        yield call


def client_of(port: int, region: str = "us-east-1") -> Any:
    return boto3.client(
        "cloudformation", endpoint_url=f"http://127.0.0.1:{port}", region_name=region,
        aws_access_key_id="any", aws_secret_access_key="any",
    )  # fmt: skip


async def refusal(call: Call, operation: str, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        await call(operation, **parameters)
    told = error.value.response["Error"]
    return told["Code"], told["Message"]


async def test_what_the_sam_cli_does_to_deploy(lab: StackLab, call: Call) -> None:
    """From "does not exist" to outputs, with boto3's waiters, which find all done when they ask first."""
    assert await refusal(call, "describe_stacks", StackName="words") == (
        "ValidationError",
        "Stack with id words does not exist",
    )
    made = await call(
        "create_change_set", StackName="words", ChangeSetName="first", ChangeSetType="CREATE",
        TemplateURL="http://localhost:8081/code/words.template", Description="by a test",
        Tags=[{"Key": "team", "Value": "a"}],
    )  # fmt: skip
    change_set = await call("describe_change_set", ChangeSetName=made["Id"], StackName="words")
    assert (change_set["Status"], change_set["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert change_set["Description"] == "by a test"
    [change] = change_set["Changes"]
    assert change["ResourceChange"]["Action"] == "Add"
    assert "Replacement" not in change["ResourceChange"]
    [listed] = (await call("list_change_sets", StackName="words"))["Summaries"]
    assert listed["ChangeSetName"] == "first"

    await call("execute_change_set", ChangeSetName="first", StackName="words", DisableRollback=False)
    [stack] = (await call("describe_stacks", StackName=made["StackId"]))["Stacks"]

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["ChangeSetId"] == made["Id"]
    assert stack["Tags"] == [{"Key": "team", "Value": "a"}]
    assert "Outputs" not in stack
    assert not stack["EnableTerminationProtection"]
    events = (await call("describe_stack_events", StackName="words"))["StackEvents"]
    assert [(event["LogicalResourceId"], event["ResourceStatus"]) for event in events] == [
        ("words", "CREATE_COMPLETE"),
        ("A", "CREATE_COMPLETE"),
        ("A", "CREATE_IN_PROGRESS"),
        ("words", "CREATE_IN_PROGRESS"),
        ("words", "REVIEW_IN_PROGRESS"),
    ]
    assert events[0]["PhysicalResourceId"] == events[0]["StackId"] == made["StackId"]


async def test_what_the_tools_ask_of_a_stack(lab: StackLab, call: Call) -> None:
    """Its resources by all three questions, its template, and what the template declares."""
    declared = {
        "Word": {"Type": "String", "Default": "sea", "AllowedValues": ["sea", "land"], "Description": "d"},
        "Key": {"Type": "String", "NoEcho": True},
    }
    await lab.deploy(
        {"A": topic(DisplayName={"Ref": "Word"})},
        given={"Key": "secret"},
        parameters=declared,
        outputs={"O": {"Value": {"Ref": "A"}, "Export": {"Name": "o"}}},
    )

    [summary] = (await call("list_stack_resources", StackName="words"))["StackResourceSummaries"]
    [resource] = (await call("describe_stack_resources", PhysicalResourceId="A-1"))["StackResources"]
    detail = (await call("describe_stack_resource", StackName="words", LogicalResourceId="A"))["StackResourceDetail"]
    for each in (summary, resource, detail):
        assert (each["LogicalResourceId"], each["PhysicalResourceId"], each["ResourceType"]) == (
            "A",
            "A-1",
            "AWS::SNS::Topic",
        )
    [stack] = (await call("describe_stacks"))["Stacks"]
    assert stack["Parameters"] == [
        {"ParameterKey": "Word", "ParameterValue": "sea"},
        {"ParameterKey": "Key", "ParameterValue": "****"},
    ]
    assert stack["Outputs"] == [{"OutputKey": "O", "OutputValue": "A-1", "ExportName": "o"}]
    written = (await call("get_template", StackName="words"))["TemplateBody"]
    assert written["Resources"] == {"A": topic(DisplayName={"Ref": "Word"})}
    declaration = (await call("get_template_summary", StackName="words"))["Parameters"][0]
    assert declaration == {
        "ParameterKey": "Word", "DefaultValue": "sea", "ParameterType": "String", "NoEcho": False,
        "Description": "d", "ParameterConstraints": {"AllowedValues": ["sea", "land"]},
    }  # fmt: skip
    [listed] = (await call("list_stacks", StackStatusFilter=["CREATE_COMPLETE"]))["StackSummaries"]
    assert listed["StackName"] == "words"
    assert (await call("list_stacks", StackStatusFilter=["DELETE_COMPLETE"]))["StackSummaries"] == []


async def test_a_template_is_validated_without_its_parameters(call: Call) -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "r"}}
    body = template({"R": role}, parameters={"P": {"Type": "String"}}, description="words")

    validated = await call("validate_template", TemplateBody=body)
    summary = await call("get_template_summary", TemplateBody=body)

    assert (validated["Description"], validated["Capabilities"]) == ("words", ["CAPABILITY_NAMED_IAM"])
    assert [parameter["ParameterKey"] for parameter in validated["Parameters"]] == ["P"]
    assert summary["ResourceTypes"] == ["AWS::IAM::Role"]


async def test_create_update_and_delete_without_a_change_set(lab: StackLab, call: Call) -> None:
    """As `sam sync` and scripts do; deleting what is not there is no error."""
    body = template({"A": topic("a")})
    made = await call("create_stack", StackName="words", TemplateBody=body)
    await call("describe_stacks", StackName="words")
    await call("update_stack", StackName="words", TemplateBody=template({"A": topic("b")}))
    [stack] = (await call("describe_stacks", StackName="words"))["Stacks"]
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert stack["LastUpdatedTime"] > stack["CreationTime"]

    await call("delete_stack", StackName="words")
    await call("delete_stack", StackName="nobody")

    assert (await refusal(call, "describe_stacks", StackName="words"))[0] == "ValidationError"
    [gone] = (await call("describe_stacks", StackName=made["StackId"]))["Stacks"]
    assert gone["StackStatus"] == "DELETE_COMPLETE"
    assert gone["DeletionTime"]
    assert lab.makers.calls == ["create A", "create A", "delete A-1", "delete A-2"]


async def test_a_question_waits_for_what_is_under_way(
    lab: StackLab, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """boto3's waiter would come back after 30 seconds; but nobody waits longer than the patience lasts."""
    gate, create = asyncio.Event(), lab.makers.create

    async def held(wanted: Any) -> Any:
        await gate.wait()
        return await create(wanted)

    monkeypatch.setattr(lab.makers, "create", held)
    await call("create_stack", StackName="words", TemplateBody=template({"A": topic()}))
    monkeypatch.setattr("local.cloudformation.api.PATIENCE_SECONDS", 0.01)
    [stack] = (await call("describe_stacks", StackName="words"))["Stacks"]
    assert stack["StackStatus"] == "CREATE_IN_PROGRESS"
    assert (await refusal(call, "delete_stack", StackName="words"))[0] == "ValidationError"

    waits, settled = asyncio.Event(), StackRecord.settled

    async def waited_for(stack: StackRecord, seconds: float) -> None:
        waits.set()
        await settled(stack, seconds)

    monkeypatch.setattr("local.cloudformation.api.PATIENCE_SECONDS", 10)
    monkeypatch.setattr(StackRecord, "settled", waited_for)
    asking = asyncio.create_task(call("describe_stacks", StackName="words"))
    async with asyncio.timeout(10):
        await waits.wait()
    gate.set()

    assert (await asking)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("operation", "parameters", "code", "message"),
    [
        ("describe_stack_events", {"StackName": "nobody"}, "ValidationError", NOBODY),
        ("list_stack_resources", {"StackName": "nobody"}, "ValidationError", NOBODY),
        ("get_template", {"StackName": "nobody"}, "ValidationError", NOBODY),
        ("rollback_stack", {"StackName": "nobody"}, "ValidationError", NOBODY),
        ("update_stack", {"StackName": "nobody", "TemplateBody": "{}"}, "ValidationError", NOBODY),
        ("rollback_stack", {"StackName": "words"}, "ValidationError", "is in CREATE_COMPLETE state and can not be"),
        (
            "describe_change_set",
            {"ChangeSetName": "c", "StackName": "words"},
            "ChangeSetNotFound",
            "ChangeSet [c] does not exist",
        ),
        (
            "create_change_set",
            {"StackName": "nobody", "ChangeSetName": "c", "TemplateBody": "{}"},
            "ValidationError",
            "Stack [nobody] does not exist",
        ),
        (
            "create_change_set",
            {"StackName": "words", "ChangeSetName": "c", "ChangeSetType": "CREATE", "TemplateBody": "{}"},
            "ValidationError",
            "Stack [words] already exists and cannot be created again with the changeSet [c].",
        ),
        (
            "create_change_set",
            {"StackName": "words", "ChangeSetName": "c", "ChangeSetType": "IMPORT", "TemplateBody": "{}"},
            "ValidationError",
            "Change sets of the type IMPORT are not served here, only CREATE and UPDATE.",
        ),
        (
            "create_change_set",
            {"StackName": "words", "ChangeSetName": "c"},
            "ValidationError",
            "Either Template URL or Template Body must be specified.",
        ),
        (
            "create_change_set",
            {"StackName": "words", "ChangeSetName": "c", "TemplateURL": "https://example.com/x"},
            "ValidationError",
            "S3 error: The specified key does not exist.",
        ),
        (
            "create_stack",
            {"StackName": "words", "TemplateBody": "{}"},
            "AlreadyExistsException",
            "Stack [words] already exists",
        ),
        (
            "create_stack",
            {"StackName": "9words", "TemplateBody": "{}"},
            "ValidationError",
            "1 validation error detected: Value '9words' at 'stackName' failed to satisfy constraint",
        ),
        (
            "update_stack",
            {"StackName": "words", "UsePreviousTemplate": True},
            "ValidationError",
            "No updates are to be performed.",
        ),
        (
            "delete_stack",
            {"StackName": "words", "RetainResources": ["A"]},
            "ValidationError",
            "retain resources can only be used on a DELETE_FAILED stack",
        ),
        (
            "describe_stack_resource",
            {"StackName": "words", "LogicalResourceId": "B"},
            "ValidationError",
            "Resource B does not exist for stack words",
        ),
        ("describe_stack_resources", {"PhysicalResourceId": "x"}, "ValidationError", "Stack for x does not exist"),
        ("list_exports", {}, "InvalidAction", "Could not find operation ListExports for version 2010-05-15"),
    ],
)
async def test_what_is_refused(
    lab: StackLab, call: Call, operation: str, parameters: dict[str, Any], code: str, message: str
) -> None:
    """Tools read the words, so they are CloudFormation's."""
    await lab.deploy({"A": topic()})

    told = await refusal(call, operation, **parameters)

    assert told[0] == code
    assert message in told[1]


async def test_another_region_is_another_cloud(endpoint: AwsEndpoint) -> None:
    """There is one region here; what is asked of another one is refused, instead of made in this one."""
    async with served(endpoint) as port:
        client = client_of(port, "eu-west-1")
        with pytest.raises(ClientError, match="This local cloud is us-east-1 alone; there is nothing in eu-west-1."):
            await asyncio.to_thread(client.describe_stacks)


async def test_a_waiter_sees_a_failure(lab: StackLab, endpoint: AwsEndpoint) -> None:
    """A stack that was rolled back is what the SAM CLI tells as an error."""
    lab.makers.failing = {"create A"}
    async with served(endpoint) as port:
        client = client_of(port)
        await asyncio.to_thread(client.create_stack, StackName="words", TemplateBody=template({"A": topic()}))
        waiter = client.get_waiter("stack_create_complete")
        with pytest.raises(WaiterError, match="ROLLBACK_COMPLETE"):
            await asyncio.to_thread(waiter.wait, StackName="words")


@pytest.mark.parametrize(
    "body", [b"\xff", b"Action=DescribeStacks&StackName.member.1=a", b"", b"Action=DescribeStacks&x"]
)
async def test_what_is_no_request_is_refused_or_answered(endpoint: AwsEndpoint, body: bytes) -> None:
    """One clear sentence, never an exception."""
    signed = (b"authorization", b"AWS4-HMAC-SHA256 Credential=a/20261125/us-east-1/cloudformation/aws4_request, x")

    answer = await ask(endpoint, "POST", "/", headers=[signed], body=body)

    assert answer.status in (200, 400)
    assert answer.body.startswith(b"<?xml")


async def test_a_body_without_end_is_refused(endpoint: AwsEndpoint) -> None:
    signed = (b"authorization", b"AWS4-HMAC-SHA256 Credential=a/20261125/us-east-1/cloudformation/aws4_request, x")

    answer = await ask(endpoint, "POST", "/", headers=[signed], body=b"x" * (1024 * 1024 + 1))

    assert answer.status == 400
    assert b"put the template into S3" in answer.body


async def test_cloud_control_knows_what_was_deployed(lab: StackLab) -> None:
    """A resource by its type and physical id, with properties and attributes: `sam list endpoints` reads URLs so."""
    await lab.deploy({"A": topic(DisplayName="sea")})
    asked = {"TypeName": "AWS::SNS::Topic", "Identifier": "A-1"}
    async with served(CloudControlApi(lab.stacks)) as port:
        client = boto3.client(
            "cloudcontrol", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1",
            aws_access_key_id="any", aws_secret_access_key="any",
        )  # fmt: skip

        found = await asyncio.to_thread(client.get_resource, **asked)
        assert found["ResourceDescription"] == {"Identifier": "A-1", "Properties": '{"DisplayName": "sea"}'}
        with pytest.raises(client.exceptions.ResourceNotFoundException, match="with identifier 'A-2' was not found"):
            await asyncio.to_thread(client.get_resource, **{**asked, "Identifier": "A-2"})
        with pytest.raises(ClientError, match="only GetResource is served here"):
            await asyncio.to_thread(client.list_resources, TypeName="AWS::SNS::Topic")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"no", b"x" * (64 * 1024 + 1)])
async def test_cloud_control_refuses_what_is_no_question(lab: StackLab, body: bytes) -> None:
    target = (b"x-amz-target", b"CloudApiService.GetResource")

    answer = await ask(CloudControlApi(lab.stacks), "POST", "/", headers=[target], body=body)

    assert answer.status == 400
    assert b"TypeName and Identifier are needed" in answer.body
