"""The resources of a transformed template, and how they refer to one another.

What the real service does: a resource whose condition does not hold is not made, and resources that need one another
in a circle cannot be made at all, so CloudFormation refuses them. So do we, before anything starts:
a template that runs here should not fail on its first deployment for a reason that can be known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from local.errors import TemplateError
from local.template.addresses import Addresses
from local.template.attributes import Attributes, attribute
from local.template.intrinsics import ImportValue, Resolver, intrinsic, mapping, substituted_names
from local.template.properties import Properties, Resource


class Resources:
    """The resources of *document* whose condition holds, in its order.

    *made* has the attributes of those that exist already; those of all others are made up. *import_value* knows the
    outputs of other stacks, where anybody does.
    Raises TemplateError for a condition that cannot be decided and for a circular dependency.
    """

    def __init__(
        self,
        document: Mapping[str, object],
        *,
        parameters: Mapping[str, object],
        addresses: Addresses,
        made: Mapping[str, Attributes] | None = None,
        import_value: ImportValue | None = None,
    ) -> None:
        self.addresses = addresses
        self._made = {} if made is None else made  # it may grow while it is looked at
        self.resolver = Resolver(
            self._looked_up,
            parameters=parameters,
            mappings=mapping(document.get("Mappings")),
            conditions=mapping(document.get("Conditions")),
            import_value=import_value,
        )
        self._written = mapping(document.get("Resources"))
        self._existing: dict[str, Resource] = {}
        self._existing = {
            logical_id: self._resource(logical_id, mapping(written))
            for logical_id, written in self._written.items()
            if self.exists(mapping(written))
        }
        self.needs = {name: self._needs(name) for name in self._existing}
        _refuse_circle(self.needs)

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._existing.values())

    def __getitem__(self, logical_id: str) -> Resource:
        return self._existing[logical_id]

    def of_type(self, type_name: str) -> list[Resource]:
        """The resources of one type."""
        return [resource for resource in self if resource.type == type_name]

    def ref(self, resource: Resource, name: str | None = None) -> str:
        """What `Ref` gives for *resource*, or its attribute *name*."""
        known = self._made.get(resource.logical_id, {})
        return known.get(name or "Ref") or attribute(resource, name, self.addresses)

    def exists(self, written: Mapping[str, object]) -> bool:
        """Whether the condition of *written*, a resource or an output, holds; true without one."""
        condition = written.get("Condition")
        return not isinstance(condition, str) or self.resolver.condition(condition)

    def _resource(self, logical_id: str, written: Mapping[str, object]) -> Resource:
        properties = Properties(logical_id, mapping(written.get("Properties")), self.resolver)
        return Resource(logical_id, str(written["Type"]), properties)

    def _looked_up(self, logical_id: str, name: str | None) -> str:
        if logical_id in self._existing:
            return self.ref(self._existing[logical_id], name)
        if logical_id in self._written:
            raise TemplateError(f"{logical_id} is referred to, but its condition does not hold")
        raise TemplateError(f"there is no resource or parameter {logical_id}")

    def _needs(self, logical_id: str) -> list[str]:
        """The existing resources that must be made before this one."""
        written = mapping(self._written[logical_id])
        depends_on = written.get("DependsOn", [])
        explicit = depends_on if isinstance(depends_on, list) else [depends_on]
        try:
            names = [*explicit, *referenced_names(written.get("Properties"), self.resolver)]
        except TemplateError as error:
            raise TemplateError(f"{logical_id}: {error}") from error
        return [name for name in dict.fromkeys(names) if name in self._existing]


def referenced_names(value: object, resolver: Resolver) -> Iterator[str]:
    """The names that *value* refers to, without branches of `Fn::If` that are not taken."""
    value = resolver.choose(value)
    match intrinsic(value):
        case "Ref", str(name):
            yield name
        case "Fn::GetAtt", str(name) | [str(name), *_]:
            yield name.partition(".")[0]
        case "Fn::Sub", str(template):
            yield from (name.partition(".")[0] for name in substituted_names(template))
        case "Fn::Sub", [str(template), dict(variables)]:
            yield from (name.partition(".")[0] for name in substituted_names(template) if name not in variables)
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in below:
        yield from referenced_names(item, resolver)


def _refuse_circle(needs: Mapping[str, list[str]]) -> None:
    """Raise TemplateError, naming the resources on it, when *needs* has a circle."""
    makeable: set[str] = set()

    def follow(name: str, path: list[str]) -> None:
        if name in path:
            circle = [*path[path.index(name) :], name]
            raise TemplateError("circular dependency: " + " -> ".join(circle))
        if name not in makeable:
            for needed in needs[name]:
                follow(needed, [*path, name])
            makeable.add(name)

    for name in needs:
        follow(name, [])
