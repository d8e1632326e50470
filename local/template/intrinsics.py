"""CloudFormation's intrinsic functions and conditions: a value as it is written -> the value it stands for.

What the real service does: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/
intrinsic-function-reference.html - what a resource's `Ref` and attributes are is not known here but looked up.

What differs here, on purpose:
1. a value is resolved when somebody asks for it, so a function that is not emulated hurts only where it is needed;
2. `Fn::ImportValue` is refused where nobody says what it imports;
3. `Fn::Length`, `Fn::ToJsonString` and a `DefaultValue` are understood here, and `language_extensions` sees to it that
   the template has their transform.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Final

from local.errors import TemplateError

Lookup = Callable[[str, str | None], object]
"""(logical id, attribute name or None for `Ref`) -> value; raises TemplateError for a resource that is not there."""

ImportValue = Callable[[str], str]
"""Name of another stack's export -> value; raises TemplateError for one that is not there."""

NO_VALUE: Final = object()
"""What `AWS::NoValue` stands for: the property or list item is left out."""

_VARIABLE = re.compile(r"\$\{(!?)([^{}]+)\}")


class Resolver:
    """Resolves values of one template; *parameters* holds the pseudo parameters too."""

    def __init__(
        self,
        lookup: Lookup,
        *,
        parameters: Mapping[str, object],
        mappings: Mapping[str, object],
        conditions: Mapping[str, object],
        import_value: ImportValue | None = None,
    ) -> None:
        self._lookup = lookup
        self._parameters = parameters
        self._mappings = mappings
        self._conditions = conditions
        self._import_value = import_value or _refuse_import
        self._decided: dict[str, bool] = {}
        self._deciding: list[str] = []

    def resolve(self, value: object) -> object:
        """The plain value that *value* stands for, `NO_VALUE` at the top for `AWS::NoValue`.

        Raises TemplateError for what cannot be resolved.
        """
        if isinstance(value, list):
            items = [self.resolve(item) for item in value]
            return [item for item in items if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        call = intrinsic(value)
        if call is not None:
            return self._called(*call)
        resolved = {name: self.resolve(item) for name, item in value.items()}
        return {name: item for name, item in resolved.items() if item is not NO_VALUE}

    def choose(self, value: object) -> object:
        """*value* without `Fn::If` at its top: the branch that is taken, not yet resolved itself."""
        while True:
            match intrinsic(value):
                case "Fn::If", [str(name), wanted, otherwise]:
                    value = wanted if self.condition(name) else otherwise
                case "Ref", "AWS::NoValue":
                    return NO_VALUE
                case _:
                    return value

    def condition(self, name: str) -> bool:
        """Whether the condition *name* of the template holds."""
        if name in self._deciding:
            raise TemplateError("circular conditions: " + " -> ".join([*self._deciding, name]))
        if name not in self._conditions:
            raise TemplateError(f"there is no condition {name}")
        if name not in self._decided:
            self._deciding.append(name)
            self._decided[name] = self.holds(self._conditions[name], owner=f"condition {name}")
            self._deciding.pop()
        return self._decided[name]

    def holds(self, expression: object, *, owner: str) -> bool:
        """Whether *expression*, of a condition or a rule, is true; *owner* names that in the sentence of an error."""
        match _single_item(expression):
            case "Condition", str(name):
                return self.condition(name)
            case "Fn::Equals", [one, other]:
                return text(self.resolve(one)) == text(self.resolve(other))
            case "Fn::Not", [operand]:
                return not self.holds(operand, owner=owner)
            case "Fn::And", [*operands]:
                return all(self.holds(operand, owner=owner) for operand in operands)
            case "Fn::Or", [*operands]:
                return any(self.holds(operand, owner=owner) for operand in operands)
        raise TemplateError(f"{owner} cannot be decided: {_shown(expression)}")

    def _called(self, function: str, argument: object) -> object:
        match function, argument:
            case "Ref", str(name):
                return self._referenced(name)
            case "Fn::GetAtt", [str(logical_id), attribute]:
                return self._lookup(logical_id, text(self.resolve(attribute)))
            case "Fn::GetAtt", str(path):
                logical_id, _, name = path.partition(".")
                return self._lookup(logical_id, name)
            case "Fn::Sub", str(template):
                return self._substituted(template, {})
            case "Fn::Sub", [str(template), dict(variables)]:
                return self._substituted(template, variables)
            case "Fn::If", [str(), _, _]:
                return self.resolve(self.choose({function: argument}))
            case "Fn::Join", [str(separator), items]:
                return separator.join(text(item) for item in self._listed(items))
            case "Fn::Split", [str(separator), source]:
                return text(self.resolve(source)).split(separator)
            case "Fn::Select", [index, items]:
                return self._selected(text(self.resolve(index)), self._listed(items))
            case "Fn::FindInMap", [name, first_key, second_key]:
                return self._mapped([name, first_key, second_key])
            case "Fn::FindInMap", [name, first_key, second_key, {"DefaultValue": default}]:
                return self._mapped([name, first_key, second_key], default)
            case "Fn::Length", items:
                return len(self._listed(items))
            case "Fn::ToJsonString", document:
                return json.dumps(self.resolve(document), separators=(",", ":"))
            case "Fn::Base64", source:
                return base64.b64encode(text(self.resolve(source)).encode()).decode()
            case "Fn::GetAZs", place:
                region = text(self.resolve(place)) or text(self._parameters["AWS::Region"])
                return [f"{region}{zone}" for zone in "abc"]
            case "Fn::Cidr", [block, count, bits]:
                return _address_blocks(*(text(self.resolve(part)) for part in (block, count, bits)))
            case "Fn::ImportValue", export:
                return self._import_value(text(self.resolve(export)))
        raise TemplateError(f"{function} is not emulated, or not written as CloudFormation wants: {_shown(argument)}")

    def _referenced(self, name: str) -> object:
        if name in self._parameters:
            return self._parameters[name]
        return self._lookup(name, None)

    def _substituted(self, template: str, variables: Mapping[str, object]) -> str:
        def replacement(found: re.Match[str]) -> str:
            literal, name = found.groups()
            if literal:
                return f"${{{name}}}"
            if name in variables:
                return text(self.resolve(variables[name]))
            logical_id, _, attribute = name.strip().partition(".")
            return text(self._lookup(logical_id, attribute) if attribute else self._referenced(logical_id))

        return _VARIABLE.sub(replacement, template)

    def _listed(self, value: object) -> list[object]:
        items = self.resolve(value)
        if not isinstance(items, list):
            raise TemplateError(f"a list is needed, not {_shown(value)}")
        return items

    def _selected(self, index: str, items: list[object]) -> object:
        if not index.isdecimal() or int(index) >= len(items):
            raise TemplateError(f"Fn::Select has no item {index} in a list of {len(items)}")
        return items[int(index)]

    def _mapped(self, written: list[object], default: object = NO_VALUE) -> object:
        keys = [text(self.resolve(key)) for key in written]
        found: object = self._mappings
        for key in keys:
            if key not in mapping(found):
                if default is not NO_VALUE:
                    return self.resolve(default)
                raise TemplateError(f"Fn::FindInMap finds nothing under {' / '.join(keys)}")
            found = mapping(found)[key]
        return found


def _address_blocks(block: str, count: str, bits: str) -> list[str]:
    """The first *count* blocks with *bits* for the addresses in each, of those that *block* can be divided into."""
    import ipaddress  # few templates have networks, and 5 ms are many at the start
    from itertools import islice

    try:
        network = ipaddress.ip_network(block)
        blocks = list(islice(network.subnets(new_prefix=network.max_prefixlen - int(bits)), int(count)))
    except ValueError as error:
        raise TemplateError(f"Fn::Cidr: {error}") from error
    if len(blocks) < int(count):
        raise TemplateError(f"Fn::Cidr: {block} has no {count} blocks of {bits} bits")
    return [str(each) for each in blocks]


def _refuse_import(name: str) -> str:
    raise TemplateError(f"Fn::ImportValue {name} is another stack's output, which is not here")


def intrinsic(value: object) -> tuple[str, object] | None:
    """(function, argument) when *value* is a call of an intrinsic function, else None."""
    item = _single_item(value)
    return item if item is not None and (item[0] == "Ref" or item[0].startswith("Fn::")) else None


def substituted_names(template: str) -> list[str]:
    """The names between `${` and `}` in the text of an `Fn::Sub`."""
    return [name.strip() for literal, name in _VARIABLE.findall(template) if not literal]


def text(value: object) -> str:
    """A scalar as CloudFormation writes it: `true`, `5`. Raises TemplateError for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise TemplateError(f"text is needed, not {_shown(value)}")


def mapping(value: object) -> Mapping[str, object]:
    """*value* when it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def _single_item(value: object) -> tuple[str, object] | None:
    if isinstance(value, dict) and len(value) == 1:
        return next(iter(value.items()))
    return None


def _shown(value: object) -> str:
    shown = "no value" if value is NO_VALUE else json.dumps(value)
    return shown if len(shown) <= 80 else shown[:77] + "..."
