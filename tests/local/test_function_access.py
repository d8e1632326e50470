"""Who gets through the door of a function URL."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.config import Function, FunctionUrl, Permission
from local.function_access import CLOUDFRONT, FORBIDDEN, Access, AccessDeniedError
from local.signature import SignatureError
from local.wire.http_event import HttpRequest
from tests.local.test_signature import SECRETS, signed

ARN = "arn:aws:cloudfront::123456789012:distribution/E1"
UNSIGNED = HttpRequest("GET", "/", "", [(b"host", b"x")], b"", "127.0.0.1")
URL_PUBLIC = Permission("lambda:InvokeFunctionUrl", "*", function_url_auth_type="NONE")
INVOKE_PUBLIC = Permission("lambda:InvokeFunction", "*", invoked_via_function_url=True)
URL_EDGE = Permission("lambda:InvokeFunctionUrl", CLOUDFRONT, source_arn=ARN, function_url_auth_type="AWS_IAM")
INVOKE_EDGE = Permission("lambda:InvokeFunction", CLOUDFRONT, source_arn=ARN, invoked_via_function_url=True)


def access(auth_type: str, *permissions: Permission) -> Access:
    url = FunctionUrl("abc", "abc.lambda-url.us-east-1.localhost", auth_type=auth_type)
    function = Function("F", "f", "arn", "python3.13", "f.f", Path("/"), url=url, permissions=permissions)
    return Access(function, "us-east-1", SECRETS)


def test_public_url_with_both_permissions() -> None:
    """Everybody may call."""
    assert access("NONE", URL_PUBLIC, INVOKE_PUBLIC).check(UNSIGNED, distribution_arn=None) is None


@pytest.mark.parametrize(
    ("permissions", "missing"),
    [
        ((), "lambda:InvokeFunctionUrl and lambda:InvokeFunction"),
        ((URL_PUBLIC,), "lambda:InvokeFunction"),
        ((INVOKE_PUBLIC,), "lambda:InvokeFunctionUrl"),
        ((URL_EDGE, INVOKE_EDGE), "lambda:InvokeFunctionUrl and lambda:InvokeFunction"),
    ],
)
def test_public_url_needs_both_permissions(permissions: tuple[Permission, ...], missing: str) -> None:
    """AuthType NONE alone opens nothing, since October 2025; what is missing is for the log alone."""
    with pytest.raises(AccessDeniedError) as caught:
        access("NONE", *permissions).check(UNSIGNED, distribution_arn=None)

    assert caught.value.message == FORBIDDEN
    assert caught.value.reason == f"no permission of F lets everybody do {missing}"


def test_edge_with_both_permissions() -> None:
    """The distribution that the permissions name."""
    assert access("AWS_IAM", URL_EDGE, INVOKE_EDGE).check(UNSIGNED, distribution_arn=ARN) is None


@pytest.mark.parametrize(
    ("permissions", "arn"),
    [
        ((URL_EDGE,), ARN),
        ((INVOKE_EDGE,), ARN),
        ((URL_PUBLIC, INVOKE_PUBLIC), ARN),
        ((URL_EDGE, INVOKE_EDGE), ARN + "2"),
    ],
    ids=["no InvokeFunction", "no InvokeFunctionUrl", "only for NONE", "another distribution"],
)
def test_edge_is_refused(permissions: tuple[Permission, ...], arn: str) -> None:
    """As on AWS, where a missing permission is a 403 that says little."""
    with pytest.raises(AccessDeniedError) as caught:
        access("AWS_IAM", *permissions).check(UNSIGNED, distribution_arn=arn)

    assert caught.value.message == FORBIDDEN


def test_signed_caller_of_the_same_account() -> None:
    """Needs no permission of the function's own."""
    assert access("AWS_IAM").check(signed(), distribution_arn=None) == "AKIDLOCAL"


def test_unsigned_and_badly_signed_callers() -> None:
    """The one is told nothing, the other what is wrong."""
    with pytest.raises(AccessDeniedError, match="^Forbidden$") as caught:
        access("AWS_IAM").check(UNSIGNED, distribution_arn=None)
    assert caught.value.reason == "not signed, and AuthType of F is AWS_IAM"
    with pytest.raises(SignatureError):
        access("AWS_IAM").check(signed(secret="wrong"), distribution_arn=None)
