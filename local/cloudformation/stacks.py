"""All stacks of the account: which there are, what was planned for them, and what is under way.

What hop this is: `api -> [stacks] -> operation`.

What the real service does: a change set of a stack that does not exist makes one, in review; executing a change set
removes all others (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/
using-cfn-updating-stacks-changesets.html).

What differs here, on purpose:
1. a change set is complete, or has failed, when it has been asked for: nobody has to wait for it.
"""

from __future__ import annotations

import asyncio
import logging
import re
import uuid
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime

from local.cloudformation.blueprint import Blueprint
from local.cloudformation.difference import Change
from local.cloudformation.operation import Operations
from local.cloudformation.plan import Plan, compare
from local.cloudformation.record import ROLLABLE, ChangeSet, StackRecord
from local.cloudformation.refusal import (
    RefusedError,
    already_exists,
    invalid,
    no_change_set,
    no_stack,
    not_executable,
)
from local.errors import TemplateError
from local.template.addresses import Addresses

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
_NAME = re.compile("[a-zA-Z][-a-zA-Z0-9]{0,127}")
_UPDATABLE = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}
_logger = logging.getLogger(__name__)


class Stacks:
    """*region*, *account_id* and *edge_port* are where stacks are made; *tell* is told what becomes of them."""

    def __init__(
        self,
        operations: Operations,
        *,
        region: str,
        account_id: str,
        edge_port: int,
        tell: Callable[[str], None],
    ) -> None:
        self.region = region
        self._tell = tell
        self._operations = operations
        self._account_id = account_id
        self._edge_port = edge_port
        self._stacks: list[StackRecord] = []
        self._running: set[asyncio.Task[None]] = set()
        self.deciding = asyncio.Lock()  # held while a plan is looked at: each sees what the one before has begun

    def all(self) -> list[StackRecord]:
        """Every stack that there is or was, the newest first."""
        return list(reversed(self._stacks))

    def find(self, name: str) -> StackRecord:
        """The stack with that name, or with that id, deleted ones included. Raises `RefusedError`."""
        for stack in self.all():
            if name == stack.stack_id or (name == stack.name and stack.exists):
                return stack
        raise no_stack(name)

    async def create_change_set(self, name: str, stack_name: str, kind: str, plan: Plan) -> ChangeSet:
        """Compare. Raises `RefusedError`; what is wrong with the template is told in the change set."""
        if not _NAME.fullmatch(name):
            raise invalid(
                f"1 validation error detected: Value '{name}' at 'changeSetName' failed to satisfy constraint"
            )
        stack = self._for_change_set(stack_name, kind, name)
        arn = stack.addresses.arn("cloudformation", f"changeSet/{name}/{uuid.uuid4()}")
        blueprint, changes, reason = None, tuple[Change, ...](), ""
        try:
            found = await compare(stack, plan)
            blueprint, changes = found.blueprint, found.changes
            if kind == "UPDATE" and found.is_empty:
                reason = NO_CHANGES
        except TemplateError as error:
            reason = str(error)
        if stack not in self._stacks:
            self._stacks.append(stack)
        tags = stack.tags if plan.tags is None else plan.tags
        status = "FAILED" if reason else "CREATE_COMPLETE"
        stack.change_sets[name] = ChangeSet(
            name, arn, kind, plan.template, blueprint, changes, status, reason, datetime.now(UTC), plan.description,
            tags, plan.capabilities,
        )  # fmt: skip
        return stack.change_sets[name]

    def find_change_set(self, name: str, stack_name: str | None) -> tuple[StackRecord, ChangeSet]:
        """By name and stack, or by its ARN. Raises `RefusedError`."""
        stacks = [self.find(stack_name)] if stack_name else self.all()
        for stack in stacks:
            for change_set in stack.change_sets.values():
                if name in (change_set.name, change_set.arn):
                    return stack, change_set
        raise no_change_set(name)

    def execute(self, stack: StackRecord, change_set: ChangeSet, *, disable_rollback: bool) -> None:
        """Begin. Raises `RefusedError`."""
        if change_set.status != "CREATE_COMPLETE" or change_set.executed or change_set.blueprint is None:
            status = "EXECUTE_COMPLETE" if change_set.executed else change_set.status
            raise not_executable(change_set.arn, status)
        _refuse_at_work(stack)
        change_set.executed = True
        stack.change_sets = {change_set.name: change_set}
        stack.capabilities = change_set.capabilities
        on_failure = "DO_NOTHING" if disable_rollback else "ROLLBACK"
        self._begin(stack, change_set.kind, change_set.blueprint, change_set.tags, on_failure)

    async def create(self, stack_name: str, plan: Plan, *, on_failure: str) -> StackRecord:
        """Make a stack at once. Raises `RefusedError`."""
        if any(stack.name == stack_name and stack.exists for stack in self._stacks):
            raise already_exists(f"Stack [{stack_name}]")
        stack = self._new(stack_name)
        try:
            blueprint = (await compare(stack, plan)).blueprint
        except TemplateError as error:
            raise invalid(str(error)) from error
        self._stacks.append(stack)
        stack.capabilities = plan.capabilities
        self._begin(stack, "CREATE", blueprint, plan.tags or {}, on_failure)
        return stack

    async def update(self, stack_name: str, plan: Plan, *, disable_rollback: bool) -> StackRecord:
        """Change a stack at once. Raises `RefusedError`."""
        stack = self.find(stack_name)
        _refuse_update(stack)
        try:
            found = await compare(stack, plan)
        except TemplateError as error:
            raise invalid(str(error)) from error
        if found.is_empty:
            raise invalid("No updates are to be performed.")
        stack.capabilities = plan.capabilities
        tags = stack.tags if plan.tags is None else plan.tags
        self._begin(stack, "UPDATE", found.blueprint, tags, "DO_NOTHING" if disable_rollback else "ROLLBACK")
        return stack

    def roll_back(self, stack_name: str) -> StackRecord:
        """Undo what failed and was left. Raises `RefusedError`."""
        stack = self.find(stack_name)
        if stack.status not in ROLLABLE:
            raise invalid(f"Stack:{stack.stack_id} is in {stack.status} state and can not be rolled back.")
        if stack.status == "CREATE_FAILED":
            stack.enter("ROLLBACK_IN_PROGRESS", "User Initiated")
            self._start(stack, self._operations.take_back(stack))
        else:
            stack.enter("UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated")
            self._start(stack, self._operations.restore(stack))
        return stack

    def delete(self, stack_name: str, retained: list[str]) -> None:
        """Begin to delete the stack; one that is not there is no error. Raises `RefusedError`."""
        found = [stack for stack in self._stacks if stack_name in (stack.name, stack.stack_id) and stack.exists]
        if not found:
            return
        _refuse_at_work(found[0])
        if retained and found[0].status != "DELETE_FAILED":
            raise invalid("Invalid operation on stack: retain resources can only be used on a DELETE_FAILED stack.")
        found[0].enter("DELETE_IN_PROGRESS", "User Initiated")
        self._start(found[0], self._operations.delete(found[0], retained=retained))

    async def close(self) -> None:
        """Stop what is under way."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _for_change_set(self, stack_name: str, kind: str, change_set_name: str) -> StackRecord:
        existing = next((stack for stack in self._stacks if _goes_by(stack, stack_name)), None)
        if kind == "UPDATE":
            if existing is None:
                raise invalid(f"Stack [{stack_name}] does not exist")
            _refuse_update(existing)
        elif existing is None:
            existing = self._new(stack_name)
        elif existing.status != "REVIEW_IN_PROGRESS":
            raise invalid(
                f"Stack [{existing.name}] already exists and cannot be created again with the changeSet "
                f"[{change_set_name}]."
            )
        if change_set_name in existing.change_sets:
            raise already_exists(f"ChangeSet [{change_set_name}]")
        return existing

    def _new(self, name: str) -> StackRecord:
        if not _NAME.fullmatch(name):
            raise _invalid_name(name, "stackName")
        unique = uuid.uuid4().hex
        return StackRecord(Addresses(self._edge_port, self.region, self._account_id, name, unique), self._tell)

    def _begin(
        self, stack: StackRecord, kind: str, blueprint: Blueprint, tags: Mapping[str, str], on_failure: str
    ) -> None:
        stack.begin(f"{kind}_IN_PROGRESS", blueprint, tags)
        if kind == "CREATE":
            self._start(stack, self._operations.create(stack, blueprint, on_failure=on_failure))
        else:
            disable_rollback = on_failure == "DO_NOTHING"
            self._start(stack, self._operations.update(stack, blueprint, disable_rollback=disable_rollback))

    def _start(self, stack: StackRecord, operation: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(_run(stack, operation, self._tell))
        self._running.add(task)
        task.add_done_callback(self._running.discard)


async def _run(stack: StackRecord, operation: Coroutine[object, object, None], tell: Callable[[str], None]) -> None:
    try:
        await operation
        for output in stack.outputs if stack.exists else ():
            tell(f"{stack.name}  {output.name}: {output.value}")
    except Exception as error:  # whatever it is: nobody should wait for ever
        _logger.exception("The operation on %s broke down", stack.name)
        stack.enter(f"{stack.status.removesuffix('_IN_PROGRESS')}_FAILED", f"The emulator broke down: {error!r}")


def _invalid_name(name: str, member: str) -> RefusedError:
    return invalid(
        f"1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
    )


def _refuse_at_work(stack: StackRecord) -> None:
    if stack.at_work:
        raise invalid(f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")


def _refuse_update(stack: StackRecord) -> None:
    if stack.status not in _UPDATABLE:
        raise invalid(f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")


def _goes_by(stack: StackRecord, name: str) -> bool:
    return stack.exists and name in (stack.name, stack.stack_id)
