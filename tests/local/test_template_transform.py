"""The SAM transform keeps local paths readable, asks nobody, and says what is wrong in sentences."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from local.template.code import elsewhere, local_path
from local.template.transform import FaultError, transform

TEMPLATES = Path(__file__).with_name("templates")
HEAD = "Transform: AWS::Serverless-2016-10-31\nResources:\n"


def transformed(text: str, **parameters: str) -> dict[str, dict[str, object]]:
    resources = transform(text, parameters=parameters, region="us-east-1")["Resources"]
    return {name: resource.get("Properties", {}) for name, resource in resources.items()}


def test_sam_template() -> None:
    """Functions, their URL and layer become plain resources whose code still names the local path."""
    resources = transformed((TEMPLATES / "stream.yaml").read_text())

    layer = next(name for name in resources if name.startswith("Streaming"))
    assert local_path(resources["Teller"]["Code"]) == "functions/teller/"
    assert local_path(resources[layer]["Content"]) == "layers/streaming/"
    assert resources["Teller"]["Layers"] == [
        {"Ref": layer},
        "arn:aws:lambda:us-east-1:210987654321:layer:elsewhere:7",
    ]
    assert resources["TellerUrl"]["InvokeMode"] == "RESPONSE_STREAM"


def test_dates_stay_text() -> None:
    """YAML would read 2012-10-17 as a date, which neither CloudFormation nor JSON has."""
    environment = transformed((TEMPLATES / "stream.yaml").read_text())["Teller"]["Environment"]

    assert json.loads(json.dumps(environment))["Variables"]["SINCE"] == "2012-10-17"


def test_plain_template() -> None:
    """Without the SAM transform only the local paths change."""
    resources = transformed((TEMPLATES / "plain.yaml").read_text())

    assert local_path(resources["Echo"]["Code"]) == "./echo"
    assert local_path(resources["Shared"]["Content"]) == "shared"
    assert resources["Echo"]["Layers"] == [{"Ref": "Shared"}]


def test_json_template() -> None:
    """A JSON template works too, with tabs, which YAML refuses."""
    template = json.dumps({"Resources": {"F": {"Type": "AWS::Lambda::Function"}}}, indent="\t")

    assert transformed(template) == {"F": {}}


def test_image_that_is_not_built_yet() -> None:
    """`sam build` makes the image of a Dockerfile; before it there is no address to name."""
    text = f"{HEAD}  F: {{Type: AWS::Serverless::Function, Properties: {{PackageType: Image}}}}\n"
    code = transformed(text)["F"]["Code"]

    assert local_path(code) is None
    assert elsewhere(code) == "code in a container image"


def test_image_with_an_address() -> None:
    """It is left as it is."""
    properties = "{PackageType: Image, ImageUri: 123456789012.dkr.ecr.us-east-1.amazonaws.com/story:1}"

    code = transformed(f"{HEAD}  F: {{Type: AWS::Serverless::Function, Properties: {properties}}}\n")["F"]["Code"]
    assert code == {"ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/story:1"}


@pytest.mark.parametrize(
    ("globals_of_functions", "properties", "code"),
    [
        ("", "{Handler: a.b, Runtime: python3.13}", {"S3Bucket": "./", "S3Key": "."}),
        ("Handler: a.b, Runtime: python3.13", "{}", {"S3Bucket": "./", "S3Key": "."}),
        ("CodeUri: src", "{Handler: a.b, Runtime: python3.13}", {"S3Bucket": "./", "S3Key": "src"}),
        ("", "{InlineCode: x, Handler: a.b, Runtime: python3.13}", {"ZipFile": "x"}),
    ],
)
def test_code_that_is_not_told_lies_beside_the_template(
    globals_of_functions: str, properties: str, code: dict[str, str]
) -> None:
    """For SAM CLI, which builds and packages it from there."""
    text = f"Globals: {{Function: {{{globals_of_functions}}}}}\n{HEAD}"
    text += f"  F: {{Type: AWS::Serverless::Function, Properties: {properties}}}\n"

    assert transformed(text)["F"]["Code"] == code


def test_included_definition_of_an_api() -> None:
    """Is not read, as the API is not; so the functions beside it run."""
    include = "{Fn::Transform: {Name: AWS::Include, Parameters: {Location: api.yaml}}}"
    resources = transformed(f"""{HEAD}
  Api: {{Type: AWS::Serverless::Api, Properties: {{StageName: v1, DefinitionBody: {include}}}}}
  F: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: ., Handler: a.b, Runtime: python3.13}}}}
""")

    assert "Fn::Transform" in resources["Api"]["Body"]
    assert "F" in resources


def test_path_that_is_a_parameter() -> None:
    """A CodeUri may be an intrinsic function; it is resolved later, in the emulator."""
    text = f"""{HEAD}
  F: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: !Ref P, Handler: a.b, Runtime: python3.13}}}}
Parameters:
  P: {{Type: String, Default: ./here}}
"""
    assert transformed(text)["F"]["Code"] == {"S3Bucket": "./", "S3Key": {"Ref": "P"}}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("CodeUri: s3://bucket/key.zip, Handler: a.b, Runtime: python3.13", "code in S3"),
        ("CodeUri: {Bucket: bucket, Key: key.zip}, Handler: a.b, Runtime: python3.13", "code in S3"),
        ("PackageType: Image, ImageUri: registry/image", "code in a container image"),
    ],
)
def test_code_that_is_not_local(code: str, expected: str) -> None:
    """Code in S3 or in an image is told from a local path."""
    location = transformed(f"{HEAD}  F: {{Type: AWS::Serverless::Function, Properties: {{{code}}}}}")["F"]["Code"]
    if isinstance(location, dict) and isinstance(location.get("S3Key"), str):
        assert local_path(location) is None

    assert elsewhere(location) == expected


def test_nothing_touches_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Managed policies, policy templates and a repository application are transformed without a connection."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the transform opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setenv("AWS_PROFILE", "there-is-no-such-profile")
    resources = transformed(f"""{HEAD}
  App:
    Type: AWS::Serverless::Application
    Properties:
      Location: {{ApplicationId: "arn:aws:serverlessrepo:us-east-1:1:applications/a", SemanticVersion: 1.0.0}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .
      Handler: a.b
      Runtime: python3.13
      Policies: [AWSLambdaExecute, {{S3ReadPolicy: {{BucketName: b}}}}]
      Events: {{Api: {{Type: Api, Properties: {{Path: /, Method: get}}}}}}
""")
    assert {"App", "F", "FRole", "ServerlessRestApi"} <= set(resources)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", ["a template is a mapping with a Resources section, and this is not one"]),
        ("- a\n- b\n", ["a template is a mapping with a Resources section, and this is not one"]),
        ("a: 1\nb: [1, 2\n", ["not YAML: expected ',' or ']', but got '<stream end>' (line 3, column 1)"]),
        ("a: b: c\n", ["not YAML: mapping values are not allowed here (line 1, column 5)"]),
        (
            "a: \x01\n",
            [
                "not YAML: unacceptable character #x0001: special characters are not allowed "
                'in "<unicode string>", position 3'
            ],
        ),
        ("Description: x\n", ["the template has no Resources section with a resource in it"]),
        ("Resources: {}\n", ["the template has no Resources section with a resource in it"]),
        ("Resources: {F: text}\n", ["resource F is not a mapping with a Type"]),
        ("Resources: {F: {Properties: {}}}\n", ["resource F is not a mapping with a Type"]),
        (
            "Resources: {F: {Type: AWS::Serverless::Function}}\n",
            ["F is AWS::Serverless::Function, which needs `Transform: AWS::Serverless-2016-10-31`"],
        ),
        (
            "Transform: [AWS::Serverless-2016-10-31, MyMacro]\nResources: {F: {Type: X}}\n",
            ['transform "MyMacro" is not emulated, only AWS::LanguageExtensions and AWS::Serverless-2016-10-31 are'],
        ),
        (
            "Resources: {F: {Type: X, Properties: {Fn::Transform: {Name: AWS::Include}}}}\n",
            ["Fn::Transform is not emulated: macros run in an AWS account"],
        ),
        (
            f"{HEAD}  F: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: .}}}}\n"
            "  L: {Type: AWS::Serverless::LayerVersion, Properties: {}}\n",
            [
                "Resource with id [F] is invalid. "
                "Runtime and Handler needs to be present when PackageType is of type `Zip`",
                "Resource with id [L] is invalid. Missing required property 'ContentUri'.",
            ],
        ),
    ],
)
def test_fault(text: str, sentences: list[str]) -> None:
    """Each fault of a template is one sentence; the translator's own are passed on."""
    with pytest.raises(FaultError) as caught:
        transformed(text)

    assert list(caught.value.sentences) == sentences
