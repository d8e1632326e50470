"""Custom resources: what a function of the template makes at deploy time, such as the page in its bucket.

What hop this is: `emulator -> [custom_resources] -> dispatcher` with the event, and
`function -> aws_endpoint -> [custom_resources]` with the answer.

What the real service does: CloudFormation invokes the function with a Create, Update or Delete event and waits until an
answer has been PUT to the event's ResponseURL, a presigned S3 address
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html,
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html).

What differs here, on purpose:
1. a function that ends without an answer has failed at once; CloudFormation tries it twice more, then waits out the
   resource's timeout;
2. a Create that fails is not rolled back with a Delete, and nothing is deleted when the emulator ends: what was made
   goes away with moto.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import NotRequired, TypeAlias, TypedDict

from local.asgi import Receive, Scope, Send, respond
from local.config import CustomResource
from local.errors import EmulatorError

ANSWER_PATH = "/_local/custom-resource/"
MAX_ANSWER_BYTES = 4096
MAX_PHYSICAL_ID_BYTES = 1024

Invoke: TypeAlias = Callable[[str, bytes], Awaitable[None]]  # (service token, event); returns when the function ended

_logger = logging.getLogger(__name__)


class Event(TypedDict):
    """What the function is invoked with."""

    RequestType: str  # Create | Update | Delete
    ServiceToken: str
    ResponseURL: str
    StackId: str
    RequestId: str
    LogicalResourceId: str
    ResourceType: str
    ResourceProperties: Mapping[str, object]
    PhysicalResourceId: NotRequired[str]  # Update, Delete
    OldResourceProperties: NotRequired[Mapping[str, object]]  # Update


@dataclass(frozen=True, slots=True)
class Made:
    """A resource once it has been made: its answer, and the properties it was made with."""

    physical_id: str
    properties: Mapping[str, object]
    data: Mapping[str, str] = field(default_factory=dict)  # what Fn::GetAtt gives


class RejectedError(EmulatorError):
    """The function answered FAILED; *reason* is its own word for why, *physical_id* what it calls the resource."""

    def __init__(self, sentence: str, *, reason: str, request_id: str, physical_id: str | None) -> None:
        super().__init__(sentence)
        self.physical_id = physical_id
        self.reason = reason
        self.request_id = request_id


class Answers:
    """ASGI app: where functions PUT their answers. *endpoint_url* is where they reach it, `http://localhost:<port>`."""

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url.rstrip("/")
        self._answers: dict[str, bytes | None] = {}  # by token, None while the function works

    def expect(self) -> str:
        """An address to which one answer may be sent from now on."""
        token = os.urandom(24).hex()
        self._answers[token] = None
        return self._endpoint_url + ANSWER_PATH + token

    def take(self, url: str) -> bytes | None:
        """The answer that came to *url*, None without one; it takes no more."""
        return self._answers.pop(url.rpartition("/")[2])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = scope["path"].removeprefix(ANSWER_PATH)
        if token not in self._answers:
            await respond(
                send, 403, headers=[(b"content-type", b"text/plain")], body=b"Nobody waits for this answer.\n"
            )
            return
        body = await _read(receive)
        if body is None:
            return
        if token in self._answers and self._answers[token] is None:
            self._answers[token] = body  # the first answer counts
        await respond(send, 200)


class CustomResources:
    """The custom resources of the stack *stack_id*; the methods raise `EmulatorError` when the function fails, does not
    answer, or answers what CloudFormation refuses.
    """

    def __init__(self, stack_id: str, *, answers: Answers, invoke: Invoke) -> None:
        self._stack_id = stack_id
        self._answers = answers
        self._invoke = invoke
        self._made: dict[str, Made] = {}  # by logical id

    async def run(self, resource: CustomResource) -> Made:
        """Create the resource, or update it when it was created before.

        An update that gives it another physical id has replaced it: the old one is deleted.
        """
        old = self._made.get(resource.logical_id)
        made = await (self.create(resource) if old is None else self.update(resource, old))
        self._made[resource.logical_id] = made
        if old is not None and old.physical_id != made.physical_id:
            try:
                await self.delete(resource, old)
            except EmulatorError as error:
                # As in the clean-up phase of a stack update, which has succeeded by then.
                _logger.warning("%s is left behind: %s", old.physical_id, error)
        return made

    async def create(self, resource: CustomResource) -> Made:
        """Have it made."""
        return await self._ask(self._event("Create", resource, _properties(resource)), resource)

    async def update(self, resource: CustomResource, old: Made) -> Made:
        """Have *old* made into what *resource* says now; where the physical id is another one, *old* still exists."""
        event = self._event("Update", resource, _properties(resource))
        event["PhysicalResourceId"] = old.physical_id
        event["OldResourceProperties"] = old.properties
        return await self._ask(event, resource)

    async def delete(self, resource: CustomResource, made: Made) -> None:
        """Have *made* deleted."""
        event = self._event("Delete", resource, made.properties)
        event["PhysicalResourceId"] = made.physical_id
        await self._ask(event, resource)

    def _event(self, kind: str, resource: CustomResource, properties: Mapping[str, object]) -> Event:
        return {
            "RequestType": kind,
            "ServiceToken": resource.service_token,
            "ResponseURL": self._answers.expect(),
            "StackId": self._stack_id,
            "RequestId": str(uuid.uuid4()),
            "LogicalResourceId": resource.logical_id,
            "ResourceType": resource.type,
            "ResourceProperties": properties,
        }

    async def _ask(self, event: Event, resource: CustomResource) -> Made:
        limit = asyncio.timeout(resource.timeout_seconds)
        try:
            async with limit:
                await self._invoke(resource.service_token, json.dumps(event).encode())
        except TimeoutError:
            if not limit.expired():
                raise
        finally:
            answer = self._answers.take(event["ResponseURL"])
        if answer is None:
            when = f"within {resource.timeout_seconds} seconds" if limit.expired() else "before its function ended"
            raise EmulatorError(f"{_name(event)} got no answer {when}; the function must PUT it to the ResponseURL.")
        return _made(answer, event)


def _properties(resource: CustomResource) -> dict[str, object]:
    return {"ServiceToken": resource.service_token, **resource.properties}


def _made(answer: bytes, event: Event) -> Made:
    """What the answer tells. Raises `EmulatorError` for an answer that reports or is a failure."""
    if len(answer) > MAX_ANSWER_BYTES:
        raise EmulatorError(f"{_name(event)} was answered with more than {MAX_ANSWER_BYTES} bytes.")
    try:
        document = json.loads(answer)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise EmulatorError(f"{_name(event)} was answered with something that is not a JSON object.")
    for name in ("StackId", "RequestId", "LogicalResourceId"):
        if document.get(name) != event[name]:
            raise EmulatorError(f"{_name(event)} was answered with a {name} that is not the event's.")
    physical_id = document.get("PhysicalResourceId")
    if document.get("Status") == "FAILED":
        reason = str(document.get("Reason") or "the function gave no Reason")
        raise RejectedError(
            f"{_name(event)} failed: {reason}",
            reason=reason,
            request_id=event["RequestId"],
            physical_id=physical_id if isinstance(physical_id, str) and physical_id else None,
        )
    if document.get("Status") != "SUCCESS":
        raise EmulatorError(f"{_name(event)} was answered with a Status that is neither SUCCESS nor FAILED.")
    if not isinstance(physical_id, str) or not 0 < len(physical_id.encode()) <= MAX_PHYSICAL_ID_BYTES:
        raise EmulatorError(
            f"{_name(event)} needs a PhysicalResourceId of 1 to {MAX_PHYSICAL_ID_BYTES} bytes in its answer."
        )
    data = document.get("Data")
    attributes = {name: str(value) for name, value in data.items()} if isinstance(data, dict) else {}
    return Made(physical_id, event["ResourceProperties"], attributes)


def _name(event: Event) -> str:
    return f"{event['RequestType']} of the custom resource {event['LogicalResourceId']} ({event['ResourceType']})"


async def _read(receive: Receive) -> bytes | None:
    """The request's body, of which no more is kept than shows that it is too long; None when it never ended."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body = (body + message.get("body", b""))[: MAX_ANSWER_BYTES + 1]
        more = message.get("more_body", False)
    return body
