"""Change sets: what would change, and what is refused before anything does."""

from __future__ import annotations

from typing import Any

import pytest

from local.cloudformation.difference import Change, in_order
from local.cloudformation.plan import Plan
from local.cloudformation.refusal import RefusedError
from local.cloudformation.stacks import NO_CHANGES
from tests.local.fakes.stack_lab import StackLab, template, topic

pytestmark = pytest.mark.anyio

ROLE = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> StackLab:
    return StackLab(monkeypatch)


def told(changes: tuple[Change, ...]) -> list[tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
    return [(change.action, change.logical_id, change.properties, change.replacing) for change in changes]


async def test_a_new_stack_adds_everything(lab: StackLab) -> None:
    """In the order in which it would be made; until then the stack is in review."""
    change_set = await lab.change_set({"B": topic(DisplayName={"Ref": "A"}), "A": topic()})

    assert told(change_set.changes) == [("Add", "A", (), ()), ("Add", "B", (), ())]
    assert lab.stacks.find("words").status == "REVIEW_IN_PROGRESS"


async def test_changes_are_told_with_what_they_replace(lab: StackLab) -> None:
    """What refers to a resource that is made anew, or for the first time, changes too."""
    await lab.deploy(
        {
            "A": topic("one", DisplayName="a"),
            "B": topic(DisplayName={"Fn::Sub": "to ${A}"}),
            "C": topic(DisplayName="c"),
            "D": topic(),
            "E": topic(DisplayName="e", Tags=[]),
        }
    )
    change_set = await lab.change_set(
        {
            "A": topic("two", DisplayName="b"),
            "B": topic(DisplayName={"Fn::Sub": "to ${A}"}),
            "C": topic(DisplayName={"Ref": "F"}),
            "E": topic(DisplayName="e"),
            "F": topic(),
        }
    )

    assert told(change_set.changes) == [
        ("Modify", "A", ("TopicName", "DisplayName"), ("TopicName",)),
        ("Modify", "B", ("DisplayName",), ()),
        ("Add", "F", (), ()),
        ("Modify", "C", ("DisplayName",), ()),
        ("Modify", "E", ("Tags",), ()),
        ("Remove", "D", (), ()),
    ]
    assert [change.physical_id for change in change_set.changes] == ["A-1", "B-2", None, "C-3", "E-5", "D-4"]


async def test_every_change_of_a_layer_or_version_is_another_one(lab: StackLab) -> None:
    version = {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": "f", "Description": "a"}}
    await lab.deploy({"V": version})
    change_set = await lab.change_set({"V": {**version, "Properties": {"FunctionName": "f", "Description": "b"}}})

    assert told(change_set.changes) == [("Modify", "V", ("Description",), ("Description",))]


async def test_nothing_to_change_is_a_failure(lab: StackLab) -> None:
    """In the words that tools look for; a change of outputs or tags alone is one."""
    await lab.deploy({"A": topic()})

    same = await lab.change_set({"A": topic()})
    assert (same.status, same.reason) == ("FAILED", NO_CHANGES)
    assert (await lab.change_set({"A": topic()}, outputs={"O": {"Value": "1"}})).status == "CREATE_COMPLETE"
    tagged = Plan(template({"A": topic()}), {}, tags={"team": "b"})
    assert (await lab.stacks.create_change_set("tagged", "words", "UPDATE", tagged)).status == "CREATE_COMPLETE"


async def test_conditions_and_parameters_decide(lab: StackLab) -> None:
    """A parameter may keep its value; a resource whose condition no longer holds is removed."""
    sections: dict[str, Any] = {
        "parameters": {"Word": {"Type": "String"}, "More": {"Type": "String", "Default": "no"}},
        "conditions": {"HasMore": {"Fn::Equals": [{"Ref": "More"}, "yes"]}},
    }
    resources = {"A": topic(DisplayName={"Ref": "Word"}), "B": {**topic(), "Condition": "HasMore"}}
    await lab.deploy(resources, given={"Word": "sea", "More": "yes"}, **sections)

    plan = Plan(template(resources, **sections), {"More": "no"}, previous=frozenset({"Word"}))
    change_set = await lab.stacks.create_change_set("less", "words", "UPDATE", plan)

    assert told(change_set.changes) == [("Remove", "B", (), ())]


@pytest.mark.parametrize(
    ("resources", "sections", "reason"),
    [
        ({"A": topic(DisplayName={"Ref": "Nothing"})}, {}, "no resource or parameter Nothing"),
        (
            {"A": topic(DisplayName={"Ref": "B"}), "B": topic(DisplayName={"Ref": "A"})},
            {},
            "circular dependency: A -> B -> A",
        ),
        ({"A": topic()}, {"parameters": {"P": {"Type": "String"}}}, r"Parameters: \[P\] must have values"),
        ({"A": topic()}, {"given": {"Q": "1"}}, r"Parameters: \[Q\] do not exist in the template"),
        (
            {"A": topic()},
            {"parameters": {"P": {"Type": "String", "Default": "x", "AllowedValues": ["y"]}}},
            "parameter P is 'x', which is not one of its AllowedValues",
        ),
        ({"A": topic()}, {"outputs": {"O": {"Value": {"Fn::GetAtt": ["B", "Arn"]}}}}, "no resource or parameter B"),
        (
            {"F": {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Bucket": "./", "S3Key": "f"}}}},
            {},
            "F: the code is a path on somebody's machine: deploy with `sam deploy`",
        ),
    ],
)
async def test_what_is_wrong_with_a_template_is_told_before_anything_is_made(
    lab: StackLab, resources: Any, sections: Any, reason: str
) -> None:
    change_set = await lab.change_set(resources, **sections)

    assert change_set.status == "FAILED"
    pytest.raises(RefusedError, lab.stacks.execute, lab.stacks.find("words"), change_set, disable_rollback=False)
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(change_set.reason)
    assert lab.makers.calls == []


async def test_a_resource_keeps_its_type(lab: StackLab) -> None:
    await lab.deploy({"A": topic()})
    change_set = await lab.change_set({"A": {"Type": "AWS::SQS::Queue"}})

    assert change_set.reason == (
        "Update of resource type is not permitted. "
        "The new template modifies resource type of the following resources: [A]"
    )


@pytest.mark.parametrize(
    ("role", "capabilities", "needed"),
    [
        (ROLE, (), "CAPABILITY_IAM"),
        (ROLE, ("CAPABILITY_AUTO_EXPAND",), "CAPABILITY_IAM"),
        ({"Type": "AWS::IAM::Role", "Properties": {"RoleName": "r"}}, ("CAPABILITY_IAM",), "CAPABILITY_NAMED_IAM"),
        (ROLE, ("CAPABILITY_IAM",), None),
        (ROLE, ("CAPABILITY_NAMED_IAM",), None),
    ],
)
async def test_roles_need_consent(
    lab: StackLab, role: dict[str, Any], capabilities: tuple[str, ...], needed: str | None
) -> None:
    """Without it there is no stack either."""
    plan = Plan(template({"R": role}), {}, capabilities=capabilities)
    if needed is None:
        assert (await lab.stacks.create_change_set("c", "words", "CREATE", plan)).status == "CREATE_COMPLETE"
        return

    with pytest.raises(RefusedError) as refused:
        await lab.stacks.create_change_set("c", "words", "CREATE", plan)

    assert refused.value.code == "InsufficientCapabilitiesException"
    assert refused.value.message == f"Requires capabilities : [{needed}]"
    assert lab.stacks.all() == []


async def test_executing_one_change_set_removes_the_others(lab: StackLab) -> None:
    """They were compared with what is no longer there; and none is executed twice."""
    stack = await lab.deploy({"A": topic()})
    one, other = await lab.change_set({"A": topic("a")}), await lab.change_set({"A": topic("b")})

    lab.stacks.execute(stack, one, disable_rollback=False)
    await lab.settled(stack)

    with pytest.raises(RefusedError, match="does not exist"):
        lab.stacks.find_change_set(other.name, "words")
    with pytest.raises(RefusedError, match=r"cannot be executed in its current status of \[EXECUTE_COMPLETE\]"):
        lab.stacks.execute(stack, one, disable_rollback=False)


def test_an_order_is_found_even_in_a_circle() -> None:
    """Between an old template and a new one there may be one."""
    assert in_order({"a": ["b"], "b": ["c", "elsewhere"], "c": ["a"]}) == ["c", "b", "a"]


async def test_what_is_pretended_or_left_out_is_told_for_each_resource(lab: StackLab) -> None:
    """In the last event of its creation; what is whole has no note."""
    bucket = {"VersioningConfiguration": {"Status": "Enabled"}, "LifecycleConfiguration": {"Rules": [{}]}}
    change_set = await lab.change_set(
        {
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": bucket},
            "Logs": {"Type": "AWS::Logs::LogGroup"},
            "Machine": {"Type": "AWS::EC2::Instance"},
            "Queue": {"Type": "AWS::SQS::Queue"},
            "Other": {
                "Type": "AWS::Lambda::Function",
                "Properties": {"Runtime": "python3.1", "Code": {"S3Bucket": "b", "S3Key": "k"}},
            },
        }
    )

    assert change_set.blueprint is not None
    notes = dict(change_set.blueprint.notes)
    assert notes.pop("Other").startswith("Runs on python3.")
    assert notes == {
        "Bucket": "Not emulated: LifecycleConfiguration",
        "Logs": "Recorded: logs are written to the emulator's output",
        "Machine": "Recorded: not emulated",
    }
