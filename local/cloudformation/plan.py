"""What somebody asks CloudFormation for, and what that would change.

What hop this is: `stacks -> [plan] -> blueprint, difference`.

What the real service does: parameters may keep the values they have; roles and the like need the consent of who
deploys (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from local.cloudformation.blueprint import Blueprint, read_blueprint
from local.cloudformation.difference import Change, find_changes
from local.cloudformation.record import StackRecord
from local.cloudformation.refusal import insufficient_capabilities
from local.template.intrinsics import mapping


@dataclass(frozen=True, slots=True)
class Plan:
    """What somebody asks for: a template with parameters, tags, and what they agree to."""

    template: str
    parameters: Mapping[str, str]
    previous: frozenset[str] = frozenset()  # parameters that keep the value they have
    tags: Mapping[str, str] | None = None  # None: as they are
    capabilities: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The template of a plan, and what would change."""

    blueprint: Blueprint
    changes: tuple[Change, ...]
    outputs_change: bool
    tags_change: bool

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return not (self.changes or self.outputs_change or self.tags_change)


async def compare(stack: StackRecord, plan: Plan) -> Comparison:
    """Raises TemplateError for a template that cannot be used, `RefusedError` where consent is missing."""
    given = dict(plan.parameters)
    for name in plan.previous:
        kept = stack.blueprint.given.get(name) if stack.blueprint else None
        if kept is not None:
            given[name] = kept
    blueprint = await read_blueprint(plan.template, given, stack.addresses)
    needed = [name for name in blueprint.capabilities() if not _is_agreed(name, plan.capabilities)]
    if needed:
        raise insufficient_capabilities(needed)
    old = mapping(stack.blueprint.document.get("Outputs")) if stack.blueprint else {}
    return Comparison(
        blueprint,
        find_changes(blueprint, stack.addresses, stack.made),
        outputs_change=mapping(blueprint.document.get("Outputs")) != old,
        tags_change=plan.tags not in (None, stack.tags),
    )


def _is_agreed(needed: str, capabilities: tuple[str, ...]) -> bool:
    return needed in capabilities or (needed == "CAPABILITY_IAM" and "CAPABILITY_NAMED_IAM" in capabilities)
