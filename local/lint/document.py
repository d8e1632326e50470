"""The resources of a transformed template, and what their references refer to.

What the real service does: CloudFormation knows what a reference refers to once it has made the resource; here the
names are made up (`local.template.attributes`), which is enough to tell whether two things mean the same one.

What differs here, on purpose:
1. unlike the emulator's reader, this one refuses nothing but values of parameters that the template does not allow:
   circles, missing folders and unknown values are findings or nothing at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from local.errors import TemplateError
from local.lint.place import Place
from local.lint.source import Source
from local.lint.value import Value, opaque
from local.template.addresses import Addresses
from local.template.attributes import attribute
from local.template.intrinsics import Resolver, mapping, text
from local.template.parameters import looked_up, parameter_values
from local.template.properties import Properties, Resource
from local.template.rules import check_rules

_ADDRESSES = Addresses()


class Document:
    """*document*, transformed from *source*; *root* is the folder that its paths start from."""

    def __init__(
        self, document: Mapping[str, object], source: Source, *, root: Path, parameters: Mapping[str, str]
    ) -> None:
        self.source = source
        self.root = root
        self._written = mapping(document.get("Resources"))
        self._looking_up: set[str] = set()
        declared = mapping(document.get("Parameters"))
        known = _parameters(declared, parameters)
        self.resolver = Resolver(
            self._looked_up,
            parameters=known | {name: opaque(name) for name in declared if name not in known},
            mappings=mapping(document.get("Mappings")),
            conditions=mapping(document.get("Conditions")),
        )
        if known.keys() >= declared.keys():  # else there is nothing to compare yet
            check_rules(mapping(document.get("Rules")), self.resolver)

    def of_type(self, type_name: str) -> list[Value]:
        """The properties of every resource of that type which is or may be made."""
        return [
            Value(Place(name), mapping(written).get("Properties") or {}, self.resolver)
            for name, written in self._written.items()
            if mapping(written).get("Type") == type_name and self._exists(mapping(written))
        ]

    def attribute(self, logical_id: str, name: str | None = None) -> str:
        """What `Ref`, or `Fn::GetAtt` of *name*, gives for a resource."""
        return text(self._looked_up(logical_id, name))

    def _exists(self, written: Mapping[str, object]) -> bool:
        condition = written.get("Condition")
        try:
            return not isinstance(condition, str) or self.resolver.condition(condition)
        except TemplateError:
            return True

    def _looked_up(self, logical_id: str, name: str | None) -> str:
        written = mapping(self._written.get(logical_id))
        if not written:
            raise TemplateError(f"there is no resource or parameter {logical_id}")
        kind = text(written.get("Type", ""))
        found = self._named(logical_id, kind, mapping(written.get("Properties")), name)
        # This is how `attribute()` says that it does not know: the value is one that only AWS gives out.
        unknown = found == (f"{logical_id}.{name}" if name else logical_id)
        return opaque(found) if unknown else found

    def _named(self, logical_id: str, kind: str, properties: Mapping[str, object], name: str | None) -> str:
        """The attribute by the name the resource is given; by a made-up one where that cannot be resolved."""
        if logical_id not in self._looking_up:
            self._looking_up.add(logical_id)
            try:
                return self._attribute(logical_id, kind, properties, name)
            except TemplateError:
                pass
            finally:
                self._looking_up.remove(logical_id)
        return self._attribute(logical_id, kind, {}, name)

    def _attribute(self, logical_id: str, kind: str, properties: Mapping[str, object], name: str | None) -> str:
        resource = Resource(logical_id, kind, Properties(logical_id, properties, self.resolver))
        return attribute(resource, name, _ADDRESSES)


def _parameters(declared: Mapping[str, object], given: Mapping[str, str]) -> dict[str, object]:
    """The value of every parameter that has one here."""
    elsewhere = looked_up(declared)
    here = {
        name: rules
        for name, rules in declared.items()
        if name in given or ("Default" in mapping(rules) and name not in elsewhere)
    }
    return parameter_values(here, given, _ADDRESSES)
