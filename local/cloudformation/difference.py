"""What would change: a blueprint and what is there -> [difference] -> changes.

What the real service does: compares the resolved properties of each resource; what depends on a resource that is made
anew changes with it (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/
using-cfn-updating-stacks-changesets.html).

What differs here, on purpose:
1. that an update of a custom resource may give it other attributes shows when it is made, not before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from local.cloudformation.blueprint import Blueprint
from local.cloudformation.replacement import replacing
from local.errors import TemplateError
from local.template.addresses import Addresses
from local.template.attributes import Attributes
from local.template.resources import Resources


class Existing(Protocol):
    """A resource that is there."""

    @property
    def logical_id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def properties(self) -> Mapping[str, object]: ...
    @property
    def attributes(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Change:
    """One resource that is made, changed or deleted."""

    action: str  # Add | Modify | Remove
    logical_id: str
    type: str
    physical_id: str | None = None
    properties: tuple[str, ...] = ()  # those that change, of a Modify
    replacing: tuple[str, ...] = ()  # those of them for which it is made anew


class _Unknown(dict[str, str]):
    """The attributes of a resource that is still to be made: unlike any that there are."""

    def __init__(self, logical_id: str) -> None:
        super().__init__()
        self._logical_id = logical_id

    def get(self, name: str, default: object = None) -> str:
        return f"{{the next {self._logical_id}}}.{name}"


def find_changes(blueprint: Blueprint, addresses: Addresses, there: Mapping[str, Existing]) -> tuple[Change, ...]:
    """All changes, in the order in which they would be made. Raises TemplateError."""
    known: dict[str, Attributes] = {name: existing.attributes for name, existing in there.items()}
    resources = blueprint.resources(addresses, known)
    return (*_made(resources, known, there), *_removed(resources, there))


def changed_properties(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    """The names of what is not the same in both."""
    return [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]


def in_order(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """The names, each after all that it needs."""
    ordered: dict[str, None] = {}

    def visit(name: str, path: frozenset[str]) -> None:
        if name in ordered or name in path:
            return
        for needed in needs[name]:
            if needed in needs:
                visit(needed, path | {name})
        ordered[name] = None

    for name in needs:
        visit(name, frozenset())
    return list(ordered)


def _made(resources: Resources, known: dict[str, Attributes], there: Mapping[str, Existing]) -> Iterator[Change]:
    for name in in_order(resources.needs):
        resource, existing = resources[name], there.get(name)
        if existing is None:
            known[name] = _Unknown(name)
            yield Change("Add", name, resource.type)
            continue
        if existing.type != resource.type:
            raise TemplateError(
                "Update of resource type is not permitted. "
                f"The new template modifies resource type of the following resources: [{name}]"
            )
        changed = changed_properties(existing.properties, resource.properties.everything())
        if changed:
            anew = replacing(resource.type, changed)
            if anew:
                known[name] = _Unknown(name)
            yield Change("Modify", name, resource.type, existing.attributes["Ref"], tuple(changed), tuple(anew))


def _removed(resources: Resources, there: Mapping[str, Existing]) -> Iterator[Change]:
    for name, existing in there.items():
        if name not in resources.needs:
            yield Change("Remove", name, existing.type, existing.attributes["Ref"])
