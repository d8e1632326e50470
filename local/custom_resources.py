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
from dataclasses import dataclass
from typing import NotRequired, TypeAlias, TypedDict

from local.asgi import Receive, Scope, Send, respond
from local.config import CustomResource, Stack
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
class _Made:
    """What is known of a resource once it has been made."""

    physical_id: str
    properties: Mapping[str, object]


class CustomResources:
    """The stack's custom resources, and the ASGI app to which their functions PUT their answers.

    *endpoint_url* is where that app is reached by the functions: the AWS endpoint, `http://localhost:<port>`.
    """

    def __init__(self, stack: Stack, *, endpoint_url: str) -> None:
        identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{stack.account_id}/{stack.region}/{stack.name}")
        self._stack_id = f"arn:aws:cloudformation:{stack.region}:{stack.account_id}:stack/{stack.name}/{identity}"
        self._endpoint_url = endpoint_url.rstrip("/")
        self._made: dict[str, _Made] = {}  # by logical id
        self._answers: dict[str, bytes | None] = {}  # by token, None while the function works

    async def run(self, resource: CustomResource, invoke: Invoke) -> str:
        """Creates the resource, or updates it when it was created before; its physical id.

        An update that gives it another physical id has replaced it: the old one is deleted.
        Raises `EmulatorError` when the function fails, does not answer, or answers what CloudFormation refuses.
        """
        old = self._made.get(resource.logical_id)
        properties = {"ServiceToken": resource.service_token, **resource.properties}
        event = self._event("Create" if old is None else "Update", resource, properties)
        if old is not None:
            event["PhysicalResourceId"] = old.physical_id
            event["OldResourceProperties"] = old.properties
        physical_id = await self._ask(event, resource, invoke)
        self._made[resource.logical_id] = _Made(physical_id, properties)
        if old is not None and old.physical_id != physical_id:
            await self._delete(old, resource, invoke)
        return physical_id

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

    async def _delete(self, replaced: _Made, resource: CustomResource, invoke: Invoke) -> None:
        event = self._event("Delete", resource, replaced.properties)
        event["PhysicalResourceId"] = replaced.physical_id
        try:
            await self._ask(event, resource, invoke)
        except EmulatorError as error:
            # As in the clean-up phase of a stack update, which has succeeded by then.
            _logger.warning("%s is left behind: %s", replaced.physical_id, error)

    def _event(self, kind: str, resource: CustomResource, properties: Mapping[str, object]) -> Event:
        return {
            "RequestType": kind,
            "ServiceToken": resource.service_token,
            "ResponseURL": self._endpoint_url + ANSWER_PATH + os.urandom(24).hex(),
            "StackId": self._stack_id,
            "RequestId": str(uuid.uuid4()),
            "LogicalResourceId": resource.logical_id,
            "ResourceType": resource.type,
            "ResourceProperties": properties,
        }

    async def _ask(self, event: Event, resource: CustomResource, invoke: Invoke) -> str:
        token = event["ResponseURL"].rpartition("/")[2]
        self._answers[token] = None
        limit = asyncio.timeout(resource.timeout_seconds)
        try:
            async with limit:
                await invoke(resource.service_token, json.dumps(event).encode())
        except TimeoutError:
            if not limit.expired():
                raise
        finally:
            answer = self._answers.pop(token)
        if answer is None:
            when = f"within {resource.timeout_seconds} seconds" if limit.expired() else "before its function ended"
            raise EmulatorError(f"{_name(event)} got no answer {when}; the function must PUT it to the ResponseURL.")
        return _physical_id(answer, event)


def _physical_id(answer: bytes, event: Mapping[str, object]) -> str:
    """The answer's PhysicalResourceId. Raises `EmulatorError` for an answer that reports or is a failure."""
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
    if document.get("Status") == "FAILED":
        raise EmulatorError(f"{_name(event)} failed: {document.get('Reason') or 'the function gave no Reason'}")
    if document.get("Status") != "SUCCESS":
        raise EmulatorError(f"{_name(event)} was answered with a Status that is neither SUCCESS nor FAILED.")
    physical_id = document.get("PhysicalResourceId")
    if not isinstance(physical_id, str) or not 0 < len(physical_id.encode()) <= MAX_PHYSICAL_ID_BYTES:
        raise EmulatorError(
            f"{_name(event)} needs a PhysicalResourceId of 1 to {MAX_PHYSICAL_ID_BYTES} bytes in its answer."
        )
    return physical_id


def _name(event: Mapping[str, object]) -> str:
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
