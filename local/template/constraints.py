"""What a template allows a parameter to be, and the sentence for a value that is not.

What the real service does: refuses such a value before it touches anything, in the words of the parameter's
ConstraintDescription where it has one
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html).

What differs here, on purpose:
1. patterns are Java's there and Python's here; one that Python cannot read allows everything;
2. a value of one of AWS's own types, such as `AWS::EC2::KeyPair::KeyName`, is not looked up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from local.errors import TemplateError
from local.template.intrinsics import text


def check(name: str, value: str, rules: Mapping[str, object]) -> None:
    """Raise TemplateError when *value* is not what *rules*, the parameter's declaration, allow."""
    if fault := _fault(value, rules):
        described = rules.get("ConstraintDescription")
        sentence = f"{text(described)} (it is {value!r})" if described else f"is {value!r}, which {fault}"
        raise TemplateError(f"parameter {name} {sentence}")


def _fault(value: str, rules: Mapping[str, object]) -> str | None:
    allowed = rules.get("AllowedValues")
    if isinstance(allowed, list) and value not in [text(item) for item in allowed]:
        return "is not one of its AllowedValues"
    pattern = rules.get("AllowedPattern")
    if pattern is not None and not _matches(text(pattern), value):
        return f"does not match its AllowedPattern {text(pattern)}"
    if "MinLength" in rules and len(value) < _number(rules["MinLength"]):
        return f"is shorter than its MinLength {text(rules['MinLength'])}"
    if "MaxLength" in rules and len(value) > _number(rules["MaxLength"]):
        return f"is longer than its MaxLength {text(rules['MaxLength'])}"
    return _number_fault(value, rules) if "Number" in text(rules.get("Type", "String")) else None


def _number_fault(value: str, rules: Mapping[str, object]) -> str | None:
    try:
        number = float(value)
    except ValueError:
        return "is not a number"
    if "MinValue" in rules and number < _number(rules["MinValue"]):
        return f"is less than its MinValue {text(rules['MinValue'])}"
    if "MaxValue" in rules and number > _number(rules["MaxValue"]):
        return f"is greater than its MaxValue {text(rules['MaxValue'])}"
    return None


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:
        return True


def _number(bound: object) -> float:
    try:
        return float(text(bound))
    except ValueError:
        raise TemplateError(f"a bound of a parameter must be a number, not {bound!r}") from None
