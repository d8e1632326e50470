"""Makes, changes, rolls back and deletes stacks.

What hop this is: `stacks -> [operation] -> makers, deployed`.

What the real service does: what is replaced or no longer in the template is deleted when all else has succeeded; when
something fails, all that was done is undone, a resource that failed to be made included
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html,
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-cfn-console-stacks-statuses.html).

What differs here, on purpose:
1. one resource after the other, so the first that fails is the only one;
2. a rolled back resource goes through the same making and changing, in the order that the old template asks for, so a
   page that was published is published again by the old publisher.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from local.cloudformation.blueprint import Blueprint
from local.cloudformation.difference import changed_properties, in_order
from local.cloudformation.makers import FailedError, Makers, Wanted, renewed
from local.cloudformation.outputs import read_outputs_of
from local.cloudformation.record import Made, StackRecord
from local.cloudformation.removal import Removal, Serve, failed_to_delete, serve_if_served
from local.cloudformation.replacement import name_property, replacing
from local.errors import TemplateError
from local.template.attributes import Attributes
from local.template.intrinsics import mapping


class Operations:
    """*serve* is called whenever a resource has changed that serves requests, *sweep* when an operation is over."""

    def __init__(self, makers: Makers, serve: Serve, sweep: Callable[[], Awaitable[None]]) -> None:
        self._makers = makers
        self._serve = serve
        self._sweep = sweep
        self._removal = Removal(makers, serve)

    async def create(self, stack: StackRecord, blueprint: Blueprint, *, on_failure: str = "ROLLBACK") -> None:
        """Make everything; *on_failure* is ROLLBACK, DELETE or DO_NOTHING."""
        try:
            await self._apply(stack, blueprint)
        except FailedError as error:
            if on_failure == "DO_NOTHING":
                stack.enter("CREATE_FAILED", error.reason)
            elif on_failure == "DELETE":
                stack.enter("DELETE_IN_PROGRESS", error.reason)
                await self._removal.delete(stack)
            else:
                stack.enter("ROLLBACK_IN_PROGRESS", f"{error.reason}Rollback requested by user.")
                await self._take_back(stack)
        else:
            stack.enter("CREATE_COMPLETE")
        await self._sweep()

    async def update(self, stack: StackRecord, blueprint: Blueprint, *, disable_rollback: bool = False) -> None:
        """Make the stack into what *blueprint* says."""
        try:
            await self._apply(stack, blueprint)
        except FailedError as error:
            if disable_rollback:
                stack.enter("UPDATE_FAILED", error.reason)
            else:
                stack.enter("UPDATE_ROLLBACK_IN_PROGRESS", error.reason)
                await self._restore(stack)
        else:
            stack.enter("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            failed = await self._removal.clean_up(stack)
            reason = "Update successful. One or more resources could not be deleted." if failed else ""
            stack.enter("UPDATE_COMPLETE", reason)
        await self._sweep()

    async def take_back(self, stack: StackRecord) -> None:
        """Undo a creation that failed and was left as it was."""
        await self._take_back(stack)
        await self._sweep()

    async def restore(self, stack: StackRecord) -> None:
        """Undo an update that failed and was left as it was."""
        await self._restore(stack)
        await self._sweep()

    async def delete(self, stack: StackRecord, *, retained: Sequence[str] = ()) -> None:
        """Delete everything in the reverse of the order in which it was made, but for the *retained* logical ids."""
        await self._removal.delete(stack, retained=retained)
        await self._sweep()

    # Forth

    async def _apply(self, stack: StackRecord, blueprint: Blueprint) -> None:
        """Raises `FailedError`, with the stack's own reason; what has failed has had its event then."""
        known: dict[str, Attributes] = {name: made.attributes for name, made in stack.made.items()}
        try:
            resources = blueprint.resources(stack.addresses, known)
            written = mapping(blueprint.document.get("Resources"))
            for name in in_order(resources.needs):
                wanted = Wanted(
                    name,
                    resources[name].type,
                    resources[name].properties.everything(),
                    stack.addresses,
                    tuple(resources.needs[name]),
                    str(mapping(written[name]).get("DeletionPolicy", "Delete")),
                    str(mapping(written[name]).get("UpdateReplacePolicy", "Delete")),
                )
                made = await self._bring(stack, wanted, note=blueprint.notes.get(name, ""))
                known[name] = made.attributes
            for name in [name for name in stack.made if name not in resources.needs]:
                stack.leftovers.append(stack.made.pop(name))
                stack.resources.pop(name, None)
            stack.outputs = read_outputs_of(blueprint, resources)
            self._serve(stack)
        except TemplateError as error:
            raise FailedError(str(error)) from error

    async def _bring(self, stack: StackRecord, wanted: Wanted, *, note: str) -> Made:
        """A resource as it should be: made, changed, made anew, or left alone; *note* is for the last of its events."""
        name, old = wanted.logical_id, stack.made.get(wanted.logical_id)
        changed = changed_properties(old.properties, wanted.properties) if old else []
        if old is not None and not changed:
            stack.made[name] = wanted.made(old.attributes)
            return stack.made[name]
        anew = old is None or bool(replacing(old.type, changed))
        verb = "CREATE" if old is None else "UPDATE"
        announced = wanted.made({"Ref": "" if old is None else old.physical_id})
        stack.note(announced, f"{verb}_IN_PROGRESS", _REPLACED if old is not None and anew else "")
        try:
            if old is None:
                made = await self._makers.create(wanted)
            elif anew:
                _refuse_same_name(old, wanted)
                stack.replacements += 1
                addresses = renewed(stack.addresses, stack.replacements)
                made = await self._makers.create(replace(wanted, addresses=addresses))
            else:
                made = await self._makers.update(wanted, old)
            if old is not None and made.physical_id != old.physical_id:
                stack.leftovers.append(replace(old, policy=old.replace_policy))
            stack.made[name] = made
            serve_if_served(self._serve, stack, made)
        except (FailedError, TemplateError) as error:
            if isinstance(error, FailedError) and error.left:
                announced = error.left
                stack.leftovers.append(announced)
            if not anew:
                stack.half_made.add(name)
            stack.note(announced, f"{verb}_FAILED", str(error))
            raise FailedError(f"The following resource(s) failed to {verb.lower()}: [{name}]. ") from error
        stack.note(made, f"{verb}_COMPLETE", note)
        return made

    # And back

    async def _take_back(self, stack: StackRecord) -> None:
        """A stack that could not be made: nothing of it is to be left."""
        failed = await self._removal.remove_all(stack)
        stack.outputs = []
        stack.enter("ROLLBACK_FAILED" if failed else "ROLLBACK_COMPLETE", failed_to_delete(failed))

    async def _restore(self, stack: StackRecord) -> None:
        """A stack that could not be changed: as it was before."""
        assert stack.previous is not None
        blueprint, before = stack.previous, stack.before
        try:
            await self._bring_back(stack, before)
            stack.outputs = read_outputs_of(
                blueprint,
                blueprint.resources(stack.addresses, {name: made.attributes for name, made in before.items()}),
            )
        except (FailedError, TemplateError) as error:
            stack.enter("UPDATE_ROLLBACK_FAILED", str(error))
            return
        stack.blueprint, stack.tags = blueprint, stack.previous_tags
        stack.enter("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        await self._removal.clean_up(stack)
        stack.enter("UPDATE_ROLLBACK_COMPLETE")

    async def _bring_back(self, stack: StackRecord, before: Mapping[str, Made]) -> None:
        there = {old.physical_id for old in before.values()}
        stack.leftovers = [left for left in stack.leftovers if left.physical_id not in there]
        for name in in_order({name: made.needs for name, made in before.items()}):
            old, now = before[name], stack.made.get(name)
            if now is None or now.physical_id != old.physical_id:  # removed or replaced, and still there
                if now is not None:
                    stack.leftovers.append(now)
                stack.made[name] = old
                stack.note(old, "UPDATE_COMPLETE")
            elif now.properties != old.properties or name in stack.half_made:
                await self._undo(stack, old, now)
            serve_if_served(self._serve, stack, old)
        stack.half_made.clear()
        for name in [name for name in stack.made if name not in before]:
            stack.leftovers.append(stack.made.pop(name))
        stack.resources = {name: event for name, event in stack.resources.items() if name in before}
        self._serve(stack)

    async def _undo(self, stack: StackRecord, old: Made, now: Made) -> None:
        name = old.logical_id
        stack.note(old, "UPDATE_IN_PROGRESS")
        wanted = Wanted(name, old.type, old.properties, stack.addresses, old.needs, old.policy, old.replace_policy)
        try:
            made = await self._makers.update(wanted, now)
        except FailedError as error:
            stack.note(old, "UPDATE_FAILED", error.reason)
            raise FailedError(f"The following resource(s) failed to update: [{name}]. ") from error
        stack.made[name] = made
        stack.note(made, "UPDATE_COMPLETE")


_REPLACED = "Requested update requires the creation of a new physical resource; hence creating one."


def _refuse_same_name(old: Made, wanted: Wanted) -> None:
    named = name_property(old.type)
    name = wanted.properties.get(named) if named else None
    if name is not None and name == old.properties.get(named or ""):
        raise FailedError(
            "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
            f"Rename {name} and update the stack again."
        )
