"""The resources that a function of the same template makes when CloudFormation invokes it.

What the real service does: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html;
properties arrive with every scalar turned into a string, `ServiceToken` among them.

What differs here, on purpose:
1. one made by a function or topic outside of the template is left out, with a warning.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from local.config import CustomResource, Function
from local.template.attributes import function_name
from local.template.intrinsics import text
from local.template.resources import Resources


class Typed(Protocol):
    """Anything that has a resource type."""

    @property
    def type(self) -> str: ...


def is_custom(resource: Typed) -> bool:
    """Whether *resource* is one that a function makes."""
    return resource.type.startswith("Custom::") or resource.type == "AWS::CloudFormation::CustomResource"


def read_custom_resources(resources: Resources, functions: Collection[Function]) -> tuple[CustomResource, ...]:
    """The custom resources that one of *functions* makes, in the template's order."""
    makers = {function.name: function for function in functions}
    found = []
    for resource in filter(is_custom, resources):
        written = resource.properties
        token = written.text("ServiceToken") or ""
        maker = makers.get(function_name(token))
        if maker is None:
            written.dismiss(f"ServiceToken {token} (not a function that runs here)")
            continue
        found.append(
            CustomResource(
                logical_id=resource.logical_id,
                type=resource.type,
                service_token=maker.arn,
                properties={name: as_sent(written.value(name)) for name in written.names()},
                timeout_seconds=written.whole("ServiceTimeout") or 3600,
            )
        )
    return tuple(found)


def as_sent(value: object) -> object:
    """*value* with every scalar as text."""
    if isinstance(value, dict):
        return {name: as_sent(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_sent(item) for item in value]
    return text(value)
