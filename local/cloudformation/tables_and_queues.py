"""Tables, queues, topics and parameters: each made by moto's own CloudFormation, as a stack of one resource.

What hop this is: `makers -> [tables_and_queues] -> moto`.

What the real service does: makes a table, queue, topic or parameter that functions find by its name
(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/).

What differs here, on purpose:
1. moto has many more types, but makes some of them only nearly; those below were tried;
2. what comes into a queue, topic or table's stream invokes no function.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.aws_services import AwsServices
from local.cloudformation.moto import MotoClient
from local.template.addresses import Addresses


@dataclass(frozen=True, slots=True)
class _Type:
    """What moto does not tell of a type."""

    name: str  # the property that names it
    attributes: tuple[str, ...] = ()  # of Fn::GetAtt, which moto knows
    reference: str | None = None  # the attribute that is the same as what Ref gives
    ordered: str | None = None  # the property with which a name has to end in .fifo


_TYPES: Mapping[str, _Type] = {
    "AWS::DynamoDB::Table": _Type("TableName", ("Arn",)),
    "AWS::SNS::Topic": _Type("TopicName", ("TopicName",), "TopicArn", "FifoTopic"),
    "AWS::SQS::Queue": _Type("QueueName", ("Arn", "QueueName"), "QueueUrl", "FifoQueue"),
    "AWS::SSM::Parameter": _Type("Name"),
}


def is_made_by_moto(type_name: str) -> bool:
    """Whether this module makes resources of that type."""
    return type_name in _TYPES


class TablesAndQueues:
    """All of them. The methods raise `ServiceError`."""

    def __init__(self, services: AwsServices, region: str) -> None:
        self._moto: MotoClient[Any] = MotoClient(services, region, "cloudformation")
        self._stacks: dict[tuple[str, str], str] = {}  # (type, physical id) -> the stack in moto

    async def create(
        self, type_name: str, logical_id: str, properties: Mapping[str, object], addresses: Addresses
    ) -> dict[str, str]:
        """Make it; its attributes."""
        stack = f"one-{uuid.uuid4().hex}"
        template = _template(type_name, logical_id, properties, addresses)
        await self._moto.call(lambda client: client.create_stack(StackName=stack, TemplateBody=template))
        attributes = await self._attributes(stack, type_name)
        self._stacks[type_name, attributes["Ref"]] = stack
        return attributes

    async def update(
        self,
        type_name: str,
        logical_id: str,
        physical_id: str,
        properties: Mapping[str, object],
        addresses: Addresses,
    ) -> dict[str, str]:
        """Change it in place; its attributes."""
        stack = self._stacks[type_name, physical_id]
        template = _template(type_name, logical_id, properties, addresses)
        await self._moto.call(lambda client: client.update_stack(StackName=stack, TemplateBody=template))
        return await self._attributes(stack, type_name)

    async def delete(self, type_name: str, physical_id: str) -> None:
        """Delete it."""
        stack = self._stacks.pop((type_name, physical_id))
        await self._moto.call(lambda client: client.delete_stack(StackName=stack))

    async def _attributes(self, stack: str, type_name: str) -> dict[str, str]:
        def look(client: Any) -> dict[str, str]:
            [resource] = client.describe_stack_resources(StackName=stack)["StackResources"]
            outputs = client.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
            told = {output["OutputKey"]: output["OutputValue"] for output in outputs}
            return told | {"Ref": resource["PhysicalResourceId"]}

        attributes = await self._moto.call(look)
        reference = _TYPES[type_name].reference
        return attributes | ({reference: attributes["Ref"]} if reference else {})


def _template(type_name: str, logical_id: str, properties: Mapping[str, object], addresses: Addresses) -> str:
    kind = _TYPES[type_name]
    ending = ".fifo" if kind.ordered and str(properties.get(kind.ordered, "")).lower() == "true" else ""
    name = addresses.physical_name(logical_id) + ending
    resource = {"Type": type_name, "Properties": {kind.name: name, **properties}}
    outputs = {attribute: {"Value": {"Fn::GetAtt": ["R", attribute]}} for attribute in kind.attributes}
    return json.dumps({"Resources": {"R": resource}, **({"Outputs": outputs} if outputs else {})})
