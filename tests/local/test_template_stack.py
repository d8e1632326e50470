"""A template file becomes the plain data that the emulator runs, or one clear sentence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.config import Bucket, Cors, CustomResource, Function, Permission, Stack
from local.errors import TemplateError
from local.template.addresses import Addresses
from local.template.stack import read_stack

ROOT = Path(__file__).parents[2]
TEMPLATES = Path(__file__).with_name("templates")
FOLDERS = ("functions/teller", "functions/publisher", "layers/streaming", "echo", "shared")
ADDRESSES = Addresses(edge_port=8123)


@pytest.fixture(scope="module", autouse=True)
def _shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One cache for this module, so that a fixture template is transformed once and not once a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with every fixture template in it, and the code that they name."""
    for folder in FOLDERS:
        (tmp_path / folder).mkdir(parents=True)
    for template in TEMPLATES.glob("*.yaml"):
        shutil.copy(template, tmp_path)
    return tmp_path


def read(path: Path, **parameters: str) -> Stack:
    return read_stack(path, addresses=ADDRESSES, parameters=parameters)


def named(stack: Stack, wanted: str) -> Function:
    function = stack.function(wanted)
    assert function is not None
    return function


def sentence(path: Path, **parameters: str) -> str:
    with pytest.raises(TemplateError) as caught:
        read(path, **parameters)
    return str(caught.value)


def test_function(project: Path) -> None:
    """A function is read whole: from the SAM resource, the globals and the parameters."""
    teller = named(read(project / "stream.yaml"), "Teller")

    assert (teller.name, teller.runtime, teller.handler) == ("local-Teller", "python3.13", "teller.handler")
    assert (teller.timeout_seconds, teller.memory_mb, teller.architecture) == (600, 256, "arm64")
    assert teller.reserved_concurrency == 5
    assert teller.code == project / "functions/teller"
    assert teller.layers == (project / "layers/streaming",)
    assert (teller.log_format, teller.application_log_level, teller.system_log_level) == ("JSON", "DEBUG", None)
    assert teller.log_group == "local-TellerLog"
    assert teller.environment == {
        "SINCE": "2012-10-17",
        "WORDS": "5",
        "LOUD": "true",
        "BUCKET": "local-pages-123456789012",
    }


def test_function_url(project: Path) -> None:
    """The function's URL is at its own host, and says who may call it."""
    stack = read(project / "stream.yaml")
    teller = named(stack, "Teller")

    assert stack.distribution is not None
    assert teller.url is not None
    assert stack.outputs["TellerAddress"] == f"http://{teller.url.domain}:8123/"
    assert (teller.url.auth_type, teller.url.invoke_mode) == ("AWS_IAM", "RESPONSE_STREAM")
    assert teller.url.cors == Cors(
        allow_origins=("https://a.example", "https://b.example"),
        allow_methods=("GET",),
        allow_headers=("last-event-id",),
        max_age_seconds=300,
    )
    assert teller.permissions == (
        Permission(
            "lambda:InvokeFunctionUrl",
            "cloudfront.amazonaws.com",
            source_arn=stack.distribution.arn,
            function_url_auth_type="AWS_IAM",
        ),
    )
    assert named(stack, "Publisher").url is None


def test_distribution(project: Path) -> None:
    """The distribution's origins are the bucket and the function URL that the stack has."""
    stack = read(project / "stream.yaml")
    url = named(stack, "Teller").url

    assert stack.distribution is not None
    assert url is not None
    assert [(origin.origin_id, origin.domain) for origin in stack.distribution.origins] == [
        ("pages", "local-pages-123456789012.s3.us-east-1.amazonaws.com"),
        ("teller", url.domain),
    ]
    assert [(behavior.path_pattern, behavior.origin_id) for behavior in stack.distribution.behaviors] == [
        ("/sse", "teller"),
        ("*", "pages"),
    ]
    assert stack.distribution.default_root_object == "index.html"


def test_custom_resource(project: Path) -> None:
    """A custom resource names the function that makes it, even where the template names an alias of it."""
    stack = read(project / "stream.yaml")
    publisher = named(stack, "Publisher")

    assert stack.custom_resources == (
        CustomResource(
            logical_id="Page",
            type="Custom::Page",
            service_token=publisher.arn,
            properties={
                "ServiceToken": f"{publisher.arn}:live",
                "ServiceTimeout": "60",
                "BucketName": "local-pages-123456789012",
                "CodeVersion": f"{publisher.arn}:1",
                "Options": {"Compress": "true", "Levels": ["1", "2"]},
            },
            timeout_seconds=60,
        ),
    )


def test_conditions(project: Path) -> None:
    """A condition decides which resources, outputs and values there are; a parameter decides the condition."""
    test = read(project / "stream.yaml")
    live = read(project / "stream.yaml", Stage="live")

    assert test.buckets == (Bucket("Pages", "local-pages-123456789012"),)
    assert live.buckets == (*test.buckets, Bucket("OnlyLive", "local-onlylive-123456789012"))
    assert "LiveBucket" not in test.outputs
    assert live.outputs["LiveBucket"] == "local-onlylive-123456789012"
    assert named(live, "Teller").environment["LIVE"] == "yes"


def test_outputs_stay_as_written(project: Path) -> None:
    """An output is what the template says, with the local address in it."""
    assert read(project / "stream.yaml").outputs["Address"] == "https://localhost:8123/"


def test_warnings(project: Path) -> None:
    """Everything that is asked for and not done is named."""
    assert read(project / "stream.yaml").warnings == (
        "Site: not emulated: DefaultCacheBehavior.Compress",
        "Teller: not emulated: TracingConfig, "
        "layer arn:aws:lambda:us-east-1:210987654321:layer:elsewhere:7 (not a folder of this template)",
        "not emulated: AWS::IAM::Role (2), AWS::Logs::LogGroup (1)",
    )


def test_plain_cloudformation(project: Path) -> None:
    """A template without SAM runs too."""
    [echo] = read(project / "plain.yaml").functions

    assert (echo.runtime, echo.handler, echo.code) == ("provided.al2023", "", project / "echo")
    assert echo.layers == (project / "shared",)


def test_built_template(project: Path) -> None:
    """What `sam build` leaves in .aws-sam/build names folders beside itself, and runs as it is."""
    build = project / ".aws-sam/build"
    for name in ("Teller", "Publisher", "Streaming"):
        (build / name).mkdir(parents=True)
    text = (project / "stream.yaml").read_text()
    for source, built in (
        ("functions/teller/", "Teller"),
        ("functions/publisher", "Publisher"),
        ("layers/streaming/", "Streaming"),
    ):
        text = text.replace(source, built)
    (build / "template.yaml").write_text(text)
    teller = named(read(build / "template.yaml"), "Teller")

    assert (teller.code, teller.layers) == (build / "Teller", (build / "Streaming",))


def test_ids_stay_the_same(project: Path) -> None:
    """An address in a browser's history stays right after a restart, and the port is no part of the id."""
    path = project / "stream.yaml"
    before, after = (named(read_stack(path, addresses=Addresses(port)), "Teller").url for port in (1, 2))

    assert before == after


def test_region_and_account(project: Path) -> None:
    """The stack lives where it is told to."""
    addresses = Addresses(region="eu-west-1", account_id="111122223333")
    stack = read_stack(project / "stream.yaml", addresses=addresses)

    assert (stack.name, stack.region, stack.account_id) == ("local", "eu-west-1", "111122223333")
    assert named(stack, "Teller").arn == "arn:aws:lambda:eu-west-1:111122223333:function:local-Teller"


def test_circular_template(project: Path) -> None:
    """A circle that exists only after the transform is refused here and not first on AWS."""
    path = project / "circular.yaml"

    assert sentence(path) == f"{path}: circular dependency: Site -> TellerUrl -> Site"


def test_missing_code(project: Path) -> None:
    """A CodeUri that does not exist is named with its function."""
    (project / "functions/teller").rmdir()
    path = project / "stream.yaml"

    assert sentence(path) == (
        f"{path}: Teller: the folder functions/teller/ does not exist (looked for {project}/functions/teller)"
    )


def test_value_that_is_not_allowed(project: Path) -> None:
    """A parameter of the wrong value is refused with the file's name."""
    path = project / "stream.yaml"

    assert sentence(path, Stage="beta") == (f"{path}: parameter Stage is 'beta', which is not one of its AllowedValues")


def test_missing_template(tmp_path: Path) -> None:
    """A template that is not there is said not to be there."""
    path = tmp_path / "none.yaml"

    assert sentence(path) == f"there is no template at {path}: name the template file"


def test_imports_have_placeholders(project: Path) -> None:
    """A function that gets another stack's output can start; what it gets is told, once."""
    template = {
        "Resources": {
            "F": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Code": "echo",
                    "Runtime": "python3.13",
                    "Environment": {"Variables": {"A": {"Fn::ImportValue": {"Fn::Sub": "${AWS::Region}-pool"}}}},
                },
            }
        },
        "Outputs": {"Pool": {"Value": {"Fn::ImportValue": "us-east-1-pool"}}},
    }
    (project / "imports.json").write_text(json.dumps(template))
    stack = read(project / "imports.json")

    assert named(stack, "F").environment == {"A": "us-east-1-pool"}
    assert stack.warnings == ("Fn::ImportValue us-east-1-pool: not looked up in another stack, its value is its name",)


def test_folder_instead_of_a_template(tmp_path: Path) -> None:
    """A folder is no template."""
    assert sentence(tmp_path) == f"{tmp_path} is a folder: name the template file in it"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xff\xfe\x00", "not a template, byte 0 is not UTF-8 text"),
        (b"a: [\n", "not YAML: expected the node content, but found '<stream end>' (line 2, column 1)"),
        (b"just text", "a template is a mapping with a Resources section, and this is not one"),
        (
            b"Resources: {B: {Type: AWS::S3::Bucket}}",
            "the template has no function whose code is here, so there is nothing to run",
        ),
        (
            b"Resources: {F: {Type: AWS::Lambda::Function, Properties: {Code: {ImageUri: a}, PackageType: Image}}}",
            "the template has no function whose code is here, so there is nothing to run "
            "(F: code in a container image)",
        ),
    ],
)
def test_file_that_is_no_template(tmp_path: Path, content: bytes, expected: str) -> None:
    """What the child process finds out arrives as a sentence that begins with the file."""
    path = tmp_path / "template.yaml"
    path.write_bytes(content)

    assert sentence(path) == f"{path}: {expected}"


def test_every_fault_of_a_sam_template(tmp_path: Path) -> None:
    """The translator's faults are told all at once, one a line."""
    path = tmp_path / "template.yaml"
    path.write_text(
        "Transform: AWS::Serverless-2016-10-31\n"
        "Resources:\n"
        "  F: {Type: AWS::Serverless::Function, Properties: {CodeUri: ., Handler: a.b}}\n"
        "  G: {Type: AWS::Serverless::Function, Properties: {CodeUri: ., Runtime: python3.13}}\n"
    )

    fault = "Runtime and Handler needs to be present when PackageType is of type `Zip`"
    assert sentence(path).splitlines() == [
        f"{path}: Resource with id [F] is invalid. {fault}",
        f"{path}: Resource with id [G] is invalid. {fault}",
    ]


def test_transform_that_breaks_down(tmp_path: Path) -> None:
    """A fault that the translator does not know of is told in its last line, not in a traceback."""
    path = tmp_path / "template.yaml"
    path.write_text("Resources: " + "[" * 5_000)

    assert sentence(path).startswith(f"{path}: the SAM transform broke down: RecursionError: ")
    assert "\n" not in sentence(path)


@pytest.mark.parametrize(
    ("resources", "fault"),
    [
        ("&again {F: {Type: X, Properties: *again}}", "Circular reference detected"),
        ("{F: {Type: X, Properties: {Tags: !!set {a, b}}}}", "Object of type set is not JSON serializable"),
    ],
)
def test_what_json_does_not_have(tmp_path: Path, resources: str, fault: str) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(f"Resources: {resources}\n")

    assert sentence(path) == f"{path}: holds what JSON cannot: {fault}"


def test_byte_order_mark(tmp_path: Path) -> None:
    """An editor's byte order mark is no part of the template."""
    path = tmp_path / "template.json"
    function = '{"Type": "AWS::Lambda::Function", "Properties": {"Code": ".", "Runtime": "python3.13"}}'
    path.write_text(f'{{"Resources": {{"F": {function}}}}}', encoding="utf-8-sig")

    assert [function.logical_id for function in read(path).functions] == ["F"]


def test_own_template() -> None:
    """The project's own template streams a story through its layers, publishes its page, and leads all three ways."""
    stack = read(ROOT / "template.yaml")
    story = named(stack, "StoryFunction")

    assert story.code == ROOT / "functions/story"
    assert story.layers == (ROOT / "functions/layers/streaming", ROOT / "functions/layers/stories")
    assert story.environment["AWS_LAMBDA_EXEC_WRAPPER"] == "/opt/bootstrap"
    assert story.url is not None
    assert (story.url.auth_type, story.url.invoke_mode) == ("AWS_IAM", "RESPONSE_STREAM")
    assert {permission.action for permission in story.permissions} == {
        "lambda:InvokeFunctionUrl",
        "lambda:InvokeFunction",
    }
    assert stack.distribution is not None
    assert {behavior.path_pattern: behavior.origin_id for behavior in stack.distribution.behaviors} == {
        "/sse": "story",
        "/api/sse": "story",
        "/api/*": "api",
        "*": "page",
    }
    [page] = stack.custom_resources
    assert stack.function(page.service_token) is not None
    assert page.properties["BucketName"] == stack.buckets[0].name
