"""The properties of one resource, resolved one by one as a reader asks for them by kind.

What nobody has asked for by the end is what the emulator does not honour: `unread()` names it, so there is no second
list to keep in step with the readers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import inf

from local.errors import TemplateError
from local.template.intrinsics import NO_VALUE, Resolver, intrinsic, text
from local.wire.headers import HeaderError, encode_header


class Properties:
    """A mapping in a template; *path* is where it stands there, for the sentence of an error.

    The getters give None for what is absent, and raise TemplateError, with the place, for a value of another kind.
    """

    def __init__(self, path: str, values: Mapping[str, object], resolver: Resolver) -> None:
        self.path = path
        self._values = values
        self._resolver = resolver
        self._read: dict[str, tuple[Properties, ...]] = {}
        self._refused: list[str] = []

    def value(self, name: str) -> object:
        """The resolved value, of any kind."""
        self._read.setdefault(name, ())
        return self._resolved(name, self._values.get(name))

    def text(self, name: str) -> str | None:
        """A string; a number or boolean is written as CloudFormation would."""
        value = self.value(name)
        return None if value is None else self._text(name, value)

    def whole(self, name: str, *, least: float = -inf, most: float = inf) -> int | None:
        """A whole number, which a template may also write as a string."""
        written = self.text(name)
        try:
            value = None if written is None else int(written)
        except ValueError:
            raise TemplateError(f"{self.path}.{name} is {written!r}, not a whole number") from None
        if value is not None and not least <= value <= most:
            allowed = f"from {least} to {most}" if most < inf else f"{least} or more"
            raise TemplateError(f"{self.path}.{name} is {value}; AWS takes {allowed}")
        return value

    def check_header(self, name: str, value: str) -> None:
        """Raises TemplateError unless the two, which are written here, can be a header."""
        try:
            encode_header(name, value)
        except HeaderError as error:
            raise TemplateError(f"{self.path}: {error}") from error

    def flag(self, name: str) -> bool | None:
        """A boolean, which a template may also write as a string."""
        written = self.text(name)
        if written is None:
            return None
        if written.lower() not in ("true", "false"):
            raise TemplateError(f"{self.path}.{name} is {written!r}, not true or false")
        return written.lower() == "true"

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings; empty when absent."""
        value = self.value(name)
        if not isinstance(value, list | None):
            raise TemplateError(f"{self.path}.{name} is not a list")
        return tuple(self._text(name, item) for item in value or ())

    def section(self, name: str) -> Properties:
        """A mapping below this one; empty when absent."""
        opened = self._read.get(name) or (self._opened(name, self._chosen(name) or {}),)
        self._read[name] = opened
        return opened[0]

    def sections(self, name: str) -> tuple[Properties, ...]:
        """A list of mappings below this one; empty when absent."""
        items = self._chosen(name) or []
        if not isinstance(items, list):
            raise TemplateError(f"{self.path}.{name} is not a list")
        chosen = [self._resolver.choose(item) for item in items]
        opened = self._read.get(name) or tuple(self._opened(name, item) for item in chosen if item is not NO_VALUE)
        self._read[name] = opened
        return opened

    def names(self) -> list[str]:
        """The names that have a value here, in the template's order."""
        return [name for name in self._values if self._chosen(name) is not None]

    def everything(self) -> dict[str, object]:
        """All of it, resolved, without counting as read."""
        resolved = {name: self._resolved(name, value) for name, value in self._values.items()}
        return {name: value for name, value in resolved.items() if value is not None}

    def refuse(self, phrase: str) -> None:
        """Have `unread()` name *phrase*: something that was read and is not emulated as it stands."""
        self._refused.append(phrase)

    def dismiss(self, phrase: str) -> None:
        """Have `unread()` name *phrase* alone: the whole resource is not emulated."""
        self._refused = [phrase]
        self._read = dict.fromkeys(self._values, ())

    def unread(self, harmless: Collection[str]) -> list[str]:
        """What the template sets and no reader asked for, sorted, without the names in *harmless*.

        A name further down is told with the section it stands in: `LoggingConfig.LogGroup`.
        """
        found = set(self._refused)
        for name in self._values:
            if name in self._read:
                below = (path for section in self._read[name] for path in section.unread(harmless))
                found.update(path if "." in path else f"{name}.{path}" for path in below)
            elif name not in harmless and self._chosen(name) not in (None, False, 0, "", "false", [], {}):
                found.add(name)
        return sorted(found)

    def _chosen(self, name: str) -> object:
        chosen = self._resolver.choose(self._values.get(name))
        return None if chosen is NO_VALUE else chosen

    def _opened(self, name: str, value: object) -> Properties:
        # Below a mapping, values stay as written: each is resolved when asked for. A mapping that only a function
        # such as Fn::FindInMap can give has to be resolved now.
        plain = value if intrinsic(value) is None else self._resolved(name, value)
        if not isinstance(plain, dict):
            raise TemplateError(f"{self.path}.{name} is not a mapping")
        return Properties(f"{self.path}.{name}", plain, self._resolver)

    def _resolved(self, name: str, value: object) -> object:
        try:
            resolved = self._resolver.resolve(value)
        except TemplateError as error:
            raise TemplateError(f"{self.path}.{name}: {error}") from error
        return None if resolved is NO_VALUE else resolved

    def _text(self, name: str, value: object) -> str:
        try:
            return text(value)
        except TemplateError as error:
            raise TemplateError(f"{self.path}.{name}: {error}") from error


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource whose condition holds."""

    logical_id: str
    type: str
    properties: Properties
