"""Deletes resources: those of a stack that goes, and what an update has replaced or left out.

What hop this is: `operation -> [removal] -> makers, deployed`.

What the real service does: deletes in the reverse of the order in which it made; what cannot be deleted stays, and so
does what it needs; a DeletionPolicy may ask to leave a resource alone
(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from local.cloudformation.difference import in_order
from local.cloudformation.makers import FailedError, Makers
from local.cloudformation.record import Made, StackRecord

Serve = Callable[[StackRecord], None]
"""Let what serves requests know of a stack's resources; may raise TemplateError."""

_SERVED = ("AWS::CloudFront::", "AWS::Lambda::", "AWS::S3::")


def serve_if_served(serve: Serve, stack: StackRecord, made: Made) -> None:
    """Call *serve* where *made* is one of the types that serve requests."""
    if made.type.startswith(_SERVED):
        serve(stack)


def failed_to_delete(failed: Sequence[str]) -> str:
    """The stack's reason; "" where nothing failed."""
    return f"The following resource(s) failed to delete: [{', '.join(failed)}]. " if failed else ""


class Removal:
    """*serve* is called whenever a resource is gone that served requests."""

    def __init__(self, makers: Makers, serve: Serve) -> None:
        self._makers = makers
        self._serve = serve

    async def clean_up(self, stack: StackRecord) -> list[str]:
        """Delete the leftovers; the logical ids of those that could not be."""
        leftovers, stack.leftovers = stack.leftovers, []
        order = in_order({made.logical_id: made.needs for made in leftovers})
        failed = []
        lives_on = stack.status.startswith("UPDATE")  # so what its logical ids stand for is not what goes
        for made in sorted(leftovers, key=lambda made: order.index(made.logical_id), reverse=True):
            if not await self._remove(stack, made, leftover=lives_on):
                failed.append(made.logical_id)
        return failed

    async def delete(self, stack: StackRecord, *, retained: Sequence[str] = ()) -> None:
        """The stack as a whole."""
        failed = await self.remove_all(stack, retained=retained)
        if failed:
            stack.enter("DELETE_FAILED", failed_to_delete(failed))
        else:
            stack.enter("DELETE_COMPLETE")
            stack.deleted = stack.events[-1].time

    async def remove_all(self, stack: StackRecord, *, retained: Sequence[str] = ()) -> list[str]:
        """All that there is; the logical ids of what could not be deleted."""
        for left in [left for left in stack.leftovers if left.logical_id not in stack.made]:
            stack.leftovers.remove(left)  # it was never whole, and goes in its turn
            stack.made[left.logical_id] = left
        failed = await self.clean_up(stack)
        blocked: set[str] = set()  # what another one needs that is still there
        for name in reversed(in_order({name: made.needs for name, made in stack.made.items()})):
            made = stack.made[name]
            if name in blocked:
                blocked.update(made.needs)
            elif name in retained or await self._remove(stack, made, leftover=False):
                del stack.made[name]
                serve_if_served(self._serve, stack, made)
            else:
                failed.append(name)
                blocked.update(made.needs)
        return failed

    async def _remove(self, stack: StackRecord, made: Made, *, leftover: bool) -> bool:
        if made.policy == "Retain" or (
            made.policy == "RetainExceptOnCreate" and not stack.status.startswith("ROLLBACK")
        ):
            stack.note(made, "DELETE_SKIPPED", leftover=leftover)
            return True
        stack.note(made, "DELETE_IN_PROGRESS", leftover=leftover)
        try:
            await self._makers.delete(made, stack.addresses)
        except FailedError as error:
            stack.note(made, "DELETE_FAILED", error.reason, leftover=leftover)
            return False
        stack.note(made, "DELETE_COMPLETE", leftover=leftover)
        return True
