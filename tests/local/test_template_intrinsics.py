"""Intrinsic functions give what CloudFormation's documentation says they give."""

from __future__ import annotations

import pytest

from local.errors import TemplateError
from local.template.intrinsics import NO_VALUE, Resolver

PARAMETERS = {
    "AWS::NoValue": NO_VALUE,
    "AWS::Region": "eu-west-1",
    "Stage": "live",
    "Names": ["ada", "grace"],
}
MAPPINGS = {"Sizes": {"live": {"memory": 512, "zones": ["x", "y"]}}}
CONDITIONS = {
    "IsLive": {"Fn::Equals": [{"Ref": "Stage"}, "live"]},
    "IsTest": {"Fn::Not": [{"Condition": "IsLive"}]},
    "Both": {"Fn::And": [{"Condition": "IsLive"}, {"Condition": "IsTest"}]},
    "Either": {"Fn::Or": [{"Condition": "IsLive"}, {"Condition": "IsTest"}]},
    "SameFlag": {"Fn::Equals": [True, "true"]},
    "Chicken": {"Condition": "Egg"},
    "Egg": {"Fn::Not": [{"Condition": "Chicken"}]},
    "Odd": {"Fn::Contains": [["a"], "a"]},
}


def lookup(logical_id: str, attribute: str | None) -> str:
    if logical_id != "Table":
        raise TemplateError(f"there is no {logical_id}")
    return f"<{logical_id} {attribute or 'ref'}>"


def resolver() -> Resolver:
    return Resolver(lookup, parameters=PARAMETERS, mappings=MAPPINGS, conditions=CONDITIONS)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("plain", "plain"),
        (5, 5),
        ({"Ref": "Stage"}, "live"),
        ({"Ref": "Names"}, ["ada", "grace"]),
        ({"Ref": "Table"}, "<Table ref>"),
        ({"Fn::GetAtt": ["Table", "Arn"]}, "<Table Arn>"),
        ({"Fn::GetAtt": ["Table", {"Ref": "Stage"}]}, "<Table live>"),
        ({"Fn::GetAtt": "Table.Stream.Arn"}, "<Table Stream.Arn>"),
        (
            {"Fn::Sub": "${Stage}-${AWS::Region}-${Table}-${Table.Stream.Arn}"},
            "live-eu-west-1-<Table ref>-<Table Stream.Arn>",
        ),
        ({"Fn::Sub": "${!Stage} $Stage ${ Stage }"}, "${Stage} $Stage live"),
        ({"Fn::Sub": ["${Who} on ${Stage}", {"Who": {"Ref": "Table"}}]}, "<Table ref> on live"),
        ({"Fn::Sub": ["${Stage}", {"Stage": 7}]}, "7"),
        ({"Fn::Join": ["-", ["a", 1, {"Ref": "Stage"}]]}, "a-1-live"),
        ({"Fn::Join": ["+", {"Ref": "Names"}]}, "ada+grace"),
        ({"Fn::Split": ["/", "http://host/"]}, ["http:", "", "host", ""]),
        ({"Fn::Select": [1, {"Ref": "Names"}]}, "grace"),
        ({"Fn::Select": ["2", {"Fn::Split": ["/", "http://host/"]}]}, "host"),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "memory"]}, 512),
        ({"Fn::FindInMap": ["Sizes", "live", "zones"]}, ["x", "y"]),
        ({"Fn::Base64": {"Ref": "Stage"}}, "bGl2ZQ=="),
        ({"Fn::GetAZs": ""}, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
        ({"Fn::GetAZs": "us-east-2"}, ["us-east-2a", "us-east-2b", "us-east-2c"]),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, "8"]}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"Fn::Cidr": ["2001:db8::/56", {"Fn::Select": [0, ["1"]]}, 64]}, ["2001:db8::/64"]),
        ({"Fn::If": ["IsLive", {"Ref": "Stage"}, {"Fn::ImportValue": "never looked at"}]}, "live"),
        ({"Fn::If": ["IsTest", 1, {"Fn::If": ["Either", 2, 3]}]}, 2),
        (
            {"a": {"Ref": "AWS::NoValue"}, "b": [{"Ref": "AWS::NoValue"}, {"b": {"Ref": "Stage"}}]},
            {"b": [{"b": "live"}]},
        ),
        ({"a": {"Fn::If": ["IsTest", 1, {"Ref": "AWS::NoValue"}]}}, {}),
        ({"Ref": "Stage", "and": "more"}, {"Ref": "Stage", "and": "more"}),
    ],
)
def test_value(written: object, expected: object) -> None:
    """Each function, in each form it may be written in."""
    assert resolver().resolve(written) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("IsLive", True), ("IsTest", False), ("Both", False), ("Either", True), ("SameFlag", True)]
)
def test_condition(name: str, expected: bool) -> None:
    """Conditions combine, and compare scalars as the strings that CloudFormation makes of them."""
    assert resolver().condition(name) is expected


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (
            {"Fn::ImportValue": {"Fn::Sub": "${Stage}-vpc"}},
            "Fn::ImportValue live-vpc is another stack's output, which is not here",
        ),
        ({"Ref": "Tabel"}, "there is no Tabel"),
        ({"Fn::Sub": "${Tabel.Arn}"}, "there is no Tabel"),
        ({"Fn::If": ["IsLove", 1, 2]}, "there is no condition IsLove"),
        ({"Fn::If": ["Egg", 1, 2]}, "circular conditions: Egg -> Chicken -> Egg"),
        ({"Fn::If": ["Odd", 1, 2]}, 'condition Odd cannot be decided: {"Fn::Contains": [["a"], "a"]}'),
        ({"Fn::FindInMap": ["Sizes", "live", "disk"]}, "Fn::FindInMap finds nothing under Sizes / live / disk"),
        ({"Fn::Select": [2, {"Ref": "Names"}]}, "Fn::Select has no item 2 in a list of 2"),
        ({"Fn::Select": [-1, {"Ref": "Names"}]}, "Fn::Select has no item -1 in a list of 2"),
        ({"Fn::Join": ["-", "text"]}, 'a list is needed, not "text"'),
        ({"Fn::Sub": "${Names}"}, 'text is needed, not ["ada", "grace"]'),
        ({"Fn::Sub": "${AWS::NoValue}"}, "text is needed, not no value"),
        (
            {"Fn::Cidr": ["10.0.0.0/8", 2]},
            'Fn::Cidr is not emulated, or not written as CloudFormation wants: ["10.0.0.0/8", 2]',
        ),
        ({"Fn::Cidr": ["10.0.0.0/30", 5, 0]}, "Fn::Cidr: 10.0.0.0/30 has no 5 blocks of 0 bits"),
        ({"Fn::Cidr": ["10.0.0.0/24", 2, 9]}, "Fn::Cidr: new prefix must be longer"),
        ({"Fn::Cidr": ["10.0.0", 2, 8]}, "Fn::Cidr: '10.0.0' does not appear to be an IPv4 or IPv6 network"),
        ({"Fn::Split": "a,b"}, 'Fn::Split is not emulated, or not written as CloudFormation wants: "a,b"'),
    ],
)
def test_refusal(written: object, sentence: str) -> None:
    """What cannot be resolved is refused with a sentence that names it."""
    with pytest.raises(TemplateError) as caught:
        resolver().resolve(written)

    assert str(caught.value) == sentence


def test_choose_leaves_the_branch_unresolved() -> None:
    """`choose()` takes the branch of `Fn::If` that holds and no step more."""
    branch = {"Fn::ImportValue": "unknown"}

    assert resolver().choose({"Fn::If": ["IsLive", branch, 1]}) is branch


def test_choose_knows_no_value() -> None:
    """A branch that is AWS::NoValue is no value at all."""
    assert resolver().choose({"Fn::If": ["IsTest", 1, {"Ref": "AWS::NoValue"}]}) is NO_VALUE
