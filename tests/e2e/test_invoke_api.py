"""The Invoke API as its users know it: boto3, the AWS CLI and the SAM CLI against `python -m local`."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import Config
from botocore.exceptions import ClientError

from tests.deploy import tools
from tests.e2e.local_cloud import ROOT, LocalCloud
from tests.local.fakes.local_lambda import Gate

COMMAND_SECONDS = 60
REGION = "us-east-1"
ARN = f"arn:aws:lambda:{REGION}:123456789012:function:local-"
ACCESS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
TEMPLATE = f"""
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {{Runtime: python3.13, CodeUri: code/, Timeout: 10}}
Resources:
  Layer:
    Type: AWS::Serverless::LayerVersion
    Properties: {{ContentUri: {ROOT}/functions/layers/streaming}}
  Plain:
    Type: AWS::Serverless::Function
    Properties: {{Handler: plain.handler, AutoPublishAlias: live}}
  Stream:
    Type: AWS::Serverless::Function
    Properties:
      Handler: stream.handler
      Layers: [!Ref Layer]
      Environment: {{Variables: {{AWS_LAMBDA_EXEC_WRAPPER: /opt/bootstrap}}}}
      FunctionUrlConfig: {{AuthType: NONE, InvokeMode: RESPONSE_STREAM}}
  Closed:
    Type: AWS::Serverless::Function
    Properties: {{Handler: plain.handler, ReservedConcurrentExecutions: 0}}
"""
PLAIN = """
def handler(event, context):
    print("at work")
    if "fail" in event:
        raise ValueError(event["fail"])
    custom = context.client_context.custom if context.client_context else None
    return {"event": event, "custom": custom, "arn": context.invoked_function_arn}
"""
STREAM = """
from lambda_runtime.response import Response


def handler(event, context):
    def tokens():
        yield "one "
        if "gate" in event:
            print("waits at the gate", flush=True)
            with open(event["gate"], "rb", buffering=0) as gate:
                gate.read(1)
        if "fail" in event:
            raise ValueError(event["fail"])
        yield "two"

    return Response(tokens(), headers={"content-type": "text/plain"}) if event.get("http") else tokens()
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A managed function under AWS's own client, a streaming one, and one that is switched off."""
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "template.yaml").write_text(TEMPLATE)
    (folder / "code").mkdir()
    (folder / "code/plain.py").write_text(PLAIN)
    (folder / "code/stream.py").write_text(STREAM)
    cloud = LocalCloud(cwd=folder)
    yield cloud
    assert cloud.stop() == 0


@pytest.fixture
def client(cloud: LocalCloud) -> Iterator[Any]:
    """boto3's client, pointed at the emulator."""
    config = Config(retries={"total_max_attempts": 1})
    options = {"endpoint_url": cloud.aws_url, "region_name": REGION, "config": config}
    client = boto3.client("lambda", aws_access_key_id="test", aws_secret_access_key="test", **options)
    with closing(client):
        yield client


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """Where the streaming function waits."""
    gate = Gate(tmp_path)
    yield gate
    gate.close()


def log_of(encoded: str) -> list[str]:
    return base64.b64decode(encoded).decode().splitlines()


# boto3


def test_invoke(client: Any) -> None:
    """Event and client context reach the handler, its reply comes back."""
    context = base64.b64encode(json.dumps({"custom": {"who": "é"}}).encode()).decode()
    answer = client.invoke(FunctionName="local-Plain", Payload=b'{"a": [1, "\xc3\xbc"]}', ClientContext=context)

    assert (answer["StatusCode"], answer["ExecutedVersion"], "FunctionError" in answer) == (200, "$LATEST", False)
    assert json.load(answer["Payload"]) == {"event": {"a": [1, "ü"]}, "custom": {"who": "é"}, "arn": f"{ARN}Plain"}


@pytest.mark.parametrize("name", ["Plain:live", "123456789012:function:local-Plain:live", f"{ARN}Plain:live"])
def test_invoke_by_any_name(client: Any, name: str) -> None:
    """The handler sees the ARN with the alias that was called."""
    answer = client.invoke(FunctionName=name)

    assert json.load(answer["Payload"]) == {"event": {}, "custom": None, "arn": f"{ARN}Plain:live"}


def test_log_tail(client: Any) -> None:
    """The log of this invocation, the REPORT line included."""
    answer = client.invoke(FunctionName="Plain", LogType="Tail")
    start, *printed, end, report = log_of(answer["LogResult"])

    request_id = answer["ResponseMetadata"]["RequestId"]
    assert (start, end) == (f"START RequestId: {request_id} Version: $LATEST", f"END RequestId: {request_id}")
    assert printed == ["at work"]
    assert report.startswith(f"REPORT RequestId: {request_id}\tDuration: ")


def test_function_error(client: Any) -> None:
    """A 200 whose payload is the error."""
    answer = client.invoke(FunctionName="Plain", Payload=b'{"fail": "no luck"}', LogType="Tail")

    document = json.load(answer["Payload"])
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert (document["errorType"], document["errorMessage"]) == ("ValueError", "no luck")
    assert any("[ERROR] ValueError: no luck" in line for line in log_of(answer["LogResult"]))


def test_dry_run(client: Any, cloud: LocalCloud) -> None:
    """Nothing is started for it."""
    assert client.invoke(FunctionName="Plain", InvocationType="DryRun")["StatusCode"] == 204
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.invoke(FunctionName="nobody", InvocationType="DryRun")


def test_event_that_fails_is_tried_again(client: Any, cloud: LocalCloud) -> None:
    """The caller has its 202 at once; the log has the rest, under one request id."""
    answer = client.invoke(FunctionName="Plain", InvocationType="Event", Payload=b'{"fail": "later"}')
    request_id = answer["ResponseMetadata"]["RequestId"]

    assert (answer["StatusCode"], answer["Payload"].read()) == (202, b"")
    for _ in range(2):
        cloud.wait_for(f"Plain  START RequestId: {request_id}")


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ({"FunctionName": "nobody"}, 404, "ResourceNotFoundException"),
        ({"FunctionName": "Plain", "Qualifier": "gone"}, 404, "ResourceNotFoundException"),
        ({"FunctionName": "Plain", "Payload": b"{"}, 400, "InvalidRequestContentException"),
        ({"FunctionName": "Plain", "ClientContext": "x"}, 400, "InvalidRequestContentException"),
        ({"FunctionName": "Plain", "Payload": bytes(7 * 1024 * 1024)}, 413, "RequestTooLargeException"),
        ({"FunctionName": "Closed"}, 429, "TooManyRequestsException"),
    ],
)
@pytest.mark.parametrize("operation", ["invoke", "invoke_with_response_stream"])
def test_refusals(client: Any, operation: str, parameters: dict[str, Any], status: int, code: str) -> None:
    """Each is the exception that boto3 has for it."""
    with pytest.raises(getattr(client.exceptions, code)) as refused:
        getattr(client, operation)(**parameters)

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_what_is_not_emulated_is_asked_of_moto_for_functions_that_are_not_here(client: Any) -> None:
    with pytest.raises(ClientError, match=r"\(NotImplementedException\) .* GetPolicy .* Plain is what its template"):
        client.get_policy(FunctionName="local-Plain")
    with pytest.raises(ClientError, match=r"\(ResourceNotFoundException\) .* GetPolicy "):
        client.get_policy(FunctionName="nobody")


def test_throttling_says_why_and_for_how_long(client: Any) -> None:
    with pytest.raises(client.exceptions.TooManyRequestsException) as refused:
        client.invoke(FunctionName="Closed")

    answer = refused.value.response
    assert answer["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert (answer["retryAfterSeconds"], answer["Error"]["Message"]) == ("1", "Rate Exceeded.")


def test_first_chunk_arrives_while_the_function_still_runs(client: Any, gate: Gate) -> None:
    """The function cannot end before the gate opens, and it opens only after boto3 has handed out the first chunk."""
    event = json.dumps({"gate": gate.path}).encode()
    answer = client.invoke_with_response_stream(FunctionName="Stream", Payload=event, LogType="Tail")
    stream = iter(answer["EventStream"])

    assert (answer["StatusCode"], answer["ResponseStreamContentType"]) == (200, "application/octet-stream")
    assert next(stream) == {"PayloadChunk": {"Payload": b"one "}}
    gate.open()
    assert next(stream) == {"PayloadChunk": {"Payload": b"two"}}
    [last] = stream
    assert last["InvokeComplete"].keys() == {"LogResult"}
    assert "waits at the gate" in log_of(last["InvokeComplete"]["LogResult"])


def test_failure_in_the_middle_of_a_stream(client: Any) -> None:
    """What came before it was sent; InvokeComplete says what went wrong."""
    answer = client.invoke_with_response_stream(FunctionName="Stream", Payload=b'{"fail": "no luck"}')
    first, last = answer["EventStream"]

    complete = last["InvokeComplete"]
    assert first == {"PayloadChunk": {"Payload": b"one "}}
    assert complete["ErrorCode"] == "ValueError"
    assert json.loads(complete["ErrorDetails"])["errorMessage"] == "no luck"


def test_stream_of_a_managed_function(client: Any) -> None:
    """Its reply is one piece; its failure has no piece at all."""
    replied = list(client.invoke_with_response_stream(FunctionName="Plain")["EventStream"])
    failed = list(client.invoke_with_response_stream(FunctionName="Plain", Payload=b'{"fail": "x"}')["EventStream"])

    assert json.loads(replied[0]["PayloadChunk"]["Payload"])["event"] == {}
    assert replied[1:] == [{"InvokeComplete": {}}]
    [only] = [event["InvokeComplete"] for event in failed]
    assert only["ErrorCode"] == "Runtime.Unknown"  # AWS's Python client names no type beside the document
    assert json.loads(only["ErrorDetails"])["errorType"] == "ValueError"


def test_http_response_through_both_ways(client: Any) -> None:
    """Prelude, NULs and body, as the function sent them."""
    sent = re.compile(rb'\{.*"statusCode": ?200.*\}\0{8}one two', re.DOTALL)
    answer = client.invoke_with_response_stream(FunctionName="Stream", Payload=b'{"http": true}')
    payload = b"".join(event["PayloadChunk"]["Payload"] for event in answer["EventStream"] if "PayloadChunk" in event)

    assert answer["ResponseStreamContentType"] == "application/vnd.awslambda.http-integration-response"
    assert sent.fullmatch(payload)
    assert sent.fullmatch(client.invoke(FunctionName="Stream", Payload=b'{"http": true}')["Payload"].read())


def test_caller_who_leaves_a_stream(client: Any, cloud: LocalCloud, gate: Gate) -> None:
    """The function runs on to its end, and that is said."""
    event = json.dumps({"gate": gate.path}).encode()
    answer = client.invoke_with_response_stream(FunctionName="Stream", Payload=event)
    request_id = answer["ResponseMetadata"]["RequestId"]
    next(iter(answer["EventStream"]))
    answer["EventStream"].close()
    client.invoke(FunctionName="Plain")  # by then the emulator has seen the connection close
    gate.open()

    cloud.wait_for(f"Stream  END RequestId: {request_id}")
    cloud.wait_for("Stream  ran on for .* after its caller had left")


def test_what_tools_read(client: Any, cloud: LocalCloud) -> None:
    """The functions of the template, and the address of a function URL as it was printed at the start."""
    functions = client.list_functions()["Functions"]
    url = client.get_function_url_config(FunctionName="Stream")

    assert [function["FunctionName"] for function in functions] == ["local-Plain", "local-Stream", "local-Closed"]
    assert any(f"{url['FunctionUrl']}  RESPONSE_STREAM" in line for line in cloud.lines)
    assert client.get_function(FunctionName="Closed")["Concurrency"] == {"ReservedConcurrentExecutions": 0}
    assert [alias["Name"] for alias in client.list_aliases(FunctionName="Plain")["Aliases"]] == ["live"]


# Command lines


def run(command: Path, *arguments: str, cloud: LocalCloud, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run one, pointed at the emulator by the environment alone, away from this repository's own configuration."""
    own = {"AWS_ENDPOINT_URL": cloud.aws_url, "AWS_DEFAULT_REGION": REGION, "SAM_CLI_TELEMETRY": "0", **ACCESS}
    return subprocess.run(
        [command, *arguments],
        cwd=cwd,
        env={**os.environ, "AWS_CONFIG_FILE": os.devnull, "AWS_PAGER": "", **own},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
    )


@pytest.mark.aws
def test_aws_lambda_invoke(cloud: LocalCloud, tmp_path: Path) -> None:
    """The reply goes to a file, the rest to standard output."""
    reply = tmp_path / "reply.json"
    arguments = ["lambda", "invoke", "--function-name", "Plain", "--payload", '{"a": 1}', "--log-type", "Tail"]
    done = run(tools.aws(), *arguments, str(reply), cloud=cloud, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert "at work" in log_of(answer["LogResult"])
    assert json.loads(reply.read_text())["event"] == {"a": 1}


@pytest.mark.aws
def test_aws_lambda_invoke_of_nobody(cloud: LocalCloud, tmp_path: Path) -> None:
    """The CLI prints our sentence."""
    done = run(tools.aws(), "lambda", "invoke", "--function-name", "nobody", "reply", cloud=cloud, cwd=tmp_path)

    assert done.returncode != 0
    assert "(ResourceNotFoundException) when calling the Invoke operation: Function not found: arn:" in done.stderr


@pytest.mark.aws
def test_aws_lambda_list_functions(cloud: LocalCloud, tmp_path: Path) -> None:
    """Page by page: the CLI itself asks for the next one."""
    arguments = ["lambda", "list-functions", "--page-size", "1", "--query", "Functions[].FunctionName"]
    done = run(tools.aws(), *arguments, cloud=cloud, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["local-Plain", "local-Stream", "local-Closed"]


@pytest.mark.sam
def test_sam_remote_invoke(cloud: LocalCloud, tmp_path: Path) -> None:
    """The reply goes to standard output, the log to standard error."""
    done = run(tools.sam(), "remote", "invoke", f"{ARN}Plain", "--event", '{"b": 2}', cloud=cloud, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["event"] == {"b": 2}
    assert "at work" in done.stderr.splitlines()


@pytest.mark.sam
def test_sam_remote_invoke_streams(cloud: LocalCloud, tmp_path: Path) -> None:
    """The CLI sees by the function URL that this function streams, and asks for the stream."""
    arguments = ["remote", "invoke", f"{ARN}Stream", "--output", "json"]
    done = run(tools.sam(), *arguments, cloud=cloud, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    events = json.loads(done.stdout)["EventStream"]
    assert "".join(event["PayloadChunk"]["Payload"] for event in events[:-1]) == "one two"
    assert events[-1].keys() == {"InvokeComplete"}


@pytest.mark.sam
def test_sam_remote_invoke_by_name_asks_cloudformation(cloud: LocalCloud, tmp_path: Path) -> None:
    """Which is moto's, and knows no stack: the ARN is needed, as README says."""
    done = run(tools.sam(), "remote", "invoke", "local-Plain", cloud=cloud, cwd=tmp_path)

    assert done.returncode != 0
    assert "Please provide full resource ARN" in done.stderr
