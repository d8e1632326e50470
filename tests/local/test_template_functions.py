"""Functions, URLs, permissions and custom resources are read whole, and what is wrong with them is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.config import Cors, Function, Permission
from local.errors import TemplateError
from local.template.addresses import Addresses
from local.template.code import code_below
from local.template.custom_resources import read_custom_resources
from local.template.functions import read_functions
from local.template.parameters import pseudo_parameters
from local.template.resources import Resources
from local.template.unhonoured import unhonoured

HERE = {"S3Bucket": "./", "S3Key": "code"}
ARN = "arn:aws:lambda:us-east-1:123456789012:function:local-F"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    return tmp_path


def resources(**written: object) -> Resources:
    addresses = Addresses()
    return Resources({"Resources": written}, parameters=pseudo_parameters(addresses), addresses=addresses)


def resource(type_name: str, **properties: object) -> dict[str, object]:
    return {"Type": type_name, "Properties": properties}


def function(**properties: object) -> dict[str, object]:
    return resource("AWS::Lambda::Function", **{"Code": HERE, "Runtime": "python3.13", **properties})


@pytest.mark.parametrize("name", ["AWS_REGION", "_HANDLER"])
def test_a_variable_that_lambda_alone_sets_is_told_of(root: Path, name: str) -> None:
    found = resources(
        F=function(Environment={"Variables": {name: "mine", "AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap"}})
    )
    read_functions(found, code_below(root))

    assert unhonoured(found) == [f"F: not emulated: Environment.Variables.{name} (AWS keeps that name to itself)"]


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("Timeout", 0, "from 1 to 900"),
        ("Timeout", "901", "from 1 to 900"),
        ("MemorySize", 127, "from 128 to 32768"),
        ("MemorySize", 32769, "from 128 to 32768"),
        ("ReservedConcurrentExecutions", -1, "0 or more"),
    ],
)
def test_a_number_that_aws_does_not_take_is_refused(root: Path, name: str, value: object, allowed: str) -> None:
    with pytest.raises(TemplateError, match=rf"^F\.{name} is {value}; AWS takes {allowed}$"):
        read_functions(resources(F=function(**{name: value})), code_below(root))


@pytest.mark.parametrize(("timeout", "memory"), [(1, 128), (900, 10_240)])
def test_the_least_and_the_most_that_aws_takes(root: Path, timeout: int, memory: int) -> None:
    [found] = read_functions(resources(F=function(Timeout=timeout, MemorySize=memory)), code_below(root))

    assert (found.timeout_seconds, found.memory_mb) == (timeout, memory)


def test_defaults(root: Path) -> None:
    """A function that says no more than it must has Lambda's defaults."""
    found = read_functions(resources(F=function()), code_below(root))

    assert found == (
        Function(
            logical_id="F",
            name="local-F",
            arn=ARN,
            runtime="python3.13",
            handler="",
            code=root / "code",
            timeout_seconds=3,
            memory_mb=128,
            architecture="x86_64",
            log_group="/aws/lambda/local-F",
            log_format="Text",
        ),
    )


def test_code_is_found_by_the_names_of_links(root: Path) -> None:
    """So that one which leads elsewhere later is noticed; `..` is above where a link leads to, as for the system."""
    (root / "one" / "code").mkdir(parents=True)
    (root / "link").symlink_to("one/code")
    locations = [{"S3Bucket": "./", "S3Key": path} for path in ("link", "one/../link/", "link/../code")]
    found = read_functions(
        resources(**{f"F{number}": function(Code=location) for number, location in enumerate(locations)}),
        code_below(root),
    )

    assert [each.code for each in found] == [root / "link", root / "link", root / "one" / "code"]


def test_code_that_is_written_into_the_template(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a folder of the cache, which is made once."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(root / "cache"))
    found = resources(**{name: function(Code={"ZipFile": name.lower()}) for name in ("A", "B")})
    a, b = read_functions(found, code_below(root))

    assert [(each.code / "index.py").read_text() for each in (a, b)] == ["a", "b"]
    assert (a.code / "cfnresponse.py").is_file()
    assert read_functions(found, code_below(root)) == (a, b)
    assert unhonoured(found) == []
    assert len(list((root / "cache" / "lambda-sse" / "inline").iterdir())) == 2


def test_code_that_cannot_be_taken_out_of_the_template(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(root / "file"))
    with pytest.raises(TemplateError, match="^F: the code in the template cannot be written to .*: Not a directory$"):
        read_functions(resources(F=function(Code={"ZipFile": "a"})), code_below(root))


def test_numbers_written_as_text(root: Path) -> None:
    """A number may be written as a string, which is what a parameter gives."""
    [found] = read_functions(resources(F=function(Timeout="60", ReservedConcurrentExecutions="0")), code_below(root))

    assert (found.timeout_seconds, found.reserved_concurrency) == (60, 0)


@pytest.mark.parametrize(("apply_on", "restored"), [("PublishedVersions", True), ("None", False)])
def test_snapstart(apply_on: str, restored: bool, root: Path) -> None:
    [found] = read_functions(resources(F=function(SnapStart={"ApplyOn": apply_on})), code_below(root))

    assert found.snap_start is restored


def test_environment_is_text(root: Path) -> None:
    """Every value of an environment variable is a string, as CloudFormation would make it."""
    variables = {"A": 5, "B": True, "C": {"Ref": "AWS::Region"}, "D": {"Ref": "AWS::NoValue"}, "E": ""}
    [found] = read_functions(resources(F=function(Environment={"Variables": variables})), code_below(root))

    assert found.environment == {"A": "5", "B": "true", "C": "us-east-1", "E": ""}


def test_url_of_an_alias(root: Path) -> None:
    """A URL that targets an alias is the function's."""
    found = resources(
        F=function(),
        A=resource("AWS::Lambda::Alias", FunctionName={"Ref": "F"}, Name="live"),
        FUrl=resource(
            "AWS::Lambda::Url",
            TargetFunctionArn={"Ref": "A"},
            AuthType="NONE",
            Cors={"AllowOrigins": ["*"], "AllowCredentials": "true", "ExposeHeaders": ["x"], "MaxAge": 0},
        ),
    )
    [read] = read_functions(found, code_below(root))

    assert read.url is not None
    assert read.url.domain == f"{read.url.url_id}.lambda-url.us-east-1.localhost"
    assert (len(read.url.url_id), read.url.url_id.isalnum(), read.url.url_id.islower()) == (32, True, True)
    assert (read.url.auth_type, read.url.invoke_mode) == ("NONE", "BUFFERED")
    assert read.url.cors == Cors(allow_origins=("*",), expose_headers=("x",), allow_credentials=True, max_age_seconds=0)


def test_qualifiers_of_a_function(root: Path) -> None:
    """Version 1 where one is published, then the aliases; a function without either has none."""
    found = resources(
        F=function(),
        G=function(),
        Old=resource("AWS::Lambda::Version", FunctionName={"Ref": "F"}),
        New=resource("AWS::Lambda::Version", FunctionName={"Fn::GetAtt": ["F", "Arn"]}),
        Live=resource("AWS::Lambda::Alias", FunctionName={"Ref": "F"}, Name="live"),
        Next=resource("AWS::Lambda::Alias", FunctionName={"Ref": "F"}, Name="next"),
    )
    f, g = read_functions(found, code_below(root))

    assert (f.qualifiers, g.qualifiers) == (("1", "live", "next"), ())


def test_permissions_of_a_function(root: Path) -> None:
    """A permission belongs to the function that it names by name, ARN or alias; to no other."""

    def permission(name: object, **more: object) -> dict[str, object]:
        return resource(
            "AWS::Lambda::Permission", FunctionName=name, Action="lambda:InvokeFunction", Principal="*", **more
        )

    found = resources(
        F=function(),
        G=function(),
        One=permission({"Ref": "F"}, InvokedViaFunctionUrl=True),
        Two=permission({"Fn::GetAtt": ["F", "Arn"]}, SourceArn="arn:x"),
        Three=permission({"Fn::Sub": "${F.Arn}:live"}, FunctionUrlAuthType="NONE"),
        Other=permission("somebody-else"),
    )
    f, g = read_functions(found, code_below(root))

    assert f.permissions == (
        Permission("lambda:InvokeFunction", "*", invoked_via_function_url=True),
        Permission("lambda:InvokeFunction", "*", source_arn="arn:x"),
        Permission("lambda:InvokeFunction", "*", function_url_auth_type="NONE"),
    )
    assert g.permissions == ()


@pytest.mark.parametrize(
    ("properties", "sentence"),
    [
        (
            {"Code": {"S3Bucket": "./", "S3Key": "nowhere/"}},
            "F: the folder nowhere/ does not exist (looked for {root}/nowhere)",
        ),
        (
            {"Code": {"S3Bucket": "./", "S3Key": "app.zip"}},
            "F: app.zip is a file; the emulator needs the folder it was packed from ({root}/app.zip)",
        ),
        ({"Runtime": {"Ref": "AWS::NoValue"}}, "F: a function needs a Runtime"),
        ({"Timeout": "soon"}, "F.Timeout is 'soon', not a whole number"),
        ({"Timeout": {"Ref": "Missing"}}, "F.Timeout: there is no resource or parameter Missing"),
        ({"Layers": "one"}, "F.Layers is not a list"),
        ({"Environment": ["A=1"]}, "F.Environment is not a mapping"),
        ({"Environment": {"Variables": {"A": ["x"]}}}, 'F.Environment.Variables.A: text is needed, not ["x"]'),
        (
            {"Environment": {"Variables": {"A": {"Fn::ImportValue": "vpc"}}}},
            "F.Environment.Variables.A: Fn::ImportValue vpc is another stack's output, which is not here",
        ),
    ],
)
def test_refusal(root: Path, properties: dict[str, object], sentence: str) -> None:
    """What is wrong is said with the function and the property it stands in."""
    (root / "app.zip").touch()
    with pytest.raises(TemplateError) as caught:
        read_functions(resources(F=function(**properties)), code_below(root))

    assert str(caught.value) == sentence.format(root=root)


def test_missing_layer_is_named(root: Path) -> None:
    """A layer whose folder does not exist is named as its author named it, not by the transform's hash."""
    layer = resource("AWS::Lambda::LayerVersion", LayerName="shared", Content={"S3Bucket": "./", "S3Key": "gone"})

    with pytest.raises(TemplateError, match="^shared: the folder gone does not exist"):
        read_functions(resources(shared0123456789=layer), code_below(root))


def test_warnings(root: Path) -> None:
    """One sentence a resource names what is not honoured; what asks for nothing is not named."""
    found = resources(
        F=function(
            Tags=[{"Key": "a", "Value": "b"}],
            Description="told in no warning",
            TracingConfig={"Mode": "Active"},
            VpcConfig={"Ref": "AWS::NoValue"},
            DeadLetterConfig={},
            LoggingConfig={"LogFormat": "JSON", "Colour": "red"},
            Environment={"Variables": {"SECRET": "{{resolve:ssm:/secret}}"}},
            Layers=["arn:aws:lambda:us-east-1:1:layer:x:1"],
        ),
        Node=function(Runtime="nodejs22.x"),
        Image=function(Code={"ImageUri": "registry/image"}, PackageType="Image", VpcConfig={"a": 1}),
        FUrl=resource("AWS::Lambda::Url", TargetFunctionArn={"Ref": "F"}, AuthType="NONE"),
        Second=resource("AWS::Lambda::Url", TargetFunctionArn={"Ref": "F"}, AuthType="NONE"),
        Role=resource("AWS::IAM::Role"),
        Table=resource("AWS::DynamoDB::Table"),
        Other=resource("AWS::IAM::Role"),
    )
    names = [function.logical_id for function in read_functions(found, code_below(root))]

    assert names == ["F", "Node"]
    assert unhonoured(found) == [
        "F: not emulated: LoggingConfig.Colour, TracingConfig, "
        "layer arn:aws:lambda:us-east-1:1:layer:x:1 (not a folder of this template), "
        "the dynamic reference in Environment.Variables.SECRET",
        "Node: not emulated: runtime nodejs22.x (use python3.x, or provided.al2023 with a bootstrap)",
        "Image: not emulated: code in a container image",
        "Second: not emulated: a second URL for the function local-F",
        "not emulated: AWS::DynamoDB::Table (1), AWS::IAM::Role (2)",
    ]


def test_custom_resource(root: Path) -> None:
    """Properties arrive as CloudFormation sends them: every scalar a string, the token among them."""
    found = resources(
        F=function(),
        Page=resource(
            "Custom::Page",
            ServiceToken={"Fn::Sub": "${F.Arn}:live"},
            ServiceTimeout=30,
            Deep={"Flag": True, "Numbers": [1, 2.5], "Left": {"Ref": "AWS::NoValue"}},
            Left={"Ref": "AWS::NoValue"},
        ),
        Bare=resource("AWS::CloudFormation::CustomResource", ServiceToken={"Fn::GetAtt": ["F", "Arn"]}),
    )
    page, bare = read_custom_resources(found, read_functions(found, code_below(root)))

    assert (page.logical_id, page.type, page.service_token, page.timeout_seconds) == ("Page", "Custom::Page", ARN, 30)
    assert page.properties == {
        "ServiceToken": f"{ARN}:live",
        "ServiceTimeout": "30",
        "Deep": {"Flag": "true", "Numbers": ["1", "2.5"]},
    }
    assert (bare.type, bare.timeout_seconds) == ("AWS::CloudFormation::CustomResource", 3600)
    assert unhonoured(found) == []


def test_custom_resource_of_another_stack(root: Path) -> None:
    """One made by somebody else is left out, and that is said."""
    found = resources(F=function(), Page=resource("Custom::Page", ServiceToken="arn:aws:sns:us-east-1:1:topic", A=1))

    assert read_custom_resources(found, read_functions(found, code_below(root))) == ()
    assert unhonoured(found) == [
        "Page: not emulated: ServiceToken arn:aws:sns:us-east-1:1:topic (not a function that runs here)"
    ]
