"""How resources of each type are made: buckets in a real moto, versions, code, and what functions make."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from local.aws_services import AwsServices
from local.cloudformation.makers import FailedError, Makers, Wanted, renewed
from local.cloudformation.moto import MotoClient, ServiceError
from local.cloudformation.packages import Packages
from local.cloudformation.record import Made
from local.cloudformation.s3 import S3
from local.cloudformation.tables_and_queues import TablesAndQueues
from local.custom_resources import ANSWER_PATH, Answers
from local.template.addresses import Addresses
from tests.local.asgi_viewer import ask

pytestmark = pytest.mark.anyio

ADDRESSES = Addresses(stack_name="words", unique="1")
ENDPOINT = "http://localhost:8081"
TOKEN = "arn:aws:lambda:us-east-1:123456789012:function:publisher"


class Lab:
    """Makers over moto; `answer` is what the function of a custom resource says to each event."""

    def __init__(self, services: AwsServices, folder: Path) -> None:
        self.s3 = S3(services, "us-east-1")
        self.packages = Packages(self.s3, folder)
        self.answers = Answers(ENDPOINT)
        self.answer: dict[str, Any] | None = {"Status": "SUCCESS", "PhysicalResourceId": "page-1"}
        self.events: list[dict[str, Any]] = []
        self.site_taken = False
        self.makers = Makers(
            self.s3,
            self.packages,
            TablesAndQueues(services, "us-east-1"),
            self.answers,
            self._invoke,
            is_site_taken=lambda: self.site_taken,
        )

    async def _invoke(self, token: str, event: bytes) -> None:
        self.events.append(json.loads(event))
        if self.answer is not None:
            same = {name: self.events[-1][name] for name in ("StackId", "RequestId", "LogicalResourceId")}
            path = self.events[-1]["ResponseURL"].removeprefix(ENDPOINT)
            assert path.startswith(ANSWER_PATH)
            await ask(self.answers, "PUT", path, body=json.dumps(self.answer | same).encode())


@pytest.fixture
async def lab(services: AwsServices, tmp_path: Path) -> AsyncIterator[Lab]:
    lab = Lab(services, tmp_path / "packages")
    yield lab
    names: list[str] = await lab.s3.call(lambda client: [each["Name"] for each in client.list_buckets()["Buckets"]])
    for name in names:
        if name.startswith("words-"):
            await lab.s3.call(lambda client, name=name: _empty(client, name))  # type: ignore[misc]


def _empty(client: Any, name: str) -> None:
    for each in client.list_objects_v2(Bucket=name).get("Contents", []):
        client.delete_object(Bucket=name, Key=each["Key"])
    client.delete_bucket(Bucket=name)


def wanted(type_name: str, logical_id: str = "A", addresses: Addresses = ADDRESSES, **properties: object) -> Wanted:
    return Wanted(logical_id, type_name, properties, addresses)


async def test_a_bucket_is_made_with_what_it_is_to_have(lab: Lab) -> None:
    """Booleans may be written as strings, as SAM's own bucket writes them; an update takes away what is gone."""
    blocked = {"BlockPublicAcls": "true", "BlockPublicPolicy": True, "IgnorePublicAcls": "false"}
    rules = [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
    made = await lab.makers.create(
        wanted(
            "AWS::S3::Bucket", "PageBucket",
            PublicAccessBlockConfiguration=blocked,
            BucketEncryption={"ServerSideEncryptionConfiguration": rules},
            VersioningConfiguration={"Status": "Enabled"},
            OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            Tags=[{"Key": "team", "Value": "a"}],
        )
    )  # fmt: skip

    def look(client: Any) -> tuple[object, ...]:
        name = made.physical_id
        return (
            client.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]["BlockPublicAcls"],
            client.get_bucket_versioning(Bucket=name)["Status"],
            client.get_bucket_tagging(Bucket=name)["TagSet"],
        )

    assert made.physical_id.startswith("words-pagebucket-")
    assert await lab.s3.call(look) == (True, "Enabled", [{"Key": "team", "Value": "a"}])

    changed = await lab.makers.update(
        wanted("AWS::S3::Bucket", "PageBucket", Tags=[{"Key": "team", "Value": "b"}]), made
    )
    assert changed.physical_id == made.physical_id
    versioning = await lab.s3.call(lambda client: client.get_bucket_versioning(Bucket=made.physical_id)["Status"])
    assert versioning == "Suspended"


async def test_a_bucket_that_is_not_empty_stays(lab: Lab) -> None:
    made = await lab.makers.create(wanted("AWS::S3::Bucket"))
    await lab.s3.call(lambda client: client.put_object(Bucket=made.physical_id, Key="a", Body=b"a"))

    with pytest.raises(FailedError, match="The bucket you tried to delete is not empty"):
        await lab.makers.delete(made, ADDRESSES)

    await lab.s3.call(lambda client: client.delete_object(Bucket=made.physical_id, Key="a"))
    await lab.makers.delete(made, ADDRESSES)
    with pytest.raises(FailedError, match="The specified bucket does not exist"):
        await lab.makers.delete(made, ADDRESSES)


async def test_a_bucket_that_cannot_be_made_is_not_left_behind(lab: Lab) -> None:
    """A name that is taken, or a property that S3 refuses."""
    await lab.makers.create(wanted("AWS::S3::Bucket", BucketName="words-taken"))
    with pytest.raises(FailedError, match="^words-taken already exists "):
        await lab.makers.create(wanted("AWS::S3::Bucket", "Other", BucketName="words-taken"))
    for malformed in ("Enabled", {"Status": 5}, {}):
        with pytest.raises(FailedError, match="VersioningConfiguration is not written as|Parameter validation failed"):
            await lab.makers.create(wanted("AWS::S3::Bucket", "Bad", VersioningConfiguration=malformed or {"No": ""}))
    names = await lab.s3.call(lambda client: [each["Name"] for each in client.list_buckets()["Buckets"]])
    assert [name for name in names if name.startswith("words-bad")] == []


async def test_statements_with_a_condition_do_not_shut_everybody_out(lab: Lab) -> None:
    """moto would take "deny all without TLS" for "deny all"; what has no condition counts."""
    bucket = await lab.makers.create(wanted("AWS::S3::Bucket"))
    name = bucket.physical_id
    tls_only = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{name}/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }  # fmt: skip
    arn = f"arn:aws:s3:::{name}/*"
    no_deleting = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": arn}

    async def put_policy(*statements: object) -> Made:
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        return await lab.makers.create(wanted("AWS::S3::BucketPolicy", "P", Bucket=name, PolicyDocument=document))

    async def delete_object() -> None:
        await lab.s3.call(lambda client: client.delete_object(Bucket=name, Key="a"))

    await put_policy(tls_only)
    await lab.s3.call(lambda client: client.put_object(Bucket=name, Key="a", Body=b"a"))
    policy = await put_policy(tls_only, no_deleting)
    with pytest.raises(ServiceError):
        await delete_object()
    await lab.makers.delete(policy, ADDRESSES)
    await delete_object()


KEYS = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
ACCOUNT = "us-east-1:123456789012"


@pytest.mark.parametrize(
    ("type_name", "properties", "attributes"),
    [
        ("AWS::SQS::Queue", {}, {"Arn": f"arn:aws:sqs:{ACCOUNT}:{{}}", "QueueName": "{}", "QueueUrl": "{Ref}"}),
        ("AWS::SQS::Queue", {"FifoQueue": True}, {"QueueName": "{}.fifo"}),
        ("AWS::SNS::Topic", {"DisplayName": "d"}, {"TopicArn": f"arn:aws:sns:{ACCOUNT}:{{}}", "TopicName": "{}"}),
        ("AWS::SSM::Parameter", {"Type": "String", "Value": "v"}, {"Ref": "{}"}),
        ("AWS::DynamoDB::Table", KEYS, {"Ref": "{}", "Arn": f"arn:aws:dynamodb:{ACCOUNT}:table/{{}}"}),
        ("AWS::SQS::Queue", {"QueueName": "own"}, {"QueueName": "own"}),
    ],
    ids=["queue", "ordered queue", "topic", "parameter", "table", "named queue"],
)
async def test_tables_queues_topics_and_parameters_are_moto_s(
    lab: Lab, type_name: str, properties: dict[str, object], attributes: dict[str, str]
) -> None:
    """Named like all else, with the attributes that templates ask for; deleted when they are to be."""
    made = await lab.makers.create(wanted(type_name, "Made", **properties))
    name = ADDRESSES.physical_name("Made")

    told = {attribute: made.attributes[attribute] for attribute in attributes}
    assert told == {key: value.format(name, Ref=made.physical_id) for key, value in attributes.items()}
    await lab.makers.delete(made, ADDRESSES)
    again = await lab.makers.create(wanted(type_name, "Made", **properties))
    await lab.makers.delete(again, ADDRESSES)


async def test_a_queue_is_there_for_functions_and_changes_in_place(lab: Lab, services: AwsServices) -> None:
    queues: MotoClient[Any] = MotoClient(services, "us-east-1", "sqs")

    async def timeout(url: str) -> str:
        asked: dict[str, Any] = await queues.call(
            lambda client: client.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
        )
        return str(asked["Attributes"]["VisibilityTimeout"])

    made = await lab.makers.create(wanted("AWS::SQS::Queue", VisibilityTimeout=7))
    assert await timeout(made.physical_id) == "7"
    changed = await lab.makers.update(wanted("AWS::SQS::Queue", VisibilityTimeout=9), made)
    assert changed.physical_id == made.physical_id
    assert await timeout(made.physical_id) == "9"

    await lab.makers.delete(changed, ADDRESSES)
    with pytest.raises(ServiceError, match="does not exist"):
        await timeout(made.physical_id)


async def test_code_is_there_when_its_function_is_made(lab: Lab) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("story.py", "x = 1\n")
    bucket = await lab.makers.create(wanted("AWS::S3::Bucket", "Code"))
    place = {"S3Bucket": bucket.physical_id, "S3Key": "zip"}
    await lab.s3.call(lambda client: client.put_object(Bucket=bucket.physical_id, Key="zip", Body=content.getvalue()))

    made = await lab.makers.create(wanted("AWS::Lambda::Function", "F", Code=place))

    folder = lab.packages.folder(place, "F")
    assert folder is not None
    assert (folder / "story.py").is_file()
    assert made.physical_id == f"words-F-{ADDRESSES.derived_id('F', 12).upper()}"
    with pytest.raises(FailedError, match="S3 Error Code: NoSuchKey"):
        await lab.makers.create(wanted("AWS::Lambda::Function", "F", Code={**place, "S3Key": "missing"}))


async def test_versions_are_counted(lab: Lab) -> None:
    """Those of a function, and those of a layer with one name, which its ARN tells apart."""
    versions = [await lab.makers.create(wanted("AWS::Lambda::Version", FunctionName="f")) for _ in range(2)]
    other = await lab.makers.create(wanted("AWS::Lambda::Version", FunctionName="g"))
    layers = [await lab.makers.create(wanted("AWS::Lambda::LayerVersion", LayerName="l")) for _ in range(2)]

    arn = "arn:aws:lambda:us-east-1:123456789012:"
    assert [made.attributes["Version"] for made in (*versions, other)] == ["1", "2", "1"]
    assert versions[1].physical_id == f"{arn}function:f:2"
    assert [made.physical_id for made in layers] == [f"{arn}layer:l:1", f"{arn}layer:l:2"]


async def test_one_distribution_is_the_site_and_every_other_has_a_host_of_its_own(lab: Lab) -> None:
    first = await lab.makers.create(wanted("AWS::CloudFront::Distribution"))
    lab.site_taken = True
    second = await lab.makers.create(wanted("AWS::CloudFront::Distribution", "B"))

    assert first.attributes["DomainName"] == "localhost:8080"
    assert second.attributes["DomainName"] == f"{second.physical_id.lower()}.cloudfront.localhost:8080"


async def test_what_is_only_recorded_has_a_name(lab: Lab) -> None:
    """Another one when it is made anew; and deleting it is deleting nothing."""
    made = await lab.makers.create(wanted("AWS::Logs::LogGroup"))
    again = await lab.makers.create(wanted("AWS::Logs::LogGroup", addresses=renewed(ADDRESSES, 1)))

    assert made.physical_id.startswith("words-A-")
    assert again.physical_id != made.physical_id
    await lab.makers.delete(made, ADDRESSES)


async def test_a_function_makes_a_custom_resource(lab: Lab) -> None:
    """Its data are the attributes; what it is sent is text, as CloudFormation sends it."""
    lab.answer = {"Status": "SUCCESS", "PhysicalResourceId": "page-1", "Data": {"Files": 4}}
    page = {"ServiceToken": TOKEN, "ServiceTimeout": "5", "Deep": {"Flag": True}}
    made = await lab.makers.create(wanted("Custom::Page", **page))
    assert made.attributes == {"Ref": "page-1", "Files": "4"}

    changed = await lab.makers.update(wanted("Custom::Page", **page, More=1), made)
    await lab.makers.delete(changed, ADDRESSES)

    create, update, delete = lab.events
    assert create["ResourceProperties"] == {"ServiceToken": TOKEN, "Deep": {"Flag": "true"}}
    assert create["StackId"] == ADDRESSES.stack_id
    assert update["OldResourceProperties"] == create["ResourceProperties"]
    assert update["ResourceProperties"]["More"] == "1"
    assert [event["RequestType"] for event in lab.events] == ["Create", "Update", "Delete"]
    assert delete["PhysicalResourceId"] == "page-1"


async def test_a_function_that_fails_says_why(lab: Lab) -> None:
    """In the stack event; what it had begun is deleted under the name it gave, or under one that was given to it."""
    lab.answer = {"Status": "FAILED", "Reason": "no bucket", "PhysicalResourceId": "half"}
    with pytest.raises(FailedError) as error:
        await lab.makers.create(wanted("Custom::Page", ServiceToken=TOKEN))
    assert error.value.reason == (
        "Received response status [FAILED] from custom resource. Message returned: no bucket "
        f"(RequestId: {lab.events[0]['RequestId']})"
    )
    assert error.value.left is not None
    assert error.value.left.physical_id == "half"

    lab.answer = None
    with pytest.raises(FailedError, match="got no answer before its function ended") as error:
        await lab.makers.create(wanted("Custom::Page", ServiceToken=TOKEN))
    assert error.value.left is not None
    assert error.value.left.physical_id.startswith("words-A-")


@pytest.mark.parametrize("token", [None, ""])
async def test_a_custom_resource_needs_a_function(lab: Lab, token: object) -> None:
    with pytest.raises(FailedError, match="^A: ServiceToken "):
        await lab.makers.create(wanted("Custom::Page", **({} if token is None else {"ServiceToken": token})))


async def test_the_function_of_a_custom_resource_stays_the_same(lab: Lab) -> None:
    made = Made("A", "Custom::Page", {"ServiceToken": TOKEN}, {"Ref": "page-1"})

    with pytest.raises(FailedError, match=r"^Modifying service token is not allowed\.$"):
        await lab.makers.update(wanted("Custom::Page", ServiceToken=TOKEN + "2"), made)
    assert lab.events == []


async def test_what_is_asked_for_at_once_is_done_at_once(lab: Lab) -> None:
    """Each call has a thread of its own, and none stops the loop."""
    buckets = [wanted("AWS::S3::Bucket", f"B{number}") for number in range(4)]

    made = await asyncio.gather(*(lab.makers.create(bucket) for bucket in buckets))

    assert len({each.physical_id for each in made}) == 4
