"""The values that `Ref` gives for a template's parameters and for CloudFormation's own.

What the real service does: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/
parameters-section-structure.html and .../pseudo-parameter-reference.html

What differs here, on purpose:
1. nothing is looked up: the value of an `AWS::SSM::Parameter::Value<...>` parameter is its key.
"""

from __future__ import annotations

from collections.abc import Mapping

from local.errors import TemplateError
from local.template.addresses import Addresses
from local.template.constraints import check
from local.template.intrinsics import NO_VALUE, mapping, text


def parameter_values(
    declared: Mapping[str, object], given: Mapping[str, str], addresses: Addresses
) -> dict[str, object]:
    """Every name that `Ref` knows besides resources, with its value: a string, or a list of them.

    Raises TemplateError for a parameter that has no value, one nobody declared, and a value that is not allowed.
    """
    for name in given:
        if name not in declared:
            raise TemplateError(f"the template has no parameter {name}")
    return declared_values(declared, given) | pseudo_parameters(addresses)


def declared_values(declared: Mapping[str, object], given: Mapping[str, str]) -> dict[str, object]:
    """The value of each parameter that is *declared*. Raises TemplateError as `parameter_values` does."""
    return {name: _value(name, mapping(rules), given) for name, rules in declared.items()}


def pseudo_parameters(addresses: Addresses) -> dict[str, object]:
    """The parameters that CloudFormation declares by itself."""
    return {
        "AWS::AccountId": addresses.account_id,
        "AWS::NoValue": NO_VALUE,
        "AWS::NotificationARNs": [],
        "AWS::Partition": "aws",
        "AWS::Region": addresses.region,
        "AWS::StackId": addresses.stack_id,
        "AWS::StackName": addresses.stack_name,
        "AWS::URLSuffix": "amazonaws.com",
    }


def _value(name: str, rules: Mapping[str, object], given: Mapping[str, str]) -> object:
    written = given.get(name, rules.get("Default"))
    if written is None:
        raise TemplateError(
            f"parameter {name} has no default and was given no value: --parameter {name}=VALUE gives it one"
        )
    value = text(written)
    if "List" not in text(rules.get("Type", "String")):
        check(name, value, rules)
        return value
    items = [item.strip() for item in value.split(",")]  # CommaDelimitedList, List<Number>, ...
    for item in items:
        check(name, item, rules)
    return items


def looked_up(declared: Mapping[str, object]) -> list[str]:
    """The names of parameters whose value AWS would look up in the SSM parameter store."""
    return [
        name
        for name, rules in declared.items()
        if text(mapping(rules).get("Type", "String")).startswith("AWS::SSM::Parameter::Value")
    ]
