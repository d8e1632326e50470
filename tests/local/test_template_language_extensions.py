"""What loops make of a template, before the SAM transform and everything behind it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.template.addresses import Addresses
from local.template.code import local_path
from local.template.stack import read_stack
from local.template.transform import FaultError, transform

HEAD = "Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]\n"
WORDS = "Parameters: {Words: {Type: CommaDelimitedList, Default: 'one, two'}}\n"


def made(text: str, **parameters: str) -> dict[str, dict[str, object]]:
    """The properties of each resource that comes of *text*."""
    resources = transform(text, parameters=parameters, region="us-east-1")["Resources"]
    return {name: resource.get("Properties", {}) for name, resource in resources.items()}


def test_functions_of_a_parameter() -> None:
    """The example of the SAM CLI: a function for each name, with the code of its own folder."""
    template = f"""{HEAD}{WORDS}
Resources:
  Fn::ForEach::Services:
    - Name
    - !Ref Words
    - ${{Name}}Function:
        Type: AWS::Serverless::Function
        Properties:
          Handler: index.handler
          Runtime: python3.13
          CodeUri: ./services/${{Name}}
          Environment: {{Variables: {{NAME: !Ref Name, SUB: !Sub "${{Name}}-${{AWS::Region}}-${{!Name}}"}}}}
"""
    functions = {name: resource for name, resource in made(template).items() if name.endswith("Function")}

    assert {name: local_path(function["Code"]) for name, function in functions.items()} == {
        "oneFunction": "./services/one",
        "twoFunction": "./services/two",
    }
    assert functions["twoFunction"]["Environment"] == {
        "Variables": {"NAME": "two", "SUB": {"Fn::Sub": "two-${AWS::Region}-${!Name}"}}
    }
    assert "threeFunction" in made(template, Words="three")


def test_loops_in_loops_in_properties_and_beside_others() -> None:
    resources = made("""Transform: AWS::LanguageExtensions
Mappings: {Sizes: {small: {Names: [a, b]}}}
Resources:
  Plain: {Type: AWS::X::Y, Properties: {Kept: 1}}
  Fn::ForEach::Outer:
    - Zone
    - !FindInMap [Sizes, small, Names]
    - Fn::ForEach::Inner:
        - Port
        - ["8-0", 81]
        - X${Zone}&{Port}:
            Type: AWS::X::Y
            Properties:
              Ports: ["${Zone}:${Port}"]
              Fn::ForEach::Tags:
                - Tag
                - [t, u]
                - ${Tag}${Zone}: {Is: !Ref Tag}
      Y${Zone}: {Type: AWS::X::Y}
""")

    assert list(resources) == ["Plain", "Xa80", "Xa81", "Ya", "Xb80", "Xb81", "Yb"]
    assert resources["Plain"] == {"Kept": 1}
    assert resources["Xb80"] == {"Ports": ["b:8-0"], "tb": {"Is": "t"}, "ub": {"Is": "u"}}


def test_conditions_and_outputs_and_the_other_functions(tmp_path: Path) -> None:
    """As far as the stack that runs, where `Fn::Length` and its like become values."""
    (tmp_path / "app.py").touch()
    template = tmp_path / "template.yaml"
    template.write_text(f"""{HEAD}{WORDS}
Mappings: {{Sizes: {{one: {{Memory: 256}}}}}}
Conditions:
  Fn::ForEach::Is:
    - Word
    - !Ref Words
    - Is${{Word}}: !Equals [!Ref Word, two]
Resources:
  Fn::ForEach::Functions:
    - Word
    - !Ref Words
    - ${{Word}}:
        Type: AWS::Serverless::Function
        Properties:
          Handler: app.handler
          Runtime: python3.13
          CodeUri: .
          MemorySize: !FindInMap [Sizes, !Ref Word, Memory, {{DefaultValue: 512}}]
          Environment:
            Variables:
              HOW_MANY:
                Fn::Length: !Ref Words
              ALL:
                Fn::ToJsonString: {{words: !Ref Words}}
              SECOND: !If ["Is${{Word}}", "yes", "no"]
Outputs:
  Fn::ForEach::Names:
    - Word
    - !Ref Words
    - ${{Word}}Memory: {{Value: !Ref Word}}
""")
    stack = read_stack(template, addresses=Addresses())

    one, two = stack.functions
    assert (one.memory_mb, two.memory_mb) == (256, 512)
    assert one.environment == {"HOW_MANY": "2", "ALL": '{"words":["one","two"]}', "SECOND": "no"}
    assert two.environment["SECOND"] == "yes"
    assert stack.outputs == {"oneMemory": "one", "twoMemory": "two"}
    assert stack.warnings == ("not emulated: AWS::IAM::Role (2)",)


def test_references_whose_names_are_computed(tmp_path: Path) -> None:
    """As AWS's example refers to what a loop has made."""
    (tmp_path / "app.py").touch()
    template = tmp_path / "template.yaml"
    template.write_text(f"""{HEAD}{WORDS}
Resources:
  Fn::ForEach::Functions:
    - Word
    - !Ref Words
    - ${{Word}}Function:
        Type: AWS::Serverless::Function
        Properties:
          Handler: app.handler
          Runtime: python3.13
          CodeUri: .
          FunctionName: !Sub "named-${{Word}}"
          FunctionUrlConfig: {{AuthType: NONE}}
Outputs:
  Fn::ForEach::Names:
    - Word
    - !Ref Words
    - ${{Word}}Name: {{Value: {{Ref: !Sub "${{Word}}Function"}}}}
      Fn::ForEach::Attributes:
        - Attribute
        - [AuthType, FunctionArn]
        - ${{Word}}${{Attribute}}: {{Value: !GetAtt [!Sub "${{Word}}FunctionUrl", !Ref Attribute]}}
""")
    outputs = read_stack(template, addresses=Addresses()).outputs

    assert list(outputs) == [f"{word}{what}" for word in ("one", "two") for what in ("Name", "AuthType", "FunctionArn")]
    assert outputs["twoName"] == "named-two"
    assert outputs["twoFunctionArn"].endswith(":function:named-two")


def test_code_that_sam_deploy_has_uploaded() -> None:
    """It lists what it made of each folder in a mapping, which the SAM transform cannot look into."""
    template = f"""{HEAD}{WORDS}
Mappings:
  SAMCodeUriServices: {{one: {{CodeUri: "s3://bucket/1"}}, two: {{CodeUri: "s3://bucket/2"}}}}
Resources:
  Fn::ForEach::Services:
    - Name
    - !Ref Words
    - ${{Name}}:
        Type: AWS::Serverless::Function
        Properties:
          Handler: index.handler
          Runtime: python3.13
          CodeUri: !FindInMap [SAMCodeUriServices, !Ref Name, CodeUri]
"""
    assert made(template)["two"]["Code"] == {"S3Bucket": "bucket", "S3Key": "2"}


def test_what_needs_a_resource_is_left_for_later() -> None:
    written = {"Fn::ToJsonString": {"arn": {"Fn::GetAtt": ["Other", "Arn"]}}}
    template = {
        "Transform": "AWS::LanguageExtensions",
        "Resources": {"F": {"Type": "X", "Properties": {"A": written}}, "Other": {"Type": "X"}},
    }

    assert made(json.dumps(template))["F"] == {"A": written}


def test_policies_that_are_computed() -> None:
    """Only with this transform may they be more than a word."""
    policy = {"Fn::If": ["Keep", "Retain", "Delete"]}
    template = {
        "Transform": "AWS::LanguageExtensions",
        "Parameters": {"Stage": {"Type": "String", "Default": "prod"}},
        "Conditions": {"Keep": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}},
        "Resources": {"Table": {"Type": "X", "DeletionPolicy": policy, "UpdateReplacePolicy": "Retain"}},
    }

    for stage, expected in (("prod", "Retain"), ("test", "Delete")):
        document = transform(json.dumps(template), parameters={"Stage": stage}, region="us-east-1")
        assert document["Resources"]["Table"]["DeletionPolicy"] == expected
        assert document["Resources"]["Table"]["UpdateReplacePolicy"] == "Retain"


LOOP = "Transform: AWS::LanguageExtensions\nParameters: {P: {Type: String, Default: p}}\nResources:\n  Fn::ForEach::L: "


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "Resources: {Fn::ForEach::L: [N, [a], {'X${N}': {Type: X}}]}",
            "Fn::ForEach::L needs `AWS::LanguageExtensions` in the list of Transform",
        ),
        (
            "Resources: {F: {Type: X, Properties: {A: {Fn::Length: [1]}}}}",
            "Fn::Length needs `AWS::LanguageExtensions` in the list of Transform",
        ),
        (
            "Transform: [AWS::Serverless-2016-10-31, AWS::LanguageExtensions]\nResources: {F: {Type: X}}",
            "AWS::LanguageExtensions has to come before AWS::Serverless-2016-10-31 in the list of Transform",
        ),
        (
            f"{LOOP}[N, [a]]",
            "Resources.Fn::ForEach::L has to be a list: a name, the values, and a mapping of what each makes",
        ),
        (
            f"{LOOP}[P, [a], {{'X${{P}}': {{Type: X}}}}]",
            "Resources.Fn::ForEach::L calls its items P, which is another thing's name",
        ),
        (
            f"{LOOP}[N, !Ref P, {{'X${{N}}': {{Type: X}}}}]",
            "Resources.Fn::ForEach::L needs a list of values, or a parameter that is one",
        ),
        (
            f"{LOOP}[N, [[a]], {{'X${{N}}': {{Type: X}}}}]",
            'Resources.Fn::ForEach::L: text is needed, not ["a"]',
        ),
        (
            f"{LOOP}[N, !Ref Bucket, {{'X${{N}}': {{Type: X}}}}]",
            "Resources.Fn::ForEach::L: Bucket is no parameter, and what resources are is not known yet",
        ),
        (
            f"{LOOP}[N, [a, b], {{X: {{Type: X}}}}]",
            "Resources has X twice: a loop makes it again, so its key needs the loop's name",
        ),
        (f"{LOOP}[N, [], {{'X${{N}}': {{Type: X}}}}]", "the template has no Resources section with a resource in it"),
        (
            "Transform: AWS::LanguageExtensions\nResources: {F: {Type: AWS::Serverless::Function}}",
            "F is AWS::Serverless::Function, which needs `Transform: AWS::Serverless-2016-10-31`",
        ),
    ],
)
def test_fault(text: str, sentence: str) -> None:
    with pytest.raises(FaultError) as caught:
        made(text)

    assert caught.value.sentences == (sentence,)
