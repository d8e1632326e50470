"""CloudFormation's language extensions: a template with `Fn::ForEach` in it -> one that has what its loops make.

What this is: `transform -> [language_extensions] -> transform`, before the SAM transform.

What the real service does: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
transform-aws-languageextensions.html and .../intrinsic-function-reference-foreach.html. What `Ref` and `Fn::GetAtt`
name may be computed (.../intrinsic-function-reference-foreach-example-outputs.html does so). `Fn::Length`,
`Fn::ToJsonString` and the `DefaultValue` of `Fn::FindInMap`, the transform's other functions, are in `intrinsics`; here
they become values where that takes no resource, since the SAM transform needs some, such as where code lies.

What differs here, on purpose:
1. a collection is a list of texts or what resolves to one without a resource; `CommaDelimitedList` parameters are the
   only `Ref` that AWS documents;
2. that the name of a loop is unique is not asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NoReturn

from local.errors import TemplateError
from local.template.intrinsics import Resolver, intrinsic, mapping, text
from local.template.parameters import declared_values

LANGUAGE_EXTENSIONS = "AWS::LanguageExtensions"
SECTIONS = ("Conditions", "Resources", "Outputs")  # where there may be loops
POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")  # attributes of a resource that may be computed
_LOOP = "Fn::ForEach::"
_FUNCTIONS = re.compile(rf'"({_LOOP}[^"]*|Fn::Length|Fn::ToJsonString)":')
_NO_LETTER_OR_DIGIT = re.compile(r"[^A-Za-z0-9]")


def used(template: Mapping[str, object]) -> str | None:
    """A function that *template* uses and only this transform knows."""
    found = _FUNCTIONS.search(json.dumps(template))
    return found[1] if found else None


def expanded(template: dict[str, Any], *, parameters: Mapping[str, str], region: str) -> dict[str, Any]:
    """*template* with each loop replaced by what it makes; *parameters* are those that were given a value.

    Raises TemplateError for a loop that makes nothing good.
    """
    loops = _Loops(template, parameters, region)
    made: dict[str, Any] = {
        name: loops.expanded(section, {}, where=name) if name in SECTIONS else section
        for name, section in template.items()
    }
    for resource in mapping(made.get("Resources")).values():
        if isinstance(resource, dict):
            resource.update({name: loops.resolved(resource[name]) for name in POLICIES if name in resource})
    return made


class _Loops:
    def __init__(self, template: Mapping[str, object], parameters: Mapping[str, str], region: str) -> None:
        values = declared_values(mapping(template.get("Parameters")), parameters)
        self._resolver = Resolver(
            _no_resource,
            parameters={**values, "AWS::Region": region, "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com"},
            mappings=mapping(template.get("Mappings")),
            conditions=mapping(template.get("Conditions")),
        )
        self._taken = set(values)  # names that no loop may give its items

    def expanded(self, value: object, items: Mapping[str, str], *, where: str) -> object:
        """*value* with its loops replaced; *items* has what the names of the loops around it stand for."""
        if isinstance(value, str):
            return _filled_in(value, items)
        if isinstance(value, list):
            return [self.expanded(item, items, where=where) for item in value]
        if not isinstance(value, dict):
            return value
        match intrinsic(value):
            case "Ref", str(name) if name in items:
                return items[name]
            case "Fn::FindInMap" | "Fn::Length" | "Fn::ToJsonString" as function, argument:
                return self.resolved({function: self.expanded(argument, items, where=where)})
            case "Ref" | "Fn::GetAtt" as function, dict(argument) | list(argument):
                return {function: self.resolved(self.expanded(argument, items, where=where))}
        made: dict[str, object] = {}
        for key, item in self._entries(value, items, where):
            if key in made:
                raise TemplateError(f"{where} has {key} twice: a loop makes it again, so its key needs the loop's name")
            made[key] = item
        return made

    def _entries(
        self, value: Mapping[str, object], items: Mapping[str, str], where: str
    ) -> Iterator[tuple[str, object]]:
        for key, item in value.items():
            name = _filled_in(key, items)
            if not name.startswith(_LOOP):
                yield name, self.expanded(item, items, where=f"{where}.{name}")
                continue
            identifier, collection, fragment = self._loop(name, item, items, where)
            for element in collection:
                yield from self._entries(fragment, {**items, identifier: element}, where)

    def _loop(
        self, name: str, written: object, items: Mapping[str, str], where: str
    ) -> tuple[str, list[str], dict[str, object]]:
        match written:
            case [str(identifier), collection, dict(fragment)]:
                if identifier in items or identifier in self._taken:
                    raise TemplateError(f"{where}.{name} calls its items {identifier}, which is another thing's name")
                return identifier, self._texts(collection, items, f"{where}.{name}"), fragment
        raise TemplateError(f"{where}.{name} has to be a list: a name, the values, and a mapping of what each makes")

    def resolved(self, value: object) -> object:
        """What *value* stands for; itself where that takes a resource, for it is tried again when there are some."""
        with suppress(TemplateError):
            return self._resolver.resolve(value)
        return value

    def _texts(self, collection: object, items: Mapping[str, str], where: str) -> list[str]:
        try:
            values = self._resolver.resolve(self.expanded(collection, items, where=where))
            if isinstance(values, list):
                return [text(value) for value in values]
        except TemplateError as error:
            raise TemplateError(f"{where}: {error}") from error
        raise TemplateError(f"{where} needs a list of values, or a parameter that is one")


def _filled_in(written: str, items: Mapping[str, str]) -> str:
    for name, value in items.items():
        written = written.replace(f"${{{name}}}", value)
        written = written.replace(f"&{{{name}}}", _NO_LETTER_OR_DIGIT.sub("", value))
    return written


def _no_resource(name: str, attribute: str | None) -> NoReturn:
    raise TemplateError(f"{name} is no parameter, and what resources are is not known yet")
