"""Resources refer to one another as CloudFormation says, and those that cannot be made are refused."""

from __future__ import annotations

import pytest

from local.config import Bucket
from local.errors import TemplateError
from local.template.addresses import Addresses
from local.template.attributes import function_name
from local.template.buckets import read_buckets
from local.template.parameters import parameter_values
from local.template.resources import Resources
from local.template.rules import check_rules

ADDRESSES = Addresses(edge_port=8123, region="eu-west-1", account_id="111122223333")


def resources(written: dict[str, object], conditions: dict[str, object] | None = None) -> Resources:
    document = {"Resources": written, "Conditions": conditions or {}}
    return Resources(document, parameters=parameter_values({}, {}, ADDRESSES), addresses=ADDRESSES)


STACK = {
    "Fn": {"Type": "AWS::Lambda::Function"},
    "Named": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": {"Fn::Sub": "${AWS::StackName}_fn"}}},
    "V": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Fn::GetAtt": ["Named", "Arn"]}}},
    "A": {"Type": "AWS::Lambda::Alias", "Properties": {"FunctionName": {"Ref": "Fn"}, "Name": "live"}},
    "Url": {"Type": "AWS::Lambda::Url", "Properties": {"TargetFunctionArn": {"Ref": "A"}}},
    "Layer": {"Type": "AWS::Lambda::LayerVersion", "Properties": {"LayerName": "shared"}},
    "Pages": {"Type": "AWS::S3::Bucket"},
    "Own": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "my-pages"}},
    "Site": {"Type": "AWS::CloudFront::Distribution"},
    "Oac": {"Type": "AWS::CloudFront::OriginAccessControl"},
    "Role": {"Type": "AWS::IAM::Role"},
    "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/a/b"}},
    "Table": {"Type": "AWS::DynamoDB::Table"},
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Fn", "local-Fn"),
        ("Fn.Arn", "arn:aws:lambda:eu-west-1:111122223333:function:local-Fn"),
        ("Named", "local_fn"),
        ("V", "arn:aws:lambda:eu-west-1:111122223333:function:local_fn:1"),
        ("V.Version", "1"),
        ("A", "arn:aws:lambda:eu-west-1:111122223333:function:local-Fn:live"),
        ("Url", "arn:aws:lambda:eu-west-1:111122223333:function:local-Fn"),
        ("Url.FunctionUrl", "http://cv6otc42g4g4oeskzgri43nu4ud562he.lambda-url.eu-west-1.localhost:8123/"),
        ("Layer", "arn:aws:lambda:eu-west-1:111122223333:layer:shared:1"),
        ("Pages", "local-pages-111122223333"),
        ("Pages.Arn", "arn:aws:s3:::local-pages-111122223333"),
        ("Own", "my-pages"),
        ("Own.DomainName", "my-pages.s3.amazonaws.com"),
        ("Own.RegionalDomainName", "my-pages.s3.eu-west-1.amazonaws.com"),
        ("Site.DomainName", "localhost:8123"),
        ("Role", "local-Role"),
        ("Role.Arn", "arn:aws:iam::111122223333:role/local-Role"),
        ("Log", "/a/b"),
        ("Log.Arn", "arn:aws:logs:eu-west-1:111122223333:log-group:/a/b:*"),
        ("Table", "Table"),
        ("Table.Stream.Arn", "Table.Stream.Arn"),
        ("Fn.NotYetInvented", "Fn.NotYetInvented"),
    ],
)
def test_attribute(name: str, expected: str) -> None:
    """Ref and attributes of each type; a placeholder for what is not emulated."""
    assert resources(STACK).resolver.resolve({"Fn::Sub": f"${{{name}}}"}) == expected


@pytest.mark.parametrize("logical_id", ["Site", "Oac"])
def test_cloudfront_id(logical_id: str) -> None:
    """What CloudFront would draw by lot has its shape, and `Id` is the same as `Ref`."""
    resolve = resources(STACK).resolver.resolve

    made_up = resolve({"Ref": logical_id})

    assert isinstance(made_up, str)
    assert made_up == resolve({"Fn::GetAtt": [logical_id, "Id"]})
    assert (len(made_up), made_up[0], made_up.isalnum(), made_up.isupper()) == (14, "E", True, True)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("story", "story"),
        ("story:live", "story"),
        ("arn:aws:lambda:us-east-1:123456789012:function:story", "story"),
        ("arn:aws:lambda:us-east-1:123456789012:function:story:7", "story"),
        ("123456789012:function:story", "story"),
        ("arn:aws:sns:us-east-1:123456789012:topic", "arn"),
    ],
)
def test_function_name(reference: str, expected: str) -> None:
    """Every way to name a function that Lambda's API takes; anything else names no function."""
    assert function_name(reference) == expected


def test_resource_whose_condition_does_not_hold() -> None:
    """It is not there, and what needs it is refused."""
    written = {
        "Gone": {"Type": "AWS::S3::Bucket", "Condition": "Never"},
        "Fn": {"Type": "AWS::Lambda::Function"},
    }
    found = resources(written, {"Never": {"Fn::Equals": ["a", "b"]}})

    assert [resource.logical_id for resource in found] == ["Fn"]
    with pytest.raises(TemplateError, match="^Gone is referred to, but its condition does not hold$"):
        found.resolver.resolve({"Ref": "Gone"})


@pytest.mark.parametrize(
    ("a_needs", "b_needs"),
    [
        ({"Ref": "B"}, {"Fn::Sub": "x${A.Arn}"}),
        ({"Fn::GetAtt": ["B", "Arn"]}, {"deep": [{"Fn::GetAtt": "A.Arn"}]}),
        ({"Fn::Sub": ["${X}", {"X": {"Ref": "B"}}]}, {"Fn::If": ["Always", {"Ref": "A"}, 1]}),
    ],
)
def test_circular_dependency(a_needs: object, b_needs: object) -> None:
    """Two resources that need one another are refused, and named; what nobody reads counts too."""
    written = {
        "C": {"Type": "X", "DependsOn": "A"},
        "A": {"Type": "X", "Properties": {"P": a_needs}},
        "B": {"Type": "X", "Properties": {"P": b_needs}},
    }

    with pytest.raises(TemplateError, match="^circular dependency: A -> B -> A$"):
        resources(written, {"Always": {"Fn::Equals": [1, 1]}})


def test_circle_through_depends_on() -> None:
    """DependsOn alone makes a circle too."""
    written = {
        "A": {"Type": "X", "DependsOn": ["B"]},
        "B": {"Type": "X", "DependsOn": "C"},
        "C": {"Type": "X", "Properties": {"P": {"Ref": "A"}}},
    }

    with pytest.raises(TemplateError, match="^circular dependency: A -> B -> C -> A$"):
        resources(written)


def test_variable_of_sub_is_no_dependency() -> None:
    """A variable that Fn::Sub brings along is no resource, even where one has its name."""
    written = {
        "A": {"Type": "X", "Properties": {"P": {"Fn::Sub": ["${B}", {"B": "text"}]}}},
        "B": {"Type": "X", "Properties": {"P": {"Ref": "A"}}},
    }

    assert len(list(resources(written))) == 2


def test_branch_not_taken_is_no_dependency() -> None:
    """A circle through a branch that is not taken is none."""
    written = {
        "A": {"Type": "X", "Properties": {"P": {"Fn::If": ["Always", 1, {"Ref": "B"}]}}},
        "B": {"Type": "X", "Properties": {"P": {"Ref": "A"}}},
    }

    assert len(list(resources(written, {"Always": {"Fn::Equals": [1, 1]}}))) == 2


@pytest.mark.parametrize(
    ("declared", "given", "expected"),
    [
        ({"Type": "String", "Default": "a"}, {}, "a"),
        ({"Type": "String", "Default": "a"}, {"P": "b"}, "b"),
        ({"Type": "Number", "Default": 3}, {}, "3"),
        ({"Type": "String", "Default": ""}, {}, ""),
        ({"Type": "CommaDelimitedList", "Default": "a, b"}, {}, ["a", "b"]),
        ({"Type": "List<Number>"}, {"P": "1,2"}, ["1", "2"]),
    ],
)
def test_parameter(declared: dict[str, object], given: dict[str, str], expected: object) -> None:
    """A parameter is text, or a list of texts, whatever its type is called."""
    assert parameter_values({"P": declared}, given, ADDRESSES)["P"] == expected


@pytest.mark.parametrize(
    ("declared", "given", "sentence"),
    [
        (
            {"P": {"Type": "String"}},
            {},
            "parameter P has no default and was given no value: --parameter P=VALUE gives it one",
        ),
        ({}, {"Q": "x"}, "the template has no parameter Q"),
        (
            {"P": {"Type": "Number", "Default": 1, "AllowedValues": [1, 2]}},
            {"P": "3"},
            "parameter P is '3', which is not one of its AllowedValues",
        ),
    ],
)
def test_parameter_refused(declared: dict[str, object], given: dict[str, str], sentence: str) -> None:
    """A parameter without a value, one that is not declared and a value that is not allowed are refused by name."""
    with pytest.raises(TemplateError) as caught:
        parameter_values(declared, given, ADDRESSES)

    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("rules", "value", "sentence"),
    [
        ({"AllowedPattern": "a+"}, "aab", "is 'aab', which does not match its AllowedPattern a+"),
        ({"MinLength": 2}, "a", "is 'a', which is shorter than its MinLength 2"),
        ({"MaxLength": "2"}, "aaa", "is 'aaa', which is longer than its MaxLength 2"),
        ({"Type": "Number"}, "many", "is 'many', which is not a number"),
        ({"Type": "Number", "MinValue": 1}, "0.5", "is '0.5', which is less than its MinValue 1"),
        ({"Type": "List<Number>", "MaxValue": 9}, "1, 10", "is '10', which is greater than its MaxValue 9"),
        ({"AllowedPattern": "a", "ConstraintDescription": "must be a."}, "b", "must be a. (it is 'b')"),
        ({"MinLength": "two"}, "a", None),
    ],
)
def test_a_value_that_a_parameter_does_not_allow(rules: dict[str, object], value: str, sentence: str | None) -> None:
    """Every constraint is checked, and refuses in the template's own words where it has some."""
    with pytest.raises(TemplateError) as caught:
        parameter_values({"P": {"Type": "String"} | rules}, {"P": value}, ADDRESSES)

    expected = f"parameter P {sentence}" if sentence else "a bound of a parameter must be a number, not 'two'"
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("rules", "value"),
    [
        ({"AllowedPattern": "a+", "MinLength": 1, "MaxLength": 3}, "aaa"),
        ({"AllowedPattern": "\\p{Lower}+"}, "what Java would refuse"),  # no pattern of Python's
        ({"Type": "Number", "MinValue": 0, "MaxValue": "5000"}, "5000"),
        ({"Type": "CommaDelimitedList", "AllowedValues": ["a", "b"]}, "b, a"),
    ],
)
def test_a_value_that_a_parameter_allows(rules: dict[str, object], value: str) -> None:
    """Bounds belong to what is allowed, and of a list each item is looked at."""
    parameter_values({"P": {"Type": "String"} | rules}, {"P": value}, ADDRESSES)


EMPTY, LIVE = {"Fn::Equals": [{"Ref": "Stage"}, ""]}, {"Fn::Contains": [["live", "test"], {"Ref": "Stage"}]}


@pytest.mark.parametrize(
    ("rule", "stage", "refused"),
    [
        ({"Assertions": [{"Assert": LIVE, "AssertDescription": "Live or test."}]}, "live", None),
        ({"Assertions": [{"Assert": LIVE, "AssertDescription": "Live or test."}]}, "beta", "Live or test."),
        ({"Assertions": [{"Assert": LIVE}]}, "beta", "an assertion of rule R does not hold"),
        ({"RuleCondition": EMPTY, "Assertions": [{"Assert": LIVE}]}, "beta", None),
        ({"RuleCondition": {"Fn::Not": [EMPTY]}, "Assertions": [{"Assert": LIVE}]}, "beta", "an assertion of rule R"),
        ({"Assertions": [{"Assert": {"Fn::EachMemberIn": [["a"], {"Fn::RefAll": "AWS::EC2::VPC::Id"}]}}]}, "", None),
        ({"Assertions": [{"Assert": {"Fn::Sub": "x"}}]}, "", 'rule R cannot be decided: {"Fn::Sub": "x"}'),
        ({}, "", "rule R has no Assertions"),
    ],
)
def test_rules_between_parameters(rule: dict[str, object], stage: str, refused: str | None) -> None:
    """An assertion that does not hold refuses the template; one that asks AWS is taken to hold."""
    parameters = parameter_values({"Stage": {"Type": "String"}}, {"Stage": stage}, ADDRESSES)
    resolver = Resources({"Resources": {}}, parameters=parameters, addresses=ADDRESSES).resolver
    if refused is None:
        check_rules({"R": rule}, resolver)
        return
    with pytest.raises(TemplateError) as caught:
        check_rules({"R": rule}, resolver)

    assert str(caught.value).startswith(refused)


@pytest.mark.parametrize(
    ("statement", "may_list"),
    [
        ({"Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"}, "Action": "s3:GetObject"}, False),
        ({"Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"}, "Action": ["s3:ListBucket"]}, True),
        ({"Effect": "Allow", "Principal": {"Service": ["cloudfront.amazonaws.com"]}, "Action": "s3:*"}, True),
        ({"Effect": "Deny", "Principal": {"Service": "cloudfront.amazonaws.com"}, "Action": "s3:*"}, False),
        ({"Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket"}, False),
    ],
)
def test_policy_that_lets_the_edge_list_a_bucket(statement: dict[str, object], may_list: bool) -> None:
    """It decides whether a missing page is a 404 or a 403."""
    policy = {"Bucket": {"Ref": "Pages"}, "PolicyDocument": {"Statement": statement}}
    written = {"Pages": {"Type": "AWS::S3::Bucket"}, "P": {"Type": "AWS::S3::BucketPolicy", "Properties": policy}}

    assert read_buckets(resources(written)) == (Bucket("Pages", "local-pages-111122223333", edge_may_list=may_list),)
