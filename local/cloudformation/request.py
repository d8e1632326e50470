"""The parameters of one request to the CloudFormation API, asked for by kind.

What the real service does: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html;
an empty list is an empty string on the wire.
"""

from __future__ import annotations

from collections.abc import Mapping

from local.cloudformation.plan import Plan
from local.cloudformation.refusal import invalid
from local.wire.aws_query import Parameter


class Request:
    """The getters give "" or nothing for what is absent, and raise `RefusedError` for a value of another kind."""

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        self._parameters = parameters

    def text(self, name: str) -> str:
        """A string."""
        value = self._parameters.get(name, "")
        if not isinstance(value, str):
            raise invalid(f"{name} is not a string")
        return value

    def needed(self, name: str) -> str:
        """A string that must not be absent."""
        value = self.text(name)
        if not value:
            member = name[0].lower() + name[1:]
            raise invalid(
                f"1 validation error detected: Value null at '{member}' failed to satisfy constraint: "
                "Member must not be null"
            )
        return value

    def flag(self, name: str) -> bool:
        """A boolean."""
        return self.text(name).lower() == "true"

    def texts(self, name: str) -> list[str]:
        """A list of strings."""
        return [item for item in self._items(name) if isinstance(item, str)]

    def plan(self, template: str) -> Plan:
        """What a request that makes or changes a stack of *template* asks for."""
        parameters = [item for item in self._items("Parameters") if isinstance(item, dict)]
        tags = [item for item in self._items("Tags") if isinstance(item, dict)]
        return Plan(
            template=template,
            parameters={
                str(item.get("ParameterKey")): str(item.get("ParameterValue", ""))
                for item in parameters
                if not _keeps(item)
            },
            previous=frozenset(str(item.get("ParameterKey")) for item in parameters if _keeps(item)),
            tags={str(item.get("Key")): str(item.get("Value", "")) for item in tags}
            if "Tags" in self._parameters
            else None,
            capabilities=tuple(self.texts("Capabilities")),
            description=self.text("Description"),
        )

    def _items(self, name: str) -> list[Parameter]:
        value = self._parameters.get(name, "")
        if value == "":
            return []
        if not isinstance(value, list):
            raise invalid(f"{name} is not a list")
        return value


def _keeps(item: Mapping[str, Parameter]) -> bool:
    return str(item.get("UsePreviousValue", "")).lower() == "true"
