"""A value in the transformed template, and what can be known of it without deploying.

What the real service does: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html

What differs here, on purpose:
1. a template is judged as its parameters' defaults make it; a parameter without one is *opaque*: text unlike any other,
   so that two names made of it can be compared, while nothing is said about what it is;
2. what cannot be resolved here at all (`Fn::ImportValue`) is unknown, and no rule speaks about the unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from local.errors import TemplateError
from local.lint.place import Place
from local.template.intrinsics import NO_VALUE, Resolver, intrinsic, text
from local.template.resources import referenced_names

_UNKNOWN: Final = object()
_MARK = "\0"  # YAML and JSON templates cannot hold it


def opaque(name: str) -> str:
    """Text that stands for something only AWS can know, the same for the same *name*."""
    return f"{_MARK}{name}{_MARK}"


class Value:
    """What is written at *place*: absent, unknown, or known; a getter gives None unless it is known and of its kind."""

    __slots__ = ("_resolver", "_written", "place")

    def __init__(self, place: Place, written: object, resolver: Resolver) -> None:
        self.place = place
        self._written = written
        self._resolver = resolver

    @property
    def absent(self) -> bool:
        """Whether there is certainly nothing here; `AWS::NoValue` is nothing, too."""
        return self._plain() is None

    @property
    def computed(self) -> bool:
        """Whether the value is written as an intrinsic function."""
        return intrinsic(self._written) is not None

    @property
    def reference(self) -> str | None:
        """Text to compare with other references; may hold opaque parts."""
        plain = self._plain()
        if plain is None or plain is _UNKNOWN:
            return None
        try:
            return text(self._resolver.resolve(plain))
        except TemplateError:
            return None

    @property
    def text(self) -> str | None:
        """Text that is known to the last character; a number or boolean is written as CloudFormation would."""
        found = self.reference
        return None if found is None or _MARK in found else found

    @property
    def whole(self) -> int | None:
        """A whole number, which a template may also write as a string."""
        found = self.text or ""
        return int(found) if found.isdecimal() else None

    @property
    def flag(self) -> bool | None:
        """A boolean, which a template may also write as a string."""
        return {"true": True, "false": False}.get((self.text or "").lower())

    def get(self, *path: str) -> Value:
        """The value below mappings; absent where a mapping does not have the name."""
        found = self
        for name in path:
            found = found._below(name)
        return found

    def items(self) -> tuple[Value, ...]:
        """The values of a list that are not absent; of anything else, none."""
        plain = self._plain()
        listed = plain if isinstance(plain, list) else []
        every = (Value(self.place.below(index), item, self._resolver) for index, item in enumerate(listed))
        return tuple(item for item in every if not item.absent)

    def texts(self) -> dict[str, Value]:
        """The items of a list that are known text, by that text."""
        return {item.text: item for item in self.items() if item.text is not None}

    def names(self) -> list[str]:
        """The names of a mapping that have a value; of anything else, none."""
        plain = self._plain()
        named = plain if isinstance(plain, dict) and intrinsic(plain) is None else {}
        return [name for name in named if not self._below(name).absent]

    def everything(self) -> tuple[Value, ...]:
        """This value and all that is below it, as far as it is known; a call of a function is one value."""
        below = (*(self._below(name) for name in self.names()), *self.items())
        return (self, *(value for item in below for value in item.everything()))

    def needs(self) -> set[str]:
        """The logical ids and parameters that are referred to here or below, as far as that can be told."""
        try:
            return set(referenced_names(self._written, self._resolver))
        except TemplateError:
            return set()

    def _below(self, name: str) -> Value:
        plain = self._plain()
        if isinstance(plain, Mapping):
            below: object = plain.get(name)
        else:
            below = _UNKNOWN if plain is _UNKNOWN else None
        return Value(self.place.below(name), below, self._resolver)

    def _plain(self) -> object:
        """What is written, without calls at the top where it is a mapping or a list; None for absent."""
        if self._written is _UNKNOWN:
            return _UNKNOWN
        try:
            chosen = self._resolver.choose(self._written)
            if intrinsic(chosen) is not None:
                chosen = self._resolver.resolve(chosen)
        except TemplateError:
            return _UNKNOWN
        return None if chosen is NO_VALUE else chosen
