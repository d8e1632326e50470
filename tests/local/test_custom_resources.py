"""Custom resources: what the function is sent, and what it may answer."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from local.config import CustomResource
from local.custom_resources import ANSWER_PATH, Answers, CustomResources, Invoke
from local.errors import EmulatorError
from tests.local.asgi_viewer import Answer, ask

pytestmark = pytest.mark.anyio

TOKEN = "arn:aws:lambda:eu-central-1:123456789012:function:publisher"
STACK_ID = "arn:aws:cloudformation:eu-central-1:123456789012:stack/story/8f1d"
ENDPOINT = "http://localhost:8081"
RESOURCE = CustomResource("Page", "Custom::Page", TOKEN, {"BucketName": "page", "Tags": ["a"]}, timeout_seconds=5)


class Desk(Answers):
    """Where the answers go, and the stack whose resources a function makes."""

    def __init__(self) -> None:
        super().__init__(ENDPOINT)
        self.stacks: dict[Invoke, CustomResources] = {}

    async def run(self, resource: CustomResource, invoke: Invoke) -> str:
        stack = self.stacks.setdefault(invoke, CustomResources(STACK_ID, answers=self, invoke=invoke))
        return (await stack.run(resource)).physical_id


class Publisher:
    """A function of the template: keeps its events and answers with what `reply` makes of them."""

    def __init__(self, resources: Desk, reply: Callable[[dict[str, Any]], object]) -> None:
        self.resources = resources
        self.reply = reply
        self.events: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        self.put: list[Answer] = []

    async def __call__(self, service_token: str, event: bytes) -> None:
        self.tokens.append(service_token)
        self.events.append(json.loads(event))
        answer = self.reply(self.events[-1])
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        url = self.events[-1]["ResponseURL"]
        self.put.append(await ask(self.resources, "PUT", url.removeprefix(ENDPOINT), body=body))


def success(event: dict[str, Any], **changes: object) -> dict[str, Any]:
    """A whole answer to that event."""
    return {
        "Status": "SUCCESS",
        "PhysicalResourceId": "page-1",
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        **changes,
    }


@pytest.fixture
def resources() -> Desk:
    return Desk()


async def test_create(resources: Desk) -> None:
    """The event has every field of CloudFormation's, and the answer is taken as S3 would take it."""
    publisher = Publisher(resources, success)

    physical_id = await resources.run(RESOURCE, publisher)

    [event] = publisher.events
    assert physical_id == "page-1"
    assert publisher.tokens == [TOKEN]
    assert re.fullmatch(re.escape(ENDPOINT + ANSWER_PATH) + "[0-9a-f]{48}", event.pop("ResponseURL"))
    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", event.pop("RequestId"))
    assert event == {
        "RequestType": "Create",
        "StackId": STACK_ID,
        "ServiceToken": TOKEN,
        "LogicalResourceId": "Page",
        "ResourceType": "Custom::Page",
        "ResourceProperties": {"ServiceToken": TOKEN, "BucketName": "page", "Tags": ["a"]},
    }
    assert [(put.status, put.body, put.whole) for put in publisher.put] == [(200, b"", True)]


async def test_second_run_is_an_update(resources: Desk) -> None:
    """It says which resource it is and what its properties were; the address is another one."""
    publisher = Publisher(resources, success)
    changed = CustomResource("Page", "Custom::Page", TOKEN, {"BucketName": "page", "CodeVersion": "2"}, 5)

    await resources.run(RESOURCE, publisher)
    await resources.run(changed, publisher)

    create, update = publisher.events
    assert update["RequestType"] == "Update"
    assert update["PhysicalResourceId"] == "page-1"
    assert update["OldResourceProperties"] == create["ResourceProperties"]
    assert update["ResourceProperties"] == {"ServiceToken": TOKEN, "BucketName": "page", "CodeVersion": "2"}
    assert update["StackId"] == create["StackId"]
    assert update["RequestId"] != create["RequestId"]
    assert update["ResponseURL"] != create["ResponseURL"]


async def test_update_that_replaces_the_resource_deletes_the_old_one(resources: Desk) -> None:
    """Another physical id is another resource; a Delete that fails leaves it behind and fails nothing."""
    ids = iter(["page-1", "page-2"])

    def reply(event: dict[str, Any]) -> dict[str, Any]:
        if event["RequestType"] == "Delete":
            return success(event, Status="FAILED", Reason="not empty")
        return success(event, PhysicalResourceId=next(ids))

    publisher = Publisher(resources, reply)
    await resources.run(RESOURCE, publisher)
    physical_id = await resources.run(RESOURCE, publisher)

    assert physical_id == "page-2"
    assert [event["RequestType"] for event in publisher.events] == ["Create", "Update", "Delete"]
    assert publisher.events[2]["PhysicalResourceId"] == "page-1"
    assert publisher.events[2]["ResourceProperties"] == publisher.events[0]["ResourceProperties"]


async def test_create_that_failed_is_tried_as_a_create_again(resources: Desk) -> None:
    """What was never made cannot be updated."""
    statuses = iter(["FAILED", "SUCCESS"])
    publisher = Publisher(resources, lambda event: success(event, Status=next(statuses), Reason="no bucket"))

    with pytest.raises(EmulatorError):
        await resources.run(RESOURCE, publisher)
    await resources.run(RESOURCE, publisher)

    assert [event["RequestType"] for event in publisher.events] == ["Create", "Create"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"Status": "FAILED", "Reason": "no folder page/"}, "failed: no folder page/"),
        ({"Status": "FAILED"}, "failed: the function gave no Reason"),
        ({"Status": "OK"}, "was answered with a Status that is neither SUCCESS nor FAILED."),
        ({"StackId": "x"}, "was answered with a StackId that is not the event's."),
        ({"RequestId": "x"}, "was answered with a RequestId that is not the event's."),
        ({"LogicalResourceId": None}, "was answered with a LogicalResourceId that is not the event's."),
        ({"PhysicalResourceId": ""}, "needs a PhysicalResourceId of 1 to 1024 bytes in its answer."),
        ({"PhysicalResourceId": None}, "needs a PhysicalResourceId of 1 to 1024 bytes in its answer."),
        ({"PhysicalResourceId": "é" * 513}, "needs a PhysicalResourceId of 1 to 1024 bytes in its answer."),
        ({"Data": {"x": "y" * 4096}}, "was answered with more than 4096 bytes."),
    ],
)
async def test_answer_that_cloudformation_refuses(resources: Desk, change: dict[str, object], sentence: str) -> None:
    """Each is an error that names the resource and the fault."""
    publisher = Publisher(resources, lambda event: success(event, **change))

    with pytest.raises(EmulatorError) as failure:
        await resources.run(RESOURCE, publisher)

    assert str(failure.value) == f"Create of the custom resource Page (Custom::Page) {sentence}"


@pytest.mark.parametrize("body", [b"", b"SUCCESS", b'["SUCCESS"]', b"\xff"])
async def test_answer_that_is_no_json_object(resources: Desk, body: bytes) -> None:
    """S3 takes anything; it is refused when it is read."""
    with pytest.raises(EmulatorError, match="something that is not a JSON object"):
        await resources.run(RESOURCE, Publisher(resources, lambda event: body))


async def test_longest_answer_is_taken(resources: Desk) -> None:
    """4096 bytes are not too many, and neither are 1024 of physical id."""

    def reply(event: dict[str, Any]) -> bytes:
        text = json.dumps(success(event, PhysicalResourceId="p" * 1024, Data="")).encode()
        return text.replace(b'"Data": ""', b'"Data": "' + b"x" * (4096 - len(text)) + b'"')

    assert await resources.run(RESOURCE, Publisher(resources, reply)) == "p" * 1024


async def test_function_that_ends_without_an_answer(resources: Desk) -> None:
    """The error does not wait for the timeout."""

    async def silent(service_token: str, event: bytes) -> None:
        return

    with pytest.raises(EmulatorError, match="got no answer before its function ended; the function must PUT it"):
        await resources.run(RESOURCE, silent)


async def test_function_that_does_not_answer_in_time(resources: Desk) -> None:
    """The resource's own timeout ends the wait, and a late answer is not wanted any more."""
    urls: list[str] = []

    async def slow(service_token: str, event: bytes) -> None:
        urls.append(json.loads(event)["ResponseURL"])
        await asyncio.Event().wait()

    with pytest.raises(EmulatorError, match="got no answer within 0 seconds"):
        await resources.run(CustomResource("Page", "Custom::Page", TOKEN, {}, timeout_seconds=0), slow)

    assert (await ask(resources, "PUT", urls[0].removeprefix(ENDPOINT), body=b"{}")).status == 403


async def test_answer_counts_even_if_the_function_is_late(resources: Desk) -> None:
    """CloudFormation looks at the answer, not at the function."""
    publisher = Publisher(resources, success)

    async def answers_and_stays(service_token: str, event: bytes) -> None:
        await publisher(service_token, event)
        await asyncio.Event().wait()

    late = CustomResource("Page", "Custom::Page", TOKEN, {}, timeout_seconds=0)
    assert await resources.run(late, answers_and_stays) == "page-1"


async def test_first_answer_counts(resources: Desk) -> None:
    """A second PUT is accepted, as by S3, and changes nothing."""
    publisher = Publisher(resources, success)

    async def answers_twice(service_token: str, event: bytes) -> None:
        await publisher(service_token, event)
        publisher.reply = lambda event: success(event, Status="FAILED")
        await publisher(service_token, event)

    assert await resources.run(RESOURCE, answers_twice) == "page-1"
    assert [put.status for put in publisher.put] == [200, 200]


async def test_answer_that_nobody_waits_for_is_refused(resources: Desk) -> None:
    """As an expired or guessed presigned URL would be."""
    answer = await ask(resources, "PUT", ANSWER_PATH + "0" * 48, body=b"{}")

    assert (answer.status, answer.body) == (403, b"Nobody waits for this answer.\n")


async def test_what_goes_wrong_with_the_invocation_is_passed_on(resources: Desk) -> None:
    """A function that is not there is the caller's error to tell."""

    async def unknown(service_token: str, event: bytes) -> None:
        raise EmulatorError("There is no function publisher.")

    with pytest.raises(EmulatorError, match="There is no function publisher"):
        await resources.run(RESOURCE, unknown)


async def test_resources_run_side_by_side(resources: Desk) -> None:
    """Each function answers at its own address."""
    both = asyncio.Barrier(2)

    def resource(name: str) -> CustomResource:
        return CustomResource(name, "Custom::Page", TOKEN, {}, timeout_seconds=5)

    async def invoke(service_token: str, event: bytes) -> None:
        await both.wait()
        await Publisher(resources, lambda event: success(event, PhysicalResourceId=event["LogicalResourceId"]))(
            service_token, event
        )

    runs: list[Awaitable[str]] = [resources.run(resource(name), invoke) for name in ("One", "Two")]
    assert await asyncio.gather(*runs) == ["One", "Two"]
