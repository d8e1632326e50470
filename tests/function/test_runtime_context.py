"""The context object: attribute for attribute what AWS's own client makes of the same headers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from awslambdaric.bootstrap import create_lambda_context
from awslambdaric.lambda_runtime_exception import FaultException

from lambda_runtime.client import Invocation
from lambda_runtime.context import Context, settings
from lambda_runtime.faults import Fault
from tests.function.fake_runtime_api import FUNCTION_ARN, REQUEST_ID, Event, serve

VARIABLES = {
    "AWS_LAMBDA_FUNCTION_NAME": "story",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/story",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/31[$LATEST]0123",
}
CLIENT = {
    "installation_id": "i",
    "app_title": "Story",
    "app_version_name": "1",
    "app_version_code": "2",
    "app_package_name": "org.story",
}
PATHS = [
    "aws_request_id",
    "invoked_function_arn",
    "tenant_id",
    "function_name",
    "function_version",
    "memory_limit_in_mb",
    "log_group_name",
    "log_stream_name",
    "client_context",
    "client_context.custom",
    "client_context.env",
    "client_context.client",
    *(f"client_context.client.{name}" for name in CLIENT),
    "identity.cognito_identity_id",
    "identity.cognito_identity_pool_id",
]


def contexts(headers: Mapping[str, str]) -> tuple[Any, Any]:
    """Ours, then AWS's. Its C++ client gives None for a header that is not there."""
    invocation = Invocation({name.lower(): value for name, value in headers.items()}, b"{}")
    return Context(invocation, settings()), create_lambda_context(
        headers.get("Lambda-Runtime-Client-Context"),
        headers.get("Lambda-Runtime-Cognito-Identity"),
        int(headers["Lambda-Runtime-Deadline-Ms"]),
        headers["Lambda-Runtime-Aws-Request-Id"],
        headers["Lambda-Runtime-Invoked-Function-Arn"],
        headers.get("Lambda-Runtime-Aws-Tenant-Id"),
    )


def look(context: Any, path: str) -> Any:
    """The value at *path*; for an object of the runtime's own only that it is there."""
    for name in path.split("."):
        context = None if context is None else getattr(context, name)
    return "an object" if hasattr(context, "custom") or hasattr(context, "app_title") else context


@pytest.mark.parametrize("variables", [VARIABLES, {}])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Lambda-Runtime-Aws-Tenant-Id": "tenant-1"},
        {"Lambda-Runtime-Client-Context": json.dumps({"custom": {"k": "v"}, "env": {"e": 1}, "client": CLIENT})},
        {"Lambda-Runtime-Client-Context": json.dumps({"client": {"app_title": "Story", "other": 1}})},
        {"Lambda-Runtime-Client-Context": '{"custom": {"name": "Zoë 🐌"}}'},
        {"Lambda-Runtime-Client-Context": "{}"},
        {"Lambda-Runtime-Client-Context": "null"},
        {"Lambda-Runtime-Client-Context": '{"w3c": {"traceparent": "00-a", "tracestate": 3, "other": "x"}}'},
        {"Lambda-Runtime-Client-Context": '{"w3c": "no object", "custom": 1}'},
        {"Lambda-Runtime-Cognito-Identity": '{"cognitoIdentityId": "id", "cognitoIdentityPoolId": "pool"}'},
        {"Lambda-Runtime-Cognito-Identity": '{"cognitoIdentityId": "id"}'},
        {"Lambda-Runtime-Cognito-Identity": "{}"},
    ],
)
def test_every_attribute_is_what_aws_makes_it(
    headers: Mapping[str, str], variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    ours, theirs = contexts({**Event().fields(), **headers})

    assert {path: look(ours, path) for path in PATHS} == {path: look(theirs, path) for path in PATHS}
    assert ours.w3c() == theirs.w3c()


def test_no_public_attribute_of_awss_context_is_missing() -> None:
    ours, theirs = contexts(Event().fields())
    public = {name for name in dir(theirs) if not name.startswith("_")}

    assert public <= set(dir(ours))


@pytest.mark.parametrize("header", ["Lambda-Runtime-Client-Context", "Lambda-Runtime-Cognito-Identity"])
def test_a_header_that_is_no_json_is_the_error_that_aws_makes_of_it(header: str) -> None:
    headers = {**Event().fields(), header: "{no"}
    with pytest.raises(FaultException) as expected:
        create_lambda_context(
            headers.get("Lambda-Runtime-Client-Context"), headers.get("Lambda-Runtime-Cognito-Identity"), 0, "", "", ""
        )
    (reply,) = serve(lambda event, context: None, Event(headers={header: "{no"}))

    assert reply.endpoint == "error"
    assert reply.header("lambda-runtime-function-error-type") == expected.value.exception_type
    assert json.loads(reply.body)["errorMessage"] == expected.value.msg


def test_a_client_context_that_is_no_json_is_a_fault() -> None:
    with pytest.raises(Fault, match=r"^Unable to parse Client Context JSON: "):
        Context(Invocation({"lambda-runtime-client-context": "{no"}, b""), {})


@pytest.mark.parametrize(("time_left_ms", "low", "high"), [(30_000, 29_000, 30_000), (0, 0, 0), (-5000, 0, 0)])
def test_the_remaining_time_counts_down_to_zero(time_left_ms: int, low: int, high: int) -> None:
    ours, theirs = contexts(Event(time_left_ms=time_left_ms).fields())

    before = ours.get_remaining_time_in_millis()
    between = theirs.get_remaining_time_in_millis()
    after = ours.get_remaining_time_in_millis()
    assert low <= before <= high
    assert after - 1 <= between <= before + 1  # each rounds in its own way
    assert isinstance(ours.get_remaining_time_in_millis(), int)


def test_the_handler_gets_it_as_its_second_argument() -> None:
    def handler(event: Any, context: Any) -> list[Any]:
        return [context.aws_request_id, context.invoked_function_arn, context.get_remaining_time_in_millis() > 29_000]

    (reply,) = serve(handler)

    assert json.loads(reply.body) == [REQUEST_ID, FUNCTION_ARN, True]


def test_log_writes_what_it_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    ours, theirs = contexts(Event().fields())
    theirs.log({"a": 1})
    theirs.log("line\n")
    expected = capsys.readouterr().out
    ours.log({"a": 1})
    ours.log("line\n")

    assert capsys.readouterr().out == expected == "{'a': 1}line\n"


def test_it_prints_as_aws_prints_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Field by field, under the names of our classes; whoever looks at one in a log wants to see what is in it."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    headers = {**Event().fields(), "Lambda-Runtime-Client-Context": json.dumps({"client": CLIENT, "custom": {"a": 1}})}
    ours, theirs = (set(repr(one).partition("([")[2].removesuffix("])").split(",")) for one in contexts(headers))

    renamed = {field.replace("=Client(", "=MobileClient(") for field in theirs}
    assert ours == renamed
