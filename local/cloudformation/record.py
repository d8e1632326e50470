"""What is known of one stack: its resources, its history, and where it stands.

What the real service does: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/
view-stack-events.html; events have times in milliseconds, and tools tell new events from old ones by them.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from local.cloudformation.blueprint import Blueprint
from local.cloudformation.difference import Change
from local.template.addresses import Addresses

ROLLABLE = ("CREATE_FAILED", "UPDATE_FAILED")
STACK_TYPE = "AWS::CloudFormation::Stack"
_TICK = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Made:
    """A resource as it was made; its physical id is what `Ref` gives."""

    logical_id: str
    type: str
    properties: Mapping[str, object]  # resolved
    attributes: Mapping[str, str]
    needs: tuple[str, ...] = ()  # what had to be there before it
    policy: str = "Delete"  # its DeletionPolicy
    replace_policy: str = "Delete"  # its UpdateReplacePolicy

    @property
    def physical_id(self) -> str:
        return self.attributes["Ref"]


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a stack's history."""

    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str
    properties: str  # JSON, "" for the stack itself
    time: datetime
    event_id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(slots=True)
class ChangeSet:
    """What would change; *blueprint* is None where it could not be read."""

    name: str
    arn: str
    kind: str  # CREATE | UPDATE
    template: str
    blueprint: Blueprint | None
    changes: tuple[Change, ...]
    status: str  # CREATE_COMPLETE | FAILED
    reason: str
    created: datetime
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    executed: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a stack."""

    name: str
    value: str
    description: str | None = None
    export_name: str | None = None


class StackRecord:
    """One stack; deleted ones are still known by their id. *tell* is told where it stands, a line each time."""

    def __init__(self, addresses: Addresses, tell: Callable[[str], None]) -> None:
        self.addresses = addresses
        self._tell = tell
        self.name = addresses.stack_name
        self.stack_id = addresses.stack_id
        self.created = datetime.now(UTC)
        self.updated: datetime | None = None
        self.deleted: datetime | None = None
        self.status = ""
        self.reason = ""
        self.blueprint: Blueprint | None = None  # of the last operation that began
        self.previous: Blueprint | None = None  # what a rollback goes back to
        self.before: dict[str, Made] = {}  # the resources when the last operation began
        self.made: dict[str, Made] = {}  # in the order in which they were made
        self.leftovers: list[Made] = []  # replaced or given up, to be deleted
        self.half_made: set[str] = set()  # logical ids of those whose update failed somewhere
        self.events: list[Event] = []
        self.resources: dict[str, Event] = {}  # the last event of each
        self.outputs: list[Output] = []
        self.tags: Mapping[str, str] = {}
        self.previous_tags: Mapping[str, str] = {}
        self.capabilities: tuple[str, ...] = ()
        self.change_sets: dict[str, ChangeSet] = {}
        self.replacements = 0
        self._settled = asyncio.Event()
        self.enter("REVIEW_IN_PROGRESS", "User Initiated")

    @property
    def at_work(self) -> bool:
        """Whether an operation runs."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @property
    def exists(self) -> bool:
        """Whether it goes by its name still."""
        return self.deleted is None

    def kept(self) -> list[Made]:
        """What a rollback may still need."""
        return [*self.before.values(), *self.leftovers] if self.status in ROLLABLE else []

    def begin(self, status: str, blueprint: Blueprint, tags: Mapping[str, str]) -> None:
        """An operation begins that makes the stack into what *blueprint* says."""
        self.previous, self.blueprint = self.blueprint, blueprint
        self.previous_tags, self.tags = self.tags, tags
        self.before = dict(self.made)
        self.updated = datetime.now(UTC) if self.previous else None
        self.enter(status, "User Initiated")

    def enter(self, status: str, reason: str = "") -> None:
        """Change the stack's own status."""
        self.status, self.reason = status, reason
        self._tell(f"{self.name}  {status}  {reason}".rstrip())
        self._note(self.name, self.stack_id, STACK_TYPE, status, reason, "")
        if self.at_work:
            self._settled.clear()
        else:
            self._settled.set()

    def note(self, made: Made, status: str, reason: str = "", *, leftover: bool = False) -> None:
        """Tell what becomes of a resource; a *leftover* is no longer what the logical id stands for."""
        properties = json.dumps(made.properties)
        event = self._note(made.logical_id, made.attributes.get("Ref", ""), made.type, status, reason, properties)
        if not leftover:
            self.resources[made.logical_id] = event

    async def settled(self, seconds: float) -> None:
        """Wait until no operation runs, but no longer than so many *seconds*."""
        try:
            await asyncio.wait_for(self._settled.wait(), seconds)
        except TimeoutError:
            return

    def _note(
        self, logical_id: str, physical_id: str, type_name: str, status: str, reason: str, properties: str
    ) -> Event:
        now = datetime.now(UTC)
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        if self.events:
            now = max(now, self.events[-1].time + _TICK)
        event = Event(logical_id, physical_id, type_name, status, reason, properties, now)
        self.events.append(event)
        return event
