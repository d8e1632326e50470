"""Every way to name a function finds it, and no other does."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import botocore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.config import Stack
from local.invoke_api.refusal import RefusedError
from local.invoke_api.target import find_target
from tests.local.fakes.environment import a_function

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:test-worker"
STACK = Stack("local", "eu-west-1", "123456789012", functions=(a_function(qualifiers=("1", "live")),))
MODEL = json.loads(
    gzip.decompress((Path(botocore.__file__).parent / "data/lambda/2015-03-31/service-2.json.gz").read_bytes())
)

references = st.one_of(st.text(max_size=40), st.from_regex(MODEL["shapes"]["NamespacedFunctionName"]["pattern"]))


@pytest.mark.parametrize(
    "reference",
    [
        "test-worker",
        "Worker",
        "function:test-worker",
        "123456789012:function:test-worker",
        "123456789012:test-worker",
        ARN,
    ],
)
@pytest.mark.parametrize(
    ("inside", "beside", "qualifier"),
    [
        ("", "", ""),
        (":live", "", "live"),
        ("", "live", "live"),
        (":live", "live", "live"),
        ("", "1", "1"),
        (":$LATEST", "", "$LATEST"),
    ],
)
def test_forms(reference: str, inside: str, beside: str, qualifier: str) -> None:
    """Name, logical id, partial and whole ARN; with the qualifier inside, beside, or both."""
    target = find_target(STACK, reference + inside, beside)

    assert (target.function, target.qualifier) == (STACK.functions[0], qualifier)
    assert target.arn == (f"{ARN}:{qualifier}" if qualifier else ARN)


@pytest.mark.parametrize(
    ("reference", "qualifier", "arn"),
    [
        ("nobody", "", ARN.replace("test-worker", "nobody")),
        ("nobody:live", "", ARN.replace("test-worker", "nobody") + ":live"),
        ("Worker", "gone", f"{ARN}:gone"),
        ("test-worker:2", "", f"{ARN}:2"),
        ("test-worker:$LATEST.PUBLISHED", "", f"{ARN}:$LATEST.PUBLISHED"),
        (ARN.replace("eu-west-1", "us-east-1"), "", ARN.replace("eu-west-1", "us-east-1")),
        ("210987654321:function:test-worker", "", ARN.replace("123456789012", "210987654321")),
    ],
)
def test_not_found(reference: str, qualifier: str, arn: str) -> None:
    """The ARN that was looked for is in the answer."""
    with pytest.raises(RefusedError) as refused:
        find_target(STACK, reference, qualifier)

    assert (refused.value.status, refused.value.error_type) == (404, "ResourceNotFoundException")
    assert refused.value.document == {"Type": "User", "Message": f"Function not found: {arn}"}


def test_contradiction() -> None:
    with pytest.raises(RefusedError) as refused:
        find_target(STACK, "test-worker:live", "1")

    assert (refused.value.status, refused.value.error_type) == (400, "InvalidParameterValueException")
    assert "does not match the specified qualifier" in refused.value.document["message"]


@pytest.mark.parametrize(
    ("reference", "qualifier", "member"),
    [
        ("a b", "", "functionName"),
        ("name:", "", "functionName"),
        ("arn:aws:s3:::bucket", "", "functionName"),
        ("x" * 257, "", "functionName"),
        ("test-worker", "a b", "qualifier"),
        ("test-worker", "x" * 129, "qualifier"),
    ],
)
def test_not_a_name(reference: str, qualifier: str, member: str) -> None:
    with pytest.raises(RefusedError) as refused:
        find_target(STACK, reference, qualifier)

    assert (refused.value.status, refused.value.error_type) == (400, "ValidationException")
    assert f"at '{member}' failed to satisfy constraint" in refused.value.document["message"]


@given(references)
def test_what_the_model_allows_is_a_name(reference: str) -> None:
    """Our pattern is that of the service's model: nothing else is a name, and a name is found or not found."""
    pattern = MODEL["shapes"]["NamespacedFunctionName"]["pattern"].replace("\\d", "[0-9]")
    allowed = re.fullmatch(pattern, reference) is not None and len(reference) <= 256
    try:
        find_target(STACK, reference)
        outcome = 200
    except RefusedError as error:
        outcome = error.status

    assert (outcome != 400) == allowed
