"""Stacks whose resources are made by nobody: what is asked for is noted, and fails where a test wants it to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import count
from typing import Any, cast

import pytest

from local.cloudformation.makers import FailedError, Makers, Wanted
from local.cloudformation.operation import Operations
from local.cloudformation.plan import Plan
from local.cloudformation.record import ChangeSet, Made, StackRecord
from local.cloudformation.stacks import Stacks
from local.template.addresses import Addresses

Resources = Mapping[str, dict[str, Any]]
DEADLINE_SECONDS = 10.0


class FakeMakers:
    """`calls` are what was asked for; `failing` are the calls that fail, and `leaving` those that leave something."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.failing: set[str] = set()
        self.leaving: set[str] = set()
        self.renaming: set[str] = set()  # logical ids whose update gives another physical id
        self._numbers = count(1)

    async def create(self, wanted: Wanted) -> Made:
        made = wanted.made({"Ref": f"{wanted.logical_id}-{next(self._numbers)}"})
        call = f"create {wanted.logical_id}"
        self._call(call, made if call in self.leaving else None)
        return made

    async def update(self, wanted: Wanted, old: Made) -> Made:
        self._call(f"update {wanted.logical_id}", None)
        if wanted.logical_id in self.renaming:
            return wanted.made({"Ref": f"{wanted.logical_id}-{next(self._numbers)}"})
        return wanted.made(old.attributes)

    async def delete(self, made: Made, addresses: Addresses) -> None:
        self._call(f"delete {made.physical_id}", None)

    def _call(self, call: str, left: Made | None) -> None:
        self.calls.append(call)
        if call in self.failing:
            raise FailedError(f"{call} went wrong", left)


class StackLab:
    """One account; `served` are the logical ids that requests reach, each time they change."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def transformed(text: str, *, parameters: Mapping[str, str], region: str) -> dict[str, object]:
            document: dict[str, object] = json.loads(text)  # without the child process that a SAM template needs
            return document

        monkeypatch.setattr("local.cloudformation.blueprint.transformed", transformed)
        self.makers = FakeMakers()
        self.served: list[list[str]] = []
        self.told: list[str] = []
        self.sweeps = 0
        self._numbers = count(1)
        self.stacks = Stacks(
            Operations(cast("Makers", self.makers), self._serve, self._sweep),
            region="us-east-1",
            account_id="123456789012",
            edge_port=8080,
            tell=self.told.append,
        )

    async def change_set(
        self, resources: Resources, name: str = "words", *, given: Mapping[str, str] | None = None, **sections: Any
    ) -> ChangeSet:
        """What would change if these were the stack's resources."""
        existing = any(stack.name == name and stack.exists for stack in self.stacks.all())
        plan = Plan(template(resources, **sections), given or {})
        change_set_name = f"change-{next(self._numbers)}"
        return await self.stacks.create_change_set(change_set_name, name, "UPDATE" if existing else "CREATE", plan)

    async def deploy(
        self, resources: Resources, name: str = "words", *, disable_rollback: bool = False, **sections: Any
    ) -> StackRecord:
        """Make it so, to the end."""
        change_set = await self.change_set(resources, name, **sections)
        assert change_set.status == "CREATE_COMPLETE", change_set.reason
        stack, _ = self.stacks.find_change_set(change_set.arn, None)
        self.makers.calls.clear()
        self.stacks.execute(stack, change_set, disable_rollback=disable_rollback)
        await self.settled(stack)
        return stack

    async def delete(self, name: str = "words", retained: list[str] | None = None) -> StackRecord:
        """Delete it, to the end."""
        stack = self.stacks.find(name)
        self.makers.calls.clear()
        self.stacks.delete(name, retained or [])
        await self.settled(stack)
        return stack

    async def settled(self, stack: StackRecord) -> None:
        await stack.settled(DEADLINE_SECONDS)
        assert not stack.at_work

    def _serve(self, stack: StackRecord) -> None:
        self.served.append(list(stack.made))

    async def _sweep(self) -> None:
        self.sweeps += 1


def template(resources: Resources, **sections: Any) -> str:
    """As JSON; *sections* are Parameters, Outputs and the like, in lower case."""
    named = {name.capitalize(): section for name, section in sections.items()}
    return json.dumps({"Resources": resources, **named})


def topic(name: str | None = None, **properties: Any) -> dict[str, Any]:
    """A resource that is made anew when its name changes, and changed in place otherwise."""
    named = {} if name is None else {"TopicName": name}
    return {"Type": "AWS::SNS::Topic", "Properties": named | properties}


def lines(stack: StackRecord) -> list[str]:
    """Its history since the last operation began."""
    events = [f"{event.logical_id} {event.status}" for event in stack.events]
    beginnings = [n for n, event in enumerate(stack.events) if event.reason == "User Initiated"]
    return events[beginnings[-1] :]
