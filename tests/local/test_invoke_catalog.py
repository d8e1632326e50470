"""What tools read about functions, asked for by boto3 and held against the model of the service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import Config
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape

from local.aws_endpoint import AwsEndpoint
from local.aws_services import AwsServices
from local.config import Cors, FunctionUrl, Stack
from local.invoke_api.api import InvokeApi
from local.invoke_api.catalog import Catalog
from local.reports import Reports
from tests.local.fakes.dispatcher import FakeDispatcher
from tests.local.fakes.environment import a_function
from tests.local.server import served

pytestmark = pytest.mark.anyio

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:"
WORKER = a_function(
    environment={"A": "1"},
    reserved_concurrency=7,
    log_group="/aws/lambda/test-worker",
    log_format="JSON",
    application_log_level="DEBUG",
    architecture="arm64",
    qualifiers=("1", "live"),
    url=FunctionUrl(
        "abc", "abc.lambda-url.eu-west-1.localhost", "AWS_IAM", "RESPONSE_STREAM", Cors(("*",), allow_credentials=True)
    ),
)
OTHERS = [
    a_function(logical_id=f"Other{number}", name=f"other-{number}", arn=f"{ARN}other-{number}") for number in range(119)
]
STACK = Stack("local", "eu-west-1", "123456789012", functions=(WORKER, *OTHERS))
CONFIGURATION = {
    "FunctionName": "test-worker",
    "FunctionArn": f"{ARN}test-worker",
    "Runtime": "provided.al2023",
    "Handler": "worker.handler",
    "Timeout": 10,
    "MemorySize": 128,
    "Version": "$LATEST",
    "PackageType": "Zip",
    "Architectures": ["arm64"],
    "Environment": {"Variables": {"A": "1"}},
    "LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG", "LogGroup": "/aws/lambda/test-worker"},
}
STATE = {"State": "Active", "LastUpdateStatus": "Successful"}
URL = {
    "FunctionUrl": "http://abc.lambda-url.eu-west-1.localhost:8080/",
    "FunctionArn": f"{ARN}test-worker",
    "AuthType": "AWS_IAM",
    "InvokeMode": "RESPONSE_STREAM",
    "Cors": {"AllowOrigins": ["*"], "AllowCredentials": True},
}

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
async def ask() -> AsyncIterator[Ask]:
    """Calls the operation of that name with boto3; its answer without what is true of every answer."""
    invoke_api = InvokeApi(
        STACK,
        FakeDispatcher(),  # type: ignore[arg-type]
        Reports(lambda line: None),
        url_of=lambda function: f"http://{function.url.domain}:8080/" if function.url else "",
    )

    async def call(operation: str, **parameters: object) -> Any:
        answer = await asyncio.to_thread(getattr(client, operation), **parameters)
        assert answer.pop("ResponseMetadata")["HTTPStatusCode"] == 200
        return without_times(answer)

    async with served(AwsEndpoint(AwsServices(), _nobody, invoke_api.routes)) as port:
        with closing(lambda_client(port)) as client:
            yield call


async def _nobody(*_: object) -> None:
    raise AssertionError("nothing else is asked")


def lambda_client(port: int) -> Any:
    return boto3.client(
        "lambda",
        endpoint_url=f"http://localhost:{port}",
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


def without_times(answer: Any) -> Any:
    """The answer without the moments, each of which must be one."""
    if isinstance(answer, list):
        return [without_times(item) for item in answer]
    if not isinstance(answer, dict):
        return answer
    times = {"LastModified", "LastModifiedTime", "CreationTime"} & answer.keys()
    assert all(answer[name].startswith("20") and answer[name].endswith("+0000") for name in times)
    return {name: without_times(value) for name, value in answer.items() if name not in times}


async def test_function(ask: Ask) -> None:
    """Its configuration, where its code is, and its reserved concurrency, where it has one."""
    code = {"RepositoryType": "Local", "Location": WORKER.code.as_uri()}

    assert await ask("get_function", FunctionName="test-worker") == {
        "Configuration": CONFIGURATION | STATE,
        "Code": code,
        "Concurrency": {"ReservedConcurrentExecutions": 7},
    }
    assert "Concurrency" not in await ask("get_function", FunctionName="other-1")


async def test_configuration(ask: Ask) -> None:
    """With the qualifier in its ARN."""
    assert await ask("get_function_configuration", FunctionName=f"{ARN}test-worker") == CONFIGURATION | STATE
    assert await ask("get_function_configuration", FunctionName="Worker", Qualifier="live") == {
        **CONFIGURATION,
        **STATE,
        "FunctionArn": f"{ARN}test-worker:live",
    }


async def test_functions_come_in_pages(ask: Ask) -> None:
    """Of 50, or fewer where fewer are wanted; without their state."""
    first = await ask("list_functions")
    second = await ask("list_functions", Marker=first["NextMarker"], MaxItems=60)
    third = await ask("list_functions", Marker=second["NextMarker"], MaxItems=19)
    last = await ask("list_functions", Marker=third["NextMarker"])
    pages = [page["Functions"] for page in (first, second, third, last)]

    assert [len(page) for page in pages] == [50, 50, 19, 1]
    assert "NextMarker" not in last
    assert pages[0][0] == CONFIGURATION
    assert [item["FunctionName"] for page in pages for item in page] == [function.name for function in STACK.functions]


async def test_versions_and_aliases(ask: Ask) -> None:
    """The one version that there is, and every alias of it."""
    assert await ask("list_versions_by_function", FunctionName="test-worker") == {
        "Versions": [CONFIGURATION | {"FunctionArn": f"{ARN}test-worker:$LATEST"}]
    }
    assert await ask("list_aliases", FunctionName="test-worker") == {
        "Aliases": [{"AliasArn": f"{ARN}test-worker:live", "Name": "live", "FunctionVersion": "$LATEST"}]
    }
    assert await ask("list_aliases", FunctionName="other-1") == {"Aliases": []}


async def test_function_url(ask: Ask) -> None:
    """The address on this machine."""
    assert await ask("get_function_url_config", FunctionName="test-worker") == URL
    assert await ask("list_function_url_configs", FunctionName="test-worker") == {"FunctionUrlConfigs": [URL]}
    assert await ask("list_function_url_configs", FunctionName="other-1") == {"FunctionUrlConfigs": []}


async def test_account(ask: Ask) -> None:
    answer = await ask("get_account_settings")

    assert answer["AccountUsage"] == {"FunctionCount": 120}
    assert answer["AccountLimit"]["ConcurrentExecutions"] == 1000
    assert answer["AccountLimit"]["UnreservedConcurrentExecutions"] == 993


@pytest.mark.parametrize(
    ("operation", "parameters", "code", "message"),
    [
        ("get_function", {"FunctionName": "nobody"}, "ResourceNotFoundException", f"Function not found: {ARN}nobody"),
        (
            "get_function_configuration",
            {"FunctionName": "test-worker", "Qualifier": "gone"},
            "ResourceNotFoundException",
            f"Function not found: {ARN}test-worker:gone",
        ),
        (
            "get_function_url_config",
            {"FunctionName": "other-1"},
            "ResourceNotFoundException",
            "The resource you requested does not exist.",
        ),
        ("list_aliases", {"FunctionName": "nobody"}, "ResourceNotFoundException", f"Function not found: {ARN}nobody"),
        ("list_functions", {"Marker": "x"}, "InvalidParameterValueException", "Invalid pagination token: x"),
        (
            "list_functions",
            {"MaxItems": 10_001},
            "ValidationException",
            "1 validation error detected: Value '10001' at 'maxItems' failed to satisfy constraint: Member must have "
            "value from 1 to 10000",
        ),
    ],
)
async def test_refusals(ask: Ask, operation: str, parameters: dict[str, Any], code: str, message: str) -> None:
    """boto3 finds name and text of the error where AWS puts them."""
    with pytest.raises(ClientError) as refused:
        await ask(operation, **parameters)

    assert (refused.value.response["Error"]["Code"], refused.value.response["Error"]["Message"]) == (code, message)


@pytest.mark.parametrize(
    ("operation", "parameters", "request_"),
    [
        ("get_policy", {}, "GET /2015-03-31/functions/{}/policy"),
        ("get_function_concurrency", {}, "GET /2019-09-30/functions/{}/concurrency"),
        ("update_function_configuration", {"Timeout": 5}, "PUT /2015-03-31/functions/{}/configuration"),
        ("publish_version", {}, "POST /2015-03-31/functions/{}/versions"),
        ("delete_function", {}, "DELETE /2015-03-31/functions/{}"),
    ],
)
@pytest.mark.parametrize("name", ["test-worker", f"{ARN}test-worker", "Worker"])
async def test_what_is_not_emulated_says_so(
    ask: Ask, operation: str, parameters: dict[str, Any], request_: str, name: str
) -> None:
    """It was for moto to answer, which knows none of these functions and said that there is none."""
    with pytest.raises(ClientError) as refused:
        await ask(operation, FunctionName=name, **parameters)

    assert refused.value.response["Error"] == {
        "Code": "NotImplementedException",
        "Message": f"{request_.format(name)} is not emulated: Worker is what its template says, and is changed there",
    }


async def test_tags_are_not_emulated(ask: Ask) -> None:
    with pytest.raises(ClientError, match="/tags/.* is not emulated: Worker is what its template says"):
        await ask("list_tags", Resource=f"{ARN}test-worker")


@pytest.mark.parametrize(
    ("operation", "question"),
    [
        ("GetFunction", Catalog.get_function),
        ("GetFunctionConfiguration", Catalog.get_configuration),
        ("ListFunctions", Catalog.list_functions),
        ("ListVersionsByFunction", Catalog.list_versions),
        ("ListAliases", Catalog.list_aliases),
        ("GetFunctionUrlConfig", Catalog.get_url),
        ("ListFunctionUrlConfigs", Catalog.list_urls),
        ("GetAccountSettings", Catalog.get_account_settings),
    ],
)
def test_every_member_is_in_the_model(operation: str, question: Callable[..., dict[str, object]]) -> None:
    """boto3 drops in silence what the model does not know; and what the model requires is there."""
    document = question(Catalog(STACK, url_of=lambda function: "http://x/"), "test-worker", {})
    client = lambda_client(1)

    assert_fits(client.meta.service_model.operation_model(operation).output_shape, document)
    client.close()


def assert_fits(shape: Shape, value: Any) -> None:
    if isinstance(shape, StructureShape):
        assert value.keys() <= shape.members.keys(), shape.name
        assert set(shape.required_members) <= value.keys(), shape.name
        for name, part in value.items():
            assert_fits(shape.members[name], part)
    elif isinstance(shape, ListShape):
        for item in value:
            assert_fits(shape.member, item)
    elif isinstance(shape, MapShape):
        assert all(isinstance(part, str) for part in (*value, *value.values()))
    else:
        assert isinstance(value, {"string": str, "integer": int, "long": int, "boolean": bool}[shape.type_name])


def test_code_is_where_it_says(tmp_path: Path) -> None:
    """Also a folder whose name needs quoting."""
    folder = tmp_path / "a b"
    catalog = Catalog(
        Stack("local", "eu-west-1", "123456789012", functions=(a_function(code=folder),)), url_of=lambda function: ""
    )

    assert catalog.get_function("Worker", {})["Code"] == {"RepositoryType": "Local", "Location": folder.as_uri()}
