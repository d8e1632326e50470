"""The template as the emulator acts on it: file -> document -> resources -> `local.config.Stack`.

What the real service does: CloudFormation makes a stack from a template,
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html

What differs here, on purpose:
1. only what serves requests is made: functions, buckets, one distribution, and custom resources;
2. whatever else the template asks for is told in `Stack.warnings`, never dropped in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from local.config import Stack
from local.errors import TemplateError
from local.template.addresses import Addresses
from local.template.buckets import read_buckets
from local.template.code import FindCode, code_below
from local.template.custom_resources import read_custom_resources
from local.template.distribution import read_distribution
from local.template.document import load_document
from local.template.functions import read_functions
from local.template.intrinsics import mapping
from local.template.parameters import looked_up, parameter_values
from local.template.properties import Properties
from local.template.resources import Resources
from local.template.rules import check_rules
from local.template.unhonoured import unhonoured


def read_stack(path: Path, *, addresses: Addresses, parameters: Mapping[str, str] | None = None) -> Stack:
    """What the template at *path* asks for; paths in it are relative to its folder.

    Takes a second or two for a template that was not read before, else milliseconds.
    Raises TemplateError, in sentences that each begin with *path*, for everything that is wrong with the template.
    """
    given = parameters or {}
    document = load_document(path, parameters=given, region=addresses.region)
    try:
        return _stack(document, addresses=addresses, given=given, find_code=code_below(path.parent))
    except TemplateError as error:
        raise TemplateError(f"{path}: {error}") from error


def compose_stack(resources: Resources, find_code: FindCode) -> Stack:
    """What of *resources* serves requests. Raises TemplateError."""
    addresses, functions = resources.addresses, read_functions(resources, find_code)
    return Stack(
        name=addresses.stack_name,
        stack_id=addresses.stack_id,
        region=addresses.region,
        account_id=addresses.account_id,
        functions=functions,
        buckets=read_buckets(resources),
        distribution=read_distribution(resources),
        custom_resources=read_custom_resources(resources, functions),
    )


def read_outputs(written: Mapping[str, object], resources: Resources) -> dict[str, str]:
    """The values of a template's *written* outputs, those whose condition holds. Raises TemplateError."""
    existing = {name: mapping(output) for name, output in written.items() if resources.exists(mapping(output))}
    return {
        name: Properties(f"Outputs.{name}", output, resources.resolver).text("Value") or ""
        for name, output in existing.items()
    }


def _stack(
    document: Mapping[str, object], *, addresses: Addresses, given: Mapping[str, str], find_code: FindCode
) -> Stack:
    declared = mapping(document.get("Parameters"))
    imported: list[str] = []

    def import_value(name: str) -> str:
        imported.append(name)
        return name

    values = parameter_values(declared, given, addresses)
    resources = Resources(document, parameters=values, addresses=addresses, import_value=import_value)
    check_rules(mapping(document.get("Rules")), resources.resolver)
    stack = compose_stack(resources, find_code)
    if not stack.functions:
        raise TemplateError(_nothing_to_run(resources))
    return replace(
        stack,
        outputs=read_outputs(mapping(document.get("Outputs")), resources),
        # Last, when all readers have read: what is left unread is what is not honoured.
        warnings=(*_looked_up_sentences(declared), *_imported_sentences(imported), *unhonoured(resources)),
    )


def _nothing_to_run(resources: Resources) -> str:
    sentence = "the template has no function whose code is here, so there is nothing to run"
    reasons = [
        f"{function.logical_id}: {', '.join(function.properties.unread(()))}"
        for function in resources.of_type("AWS::Lambda::Function")
    ]
    return f"{sentence} ({'; '.join(reasons)})" if reasons else sentence


def _imported_sentences(names: list[str]) -> list[str]:
    return [
        f"Fn::ImportValue {name}: not looked up in another stack, its value is its name"
        for name in dict.fromkeys(names)
    ]


def _looked_up_sentences(declared: Mapping[str, object]) -> list[str]:
    return [f"parameter {name}: not looked up in SSM, its value is the key" for name in looked_up(declared)]
