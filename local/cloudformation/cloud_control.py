"""Cloud Control's one question that `sam list endpoints` asks: what a deployed resource is.

What hop this is: `aws_endpoint -> [cloud_control] -> stacks`.

What the real service does: reads a resource of any type, also of none that CloudFormation made
(https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/API_GetResource.html).

What differs here, on purpose:
1. it knows the resources of stacks, by what they were made with and what they got; nothing is changed through it.
"""

from __future__ import annotations

import json
import uuid

from local.asgi import DisconnectedError, Receive, Scope, Send, respond, whole_body
from local.cloudformation.record import Made
from local.cloudformation.refusal import RefusedError
from local.cloudformation.stacks import Stacks
from local.template.attributes import function_name

MAX_REQUEST_BYTES = 64 * 1024
_TARGET = b"CloudApiService.GetResource"


class CloudControlApi:
    """ASGI app: GetResource for everything in *stacks*."""

    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, document = 200, dict[str, object]()
        try:
            document = self._answer(dict(scope["headers"]), await whole_body(scope, receive, limit=MAX_REQUEST_BYTES))
        except DisconnectedError:
            return
        except RefusedError as error:
            status, document = error.status, {"__type": error.code, "Message": error.message}
        headers = [
            (b"content-type", b"application/x-amz-json-1.0"),
            (b"x-amzn-requestid", str(uuid.uuid4()).encode()),
        ]
        await respond(send, status, headers=headers, body=json.dumps(document).encode())

    def _answer(self, headers: dict[bytes, bytes], body: bytes | None) -> dict[str, object]:
        if headers.get(b"x-amz-target") != _TARGET:
            raise RefusedError("UnsupportedActionException", "Of Cloud Control, only GetResource is served here.")
        try:
            asked = json.loads(body or b"")
            type_name, identifier = str(asked["TypeName"]), str(asked["Identifier"])
        except (KeyError, TypeError, ValueError):
            raise RefusedError("ValidationException", "TypeName and Identifier are needed, as JSON.") from None
        made = self._find(type_name, identifier)
        properties = {**made.properties, **{name: value for name, value in made.attributes.items() if name != "Ref"}}
        description = {"Identifier": identifier, "Properties": json.dumps(properties)}
        return {"TypeName": type_name, "ResourceDescription": description}

    def _find(self, type_name: str, identifier: str) -> Made:
        for stack in self._stacks.all():
            for made in stack.made.values():
                if made.type == type_name and _goes_by(made, identifier):
                    return made
        message = f"Resource of type '{type_name}' with identifier '{identifier}' was not found."
        raise RefusedError("ResourceNotFoundException", message)


def _goes_by(made: Made, identifier: str) -> bool:
    """A function URL, whose physical id is its function's ARN, is asked for by the function's name as well."""
    names = {made.physical_id} | ({function_name(made.physical_id)} if made.type == "AWS::Lambda::Url" else set())
    return identifier in names
