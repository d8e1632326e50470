"""What a deployment does, in which order, and how it is undone."""

from __future__ import annotations

import pytest

from local.cloudformation.record import StackRecord
from tests.local.fakes.stack_lab import StackLab, lines, topic

pytestmark = pytest.mark.anyio

REF = {"Ref": "A"}


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> StackLab:
    return StackLab(monkeypatch)


def ids(stack: StackRecord) -> dict[str, str]:
    return {name: made.physical_id for name, made in stack.made.items()}


async def test_everything_is_made_after_what_it_needs(lab: StackLab) -> None:
    """Whether that is said by Ref, GetAtt, Sub or DependsOn; the rest keeps the template's order."""
    stack = await lab.deploy(
        {
            "Last": {**topic(), "DependsOn": "Sub"},
            "Sub": topic(DisplayName={"Fn::Sub": "${Get.TopicName} and ${Ref}"}),
            "Get": topic(DisplayName={"Fn::GetAtt": ["Ref", "TopicName"]}),
            "Ref": topic(DisplayName={"Ref": "First"}),
            "Free": topic(),
            "First": topic(),
        }
    )

    order = ("First", "Ref", "Get", "Sub", "Last", "Free")
    assert lab.makers.calls == [f"create {name}" for name in order]
    assert stack.made["Ref"].properties == {"DisplayName": "First-1"}
    assert stack.status == "CREATE_COMPLETE"
    assert lines(stack) == [
        "words CREATE_IN_PROGRESS",
        *(
            f"{name} CREATE_{end}"
            for name in ("First", "Ref", "Get", "Sub", "Last", "Free")
            for end in ("IN_PROGRESS", "COMPLETE")
        ),
        "words CREATE_COMPLETE",
    ]


async def test_times_of_events_are_all_different(lab: StackLab) -> None:
    """SAM tells new ones from old ones by them, in milliseconds."""
    stack = await lab.deploy({"A": topic(), "B": topic()})

    times = [event.time for event in stack.events]
    assert times == sorted(set(times))
    assert not any(time.microsecond % 1000 for time in times)


async def test_what_cannot_be_made_is_rolled_back_in_reverse(lab: StackLab) -> None:
    """The reason stands in the events, and nothing is left."""
    lab.makers.failing = {"create C"}
    stack = await lab.deploy({"A": topic(), "B": topic(DisplayName=REF), "C": topic(DisplayName={"Ref": "B"})})

    assert lab.makers.calls == ["create A", "create B", "create C", "delete B-2", "delete A-1"]
    assert stack.status == "ROLLBACK_COMPLETE"
    reasons = {event.status: event.reason for event in stack.events if event.reason}
    assert reasons["CREATE_FAILED"] == "create C went wrong"
    assert reasons["ROLLBACK_IN_PROGRESS"] == (
        "The following resource(s) failed to create: [C]. Rollback requested by user."
    )
    assert (stack.made, stack.outputs, lab.sweeps) == ({}, [], 1)


async def test_what_a_failure_left_is_deleted_first(lab: StackLab) -> None:
    """A custom resource that began something takes it back itself."""
    lab.makers.failing = lab.makers.leaving = {"create B"}
    await lab.deploy({"A": topic(), "B": topic(DisplayName=REF)})

    assert lab.makers.calls == ["create A", "create B", "delete B-2", "delete A-1"]


async def test_only_what_differs_is_changed(lab: StackLab) -> None:
    """And what hangs on what was made anew; what was replaced is deleted when all else is done."""
    await lab.deploy({"A": topic("one"), "B": topic(DisplayName=REF), "C": topic(), "D": topic(DisplayName="d")})
    stack = await lab.deploy(
        {"A": topic("two"), "B": topic(DisplayName=REF), "C": topic(), "D": topic(DisplayName="e"), "E": topic()}
    )

    assert lab.makers.calls == ["create A", "update B", "update D", "create E", "delete A-1"]
    assert lines(stack) == [
        "words UPDATE_IN_PROGRESS",
        "A UPDATE_IN_PROGRESS",
        "A UPDATE_COMPLETE",
        "B UPDATE_IN_PROGRESS",
        "B UPDATE_COMPLETE",
        "D UPDATE_IN_PROGRESS",
        "D UPDATE_COMPLETE",
        "E CREATE_IN_PROGRESS",
        "E CREATE_COMPLETE",
        "words UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "A DELETE_IN_PROGRESS",
        "A DELETE_COMPLETE",
        "words UPDATE_COMPLETE",
    ]
    assert stack.resources["A"].status == "UPDATE_COMPLETE"


async def test_what_the_template_no_longer_has_is_deleted_in_reverse(lab: StackLab) -> None:
    await lab.deploy({"A": topic(), "B": topic(DisplayName=REF), "C": topic()})
    stack = await lab.deploy({"C": topic()})

    assert lab.makers.calls == ["delete B-2", "delete A-1"]
    assert list(stack.resources) == ["C"]
    assert stack.status == "UPDATE_COMPLETE"


async def test_an_update_that_fails_is_undone(lab: StackLab) -> None:
    """What was changed is changed back, and so is what failed; what was replaced is still there; what is new goes."""
    old = {"A": topic("one"), "B": topic(DisplayName="b"), "D": topic(DisplayName="d"), "Gone": topic()}
    stack = await lab.deploy(old)
    before = dict(stack.made)
    lab.makers.failing = {"update D"}
    new = {"A": topic("two"), "B": topic(DisplayName="c"), "C": topic(), "D": topic(DisplayName="e")}

    change_set = await lab.change_set(new)
    lab.makers.calls.clear()
    lab.stacks.execute(stack, change_set, disable_rollback=True)
    await lab.settled(stack)
    assert stack.status == "UPDATE_FAILED"
    assert lab.makers.calls == ["create A", "update B", "create C", "update D"]

    lab.makers.failing = set()
    lab.makers.calls.clear()
    lab.stacks.roll_back("words")
    await lab.settled(stack)
    assert lab.makers.calls == ["update B", "update D", "delete C-6", "delete A-5"]
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert {name: (made.physical_id, made.properties) for name, made in stack.made.items()} == {
        name: (made.physical_id, made.properties) for name, made in before.items()
    }
    assert (await lab.change_set(old)).status == "FAILED"  # nothing would change


async def test_an_update_that_fails_is_undone_by_itself(lab: StackLab) -> None:
    stack = await lab.deploy({"A": topic(DisplayName="a")})
    lab.makers.failing = {"create B"}
    await lab.deploy({"A": topic(DisplayName="b"), "B": topic(DisplayName=REF)})

    assert lab.makers.calls == ["update A", "create B", "update A"]
    assert stack.made["A"].properties == {"DisplayName": "a"}
    assert lines(stack)[-5:] == [
        "words UPDATE_ROLLBACK_IN_PROGRESS",
        "A UPDATE_IN_PROGRESS",
        "A UPDATE_COMPLETE",
        "words UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "words UPDATE_ROLLBACK_COMPLETE",
    ]


async def test_a_rollback_that_fails_says_so(lab: StackLab) -> None:
    stack = await lab.deploy({"A": topic(DisplayName="a")})
    lab.makers.failing = {"update A"}
    await lab.deploy({"A": topic(DisplayName="b")})

    assert stack.status == "UPDATE_ROLLBACK_FAILED"
    assert stack.reason == "The following resource(s) failed to update: [A]. "


async def test_a_resource_that_its_function_replaced(lab: StackLab) -> None:
    """Another physical id is another resource: what hangs on it changes, and the old one is deleted."""
    await lab.deploy({"A": topic(DisplayName="a"), "B": topic(DisplayName=REF)})
    lab.makers.renaming = {"A"}
    stack = await lab.deploy({"A": topic(DisplayName="b"), "B": topic(DisplayName=REF)})

    assert lab.makers.calls == ["update A", "update B", "delete A-1"]
    assert stack.made["B"].properties == {"DisplayName": "A-3"}


async def test_a_name_cannot_be_given_twice(lab: StackLab) -> None:
    """What has a name of its own cannot be replaced under that name."""
    await lab.deploy({"A": topic("one", FifoTopic=False)})
    stack = await lab.deploy({"A": topic("one", FifoTopic=True)})

    assert lab.makers.calls == []
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename one" in next(
        event.reason for event in stack.events if event.status == "UPDATE_FAILED"
    )


async def test_deleting_goes_backwards_and_stops_where_something_needs_what_stays(lab: StackLab) -> None:
    """What could not be deleted is named; a second try may leave it alone."""
    await lab.deploy({"A": topic(), "B": topic(DisplayName=REF), "C": topic()})
    lab.makers.failing = {"delete B-2"}

    stack = await lab.delete()
    assert lab.makers.calls == ["delete C-3", "delete B-2"]
    assert (stack.status, stack.reason) == (
        "DELETE_FAILED",
        "The following resource(s) failed to delete: [B]. ",
    )
    assert ids(stack) == {"A": "A-1", "B": "B-2"}

    await lab.delete(retained=["B"])
    assert lab.makers.calls == ["delete A-1"]
    assert stack.status == "DELETE_COMPLETE"
    assert not stack.exists


@pytest.mark.parametrize(
    ("policies", "calls"),
    [
        ({}, ["delete A-1"]),
        ({"UpdateReplacePolicy": "Delete", "DeletionPolicy": "Retain"}, ["delete A-1"]),
        ({"UpdateReplacePolicy": "Retain"}, []),
    ],
)
async def test_what_is_replaced_has_a_policy_of_its_own(
    lab: StackLab, policies: dict[str, str], calls: list[str]
) -> None:
    """What an update replaces may have to stay, although the stack's deletion would take it."""
    await lab.deploy({"A": {**topic("one"), **policies}})
    await lab.deploy({"A": {**topic("two"), **policies}})

    assert lab.makers.calls == ["create A", *calls]


@pytest.mark.parametrize(
    ("policy", "calls"), [("Delete", ["delete A-1"]), ("Retain", []), ("RetainExceptOnCreate", ["delete A-1"])]
)
async def test_what_a_failed_creation_made_may_have_to_stay(lab: StackLab, policy: str, calls: list[str]) -> None:
    lab.makers.failing = {"create B"}
    await lab.deploy({"A": {**topic(), "DeletionPolicy": policy}, "B": topic(DisplayName=REF)})

    assert lab.makers.calls == ["create A", "create B", *calls]


async def test_what_a_failure_left_and_cannot_be_deleted_is_tried_again(lab: StackLab) -> None:
    """It belongs to the stack as long as it is there."""
    lab.makers.failing = {"create B", "delete B-2"}
    lab.makers.leaving = {"create B"}
    stack = await lab.deploy({"A": topic(), "B": topic(DisplayName=REF)})
    assert stack.status == "ROLLBACK_FAILED"

    lab.makers.failing.clear()
    await lab.delete()

    assert lab.makers.calls == ["delete B-2", "delete A-1"]
    assert stack.status == "DELETE_COMPLETE"


async def test_what_is_to_be_retained_is_skipped(lab: StackLab) -> None:
    await lab.deploy({"A": {**topic(), "DeletionPolicy": "Retain"}, "B": topic()})
    stack = await lab.delete()

    assert lab.makers.calls == ["delete B-2"]
    assert "A DELETE_SKIPPED" in lines(stack)


async def test_requests_are_told_of_every_change_that_concerns_them(lab: StackLab) -> None:
    """A function URL answers as soon as it is made, and no longer than it exists."""
    url = {"Type": "AWS::Lambda::Url", "Properties": {"TargetFunctionArn": "f", "AuthType": "NONE"}}
    await lab.deploy({"A": topic(), "Url": url})
    assert lab.served == [["A", "Url"], ["A", "Url"]]  # when it was made, and at the end

    lab.served.clear()
    await lab.delete()
    assert lab.served == [["A"]]


async def test_outputs_have_addresses_that_work_here(lab: StackLab) -> None:
    """No https before this machine's own; elsewhere it stays."""
    outputs = {
        "Site": {"Value": "https://localhost:8080/", "Description": "The page"},
        "Second": {"Value": "see https://e12.cloudfront.localhost:8080/a and https://example.com:8080/"},
        "Other": {"Value": {"Fn::Sub": "https://localhost:80801/${A}"}, "Export": {"Name": "other"}},
    }
    stack = await lab.deploy({"A": topic()}, outputs=outputs)

    assert {output.name: output.value for output in stack.outputs} == {
        "Site": "http://localhost:8080/",
        "Second": "see http://e12.cloudfront.localhost:8080/a and https://example.com:8080/",
        "Other": "https://localhost:80801/A-1",
    }
    assert [output.description for output in stack.outputs] == ["The page", None, None]
    assert stack.outputs[2].export_name == "other"


async def test_an_operation_that_breaks_down_keeps_nobody_waiting(
    lab: StackLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(wanted: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(lab.makers, "create", broken)
    stack = await lab.deploy({"A": topic()})

    assert (stack.status, stack.reason) == (
        "CREATE_FAILED",
        "The emulator broke down: RuntimeError('a fault of ours')",
    )
