"""The same function behind AWS's own Python client and behind ours: the same answers, the same log."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest

from tests.function.fake_runtime_api import Event, FakeRuntimeApi, Request
from tests.function.runtime_process import AWS_CLIENT, WRAPPED, start

SOURCE = """
import decimal, logging, os, sys
sys.path.append(os.path.dirname(__file__))
import sibling
logger = logging.getLogger("story")
logger.warning("being imported")

class StoryError(Exception):
    pass

def recurse():
    recurse()

def handler(event, context):
    if event == "environment":
        return [os.environ.get("_X_AMZN_TRACE_ID"), context.aws_request_id, context.tenant_id, sibling.NAME]
    if event == "client":
        return [context.client_context.custom, context.identity.cognito_identity_id, context.w3c()]
    if event == "log":
        logger.error("told %s", "ä", extra={"words": 3})
        logger.warning({"told": True})
        print("printed")
        context.log("logged\\n")
    if event == "error":
        raise StoryError("no such page: ä\\nsecond line")
    if event == "silent":
        raise StoryError
    if event == "recursion":
        recurse()
    if event == "no json":
        return {1, 2}
    if event == "number":
        return {"n": decimal.Decimal("1.50"), "text": "ä"}
    if event == "bytes":
        return b"\\x00\\xff"
    return event
"""
EVENTS = [
    Event(body=b'"environment"', headers={"Lambda-Runtime-Trace-Id": "Root=1", "Lambda-Runtime-Aws-Tenant-Id": "t"}),
    Event(body=b'"environment"', headers={"Lambda-Runtime-Invocation-Id": "i-1"}),
    Event(
        body=b'"client"',
        headers={
            "Lambda-Runtime-Client-Context": '{"custom": {"name": "Zoë"}, "w3c": {"traceparent": "00-a"}}',
            "Lambda-Runtime-Cognito-Identity": '{"cognitoIdentityId": "id"}',
        },
    ),
    Event(body=b'"log"'),
    Event(body=b'"error"', headers={"Lambda-Runtime-Invocation-Id": "i-2"}),
    Event(body=b'"silent"'),
    Event(body=b'"recursion"'),
    Event(body=b'"number"'),
    Event(body=b'"bytes"'),
    Event(body='{"text": "ä🐌", "list": [1.5, null, true]}'.encode(), chunked=True),
    Event(body=b"text", headers={"Content-Type": "text/plain"}),
]
FAULTS = [
    Event(body=b'"no json"'),
    Event(body=b"{"),
    Event(headers={"Lambda-Runtime-Client-Context": "{"}),
]

REPEATED = re.compile(r"\d+ more times")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")


@dataclass
class Side:
    requests: list[Request]
    log: str

    @property
    def replies(self) -> list[Request]:
        return [request for request in self.requests if request.method == "POST"]


@pytest.fixture(scope="module", params=["Text", "JSON"])
def sides(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Side, Side]:
    """Ours and AWS's, each a process that has served the same events."""
    folder = tmp_path_factory.mktemp("function")
    (folder / "sibling.py").write_text("NAME = 'sibling'")
    sides = []
    for command in (WRAPPED, AWS_CLIENT):
        with FakeRuntimeApi(*EVENTS, *FAULTS) as api:
            environ = {"AWS_LAMBDA_LOG_FORMAT": request.param, "AWS_LAMBDA_LOG_LEVEL": "INFO"}
            ended = start(api, folder, source=SOURCE, command=command, environ=environ)
        sides.append(Side(api.requests, ended.stdout))
    return sides[0], sides[1]


def said(reply: Request) -> dict[str, Any]:
    """What Lambda reads of a reply, JSON decoded. How deep a recursion went is left open, as is the order of files."""
    cause = decoded(reply.header("lambda-runtime-function-xray-error-cause") or "{}")
    if cause:
        cause["paths"] = sorted(cause["paths"])
        cause["exceptions"][0]["stack"][9:] = []
    return {
        "target": reply.target,
        "content-type": reply.header("content-type"),
        "invocation id": reply.header("lambda-runtime-invocation-id"),
        "body": decoded(REPEATED.sub("N more times", reply.body.decode(errors="surrogateescape"))),
        "cause": cause,
    }


def lines(log: str) -> list[Any]:
    """Log lines, decoded where they are JSON, without times and what AWS's client says when the Runtime API is gone."""
    masked = REPEATED.sub("N more times", TIME.sub("TIME", log))
    return [decoded(line) for line in masked.split("\n") if "LAMBDA_RUNTIME Failed to get next" not in line]


def decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def test_every_reply_is_the_same(sides: tuple[Side, Side]) -> None:
    """Path, headers and body, error documents and stack traces among them."""
    ours, theirs = sides

    assert len(ours.replies) == len(EVENTS) + len(FAULTS)
    for one, other in zip(ours.replies[: len(EVENTS)], theirs.replies, strict=False):
        assert said(one) == said(other)


def test_every_fault_is_the_same_but_for_its_wording(sides: tuple[Side, Side]) -> None:
    """The end of a sentence is the JSON library's, and for X-Ray AWS calls all of them LambdaValidationError."""
    ours, theirs = sides

    for one, other in zip(ours.replies[len(EVENTS) :], theirs.replies[len(EVENTS) :], strict=True):
        document, expected = json.loads(one.body), json.loads(other.body)
        assert one.target == other.target
        assert document.pop("errorMessage").split(":")[0] == expected.pop("errorMessage").split(":")[0]
        assert document == expected


def test_the_log_is_the_same(sides: tuple[Side, Side]) -> None:
    """Line by line up to the faults, in the text format and in JSON: what the function logs, prints and raises."""
    ours, theirs = (lines(side.log) for side in sides)
    last = next(number for number, line in enumerate(ours) if "Runtime.MarshalError" in str(line))

    assert last > 6
    assert ours[:last] == theirs[:last]
