"""AWS's query protocol, against botocore's own serializer and parser as the other side."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import botocore.session
import pytest
from botocore.parsers import QueryParser
from botocore.serialize import QuerySerializer
from hypothesis import given
from hypothesis import strategies as st

from local.wire.aws_query import read_parameters, write_answer, write_error

NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"
MODEL = botocore.session.get_session().get_service_model("cloudformation")
TEXT = st.text(min_size=1)
TAGS = st.lists(st.fixed_dictionaries({"Key": TEXT, "Value": st.text()}), min_size=1)


def sent(operation: str, parameters: dict[str, Any]) -> bytes:
    """The body of botocore's request."""
    request = QuerySerializer().serialize_to_request(parameters, MODEL.operation_model(operation))
    return urlencode(request["body"]).encode()


def received(operation: str, body: bytes) -> dict[str, Any]:
    """What botocore makes of an answer."""
    shape = MODEL.operation_model(operation).output_shape
    parsed: dict[str, Any] = QueryParser().parse({"status_code": 200, "headers": {}, "body": body}, shape)
    return parsed


@given(name=TEXT, template=st.text(), tags=TAGS, capabilities=st.lists(TEXT, min_size=1), flag=st.booleans())
def test_parameters_are_what_botocore_sent(
    name: str, template: str, tags: list[dict[str, str]], capabilities: list[str], flag: bool
) -> None:
    """Strings, lists, lists of structures, and booleans, which are words."""
    body = sent(
        "CreateStack",
        {
            "StackName": name, "TemplateBody": template, "Tags": tags, "Capabilities": capabilities,
            "DisableRollback": flag,
        },
    )  # fmt: skip

    assert read_parameters(body) == {
        "Action": "CreateStack",
        "Version": "2010-05-15",
        "StackName": name,
        "TemplateBody": template,
        "Tags": tags,
        "Capabilities": capabilities,
        "DisableRollback": "true" if flag else "false",
    }


def test_a_long_list_keeps_its_order() -> None:
    """Its tenth member comes after its ninth."""
    names = [f"R{number}" for number in range(12)]

    assert (
        read_parameters(sent("DeleteStack", {"StackName": "a", "RetainResources": names}))["RetainResources"] == names
    )


@pytest.mark.parametrize("body", [b"\xff=1", b"A=1&A.B=2"])
def test_what_is_no_form(body: bytes) -> None:
    with pytest.raises(ValueError, match="contradicts|decode"):
        read_parameters(body)


@given(body=st.binary())
def test_any_body_is_read_or_refused(body: bytes) -> None:
    """Whatever comes, nothing else than a ValueError."""
    try:
        read_parameters(body)
    except ValueError:
        return


def test_botocore_reads_the_answer() -> None:
    """Nested lists, an empty one, a time, a boolean, and nothing for None."""
    time = datetime(2026, 11, 25, 15, 16, 34, 123456, tzinfo=UTC)
    stack = {
        "StackName": "words", "StackStatus": "CREATE_COMPLETE", "CreationTime": time, "DeletionTime": None,
        "EnableTerminationProtection": False, "Tags": [], "Outputs": [{"OutputKey": "Url", "OutputValue": "<&>"}],
    }  # fmt: skip

    answer = received(
        "DescribeStacks", write_answer("DescribeStacks", {"Stacks": [stack]}, namespace=NAMESPACE, request_id="1")
    )

    assert answer["Stacks"] == [
        {
            **{name: value for name, value in stack.items() if value is not None},
            "CreationTime": time.replace(microsecond=123000),
        }
    ]
    assert answer["ResponseMetadata"]["RequestId"] == "1"


@given(text=st.text())
def test_any_text_is_xml(text: str) -> None:
    """A reason may hold whatever a function has said."""
    answer = write_answer("GetTemplate", {"TemplateBody": text}, namespace=NAMESPACE, request_id="1")

    assert received("GetTemplate", answer)["ResponseMetadata"]["RequestId"] == "1"


def test_botocore_reads_the_error() -> None:
    body = write_error("ValidationError", "Stack with id x does not exist", namespace=NAMESPACE, request_id="1")

    parsed = QueryParser().parse({"status_code": 400, "headers": {}, "body": body}, None)

    assert parsed["Error"] == {
        "Type": "Sender",
        "Code": "ValidationError",
        "Message": "Stack with id x does not exist",
    }
