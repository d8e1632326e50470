"""Where in the transformed template a value stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """*path* leads through `Properties` of the resource: names of mappings, indexes of lists."""

    logical_id: str
    path: tuple[str | int, ...] = ()

    def below(self, step: str | int) -> Place:
        """The place one step further down."""
        return Place(self.logical_id, (*self.path, step))
