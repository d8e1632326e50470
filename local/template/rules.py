"""A template's Rules: what must hold between its parameters, or nothing is made.

What the real service does: evaluates them before it makes anything, and answers with the description of the assertion
that does not hold (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html).

What differs here, on purpose:
1. what asks AWS about a value (`Fn::ValueOf`, `Fn::RefAll` and their like) cannot be told here, and holds.
"""

from __future__ import annotations

from collections.abc import Mapping

from local.errors import TemplateError
from local.template.intrinsics import Resolver, mapping, text

_ASKS_AWS = frozenset({"Fn::EachMemberEquals", "Fn::EachMemberIn", "Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll"})


def check_rules(rules: Mapping[str, object], resolver: Resolver) -> None:
    """Raise TemplateError for the first assertion of *rules* that does not hold."""
    for name, rule in rules.items():
        condition = mapping(rule).get("RuleCondition")
        assertions = mapping(rule).get("Assertions")
        if not isinstance(assertions, list):
            raise TemplateError(f"rule {name} has no Assertions")
        if condition is not None and not _holds(condition, resolver, name):
            continue
        for assertion in map(mapping, assertions):
            if not _holds(assertion.get("Assert"), resolver, name):
                described = assertion.get("AssertDescription")
                raise TemplateError(text(described) if described else f"an assertion of rule {name} does not hold")


def _holds(expression: object, resolver: Resolver, name: str) -> bool:
    return _asks_aws(expression) or resolver.holds(_as_condition(expression, resolver), owner=f"rule {name}")


def _as_condition(expression: object, resolver: Resolver) -> object:
    """*expression* without `Fn::Contains`, which rules have and conditions have not: equal to one or to another."""
    if isinstance(expression, list):
        return [_as_condition(item, resolver) for item in expression]
    if not isinstance(expression, dict):
        return expression
    match expression.get("Fn::Contains"):
        case [items, wanted]:
            listed = resolver.resolve(items)
            members = listed if isinstance(listed, list) else [listed]
            return {"Fn::Or": [{"Fn::Equals": [member, wanted]} for member in members]}
    return {name: _as_condition(value, resolver) for name, value in expression.items()}


def _asks_aws(expression: object) -> bool:
    if isinstance(expression, dict):
        return not _ASKS_AWS.isdisjoint(expression) or any(map(_asks_aws, expression.values()))
    return isinstance(expression, list) and any(map(_asks_aws, expression))
