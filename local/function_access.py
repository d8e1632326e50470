"""Who may call a function URL.

What hop this is: `function_url -> [function_access] -> signature`.

What the real service does (https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html): a caller needs both
`lambda:InvokeFunctionUrl` and `lambda:InvokeFunction`, the second one at least for calls through the URL. With
`AuthType: NONE` everybody is asked for the function's own permissions; with `AWS_IAM` a request must be signed, and
CloudFront signs with origin access control
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-lambda.html).

What differs here, on purpose:
1. whoever signs with a key that is known here belongs to the function's account and may call it: identity policies are
   not evaluated;
2. the edge does not really sign, it says so within the process; what it may is read from the function's permissions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from local.config import Function, Permission
from local.signature import is_signed, verify
from local.wire.http_event import HttpRequest

CLOUDFRONT = "cloudfront.amazonaws.com"
FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)


class AccessDeniedError(Exception):
    """The caller may not invoke the function; it is not invoked, and nothing is logged."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Access:
    """The door of *function*'s URL; *secrets* has the secret of each access key that is known here."""

    function: Function
    region: str
    secrets: Mapping[str, str]
    _granted: dict[tuple[str, str], bool] = field(default_factory=dict, init=False)

    def check(self, request: HttpRequest, *, distribution_arn: str | None) -> str | None:
        """The access key that signed *request*, None where nobody had to.

        *distribution_arn* is that of the distribution whose edge passes the request on, None for all other callers.
        Raises `AccessDeniedError`, or `SignatureError` for a signature that is wrong.
        """
        url = self.function.url
        assert url is not None
        if distribution_arn is not None:
            self._require(CLOUDFRONT, url.auth_type, source_arn=distribution_arn)
            return None
        if url.auth_type == "NONE":
            self._require("*", url.auth_type)
            return None
        if not is_signed(request):
            raise AccessDeniedError("Forbidden")
        return verify(request, region=self.region, secrets=self.secrets)

    def _require(self, principal: str, auth_type: str, *, source_arn: str = "") -> None:
        asked = principal, source_arn  # by the public, and by distributions of this emulator: there are not many
        if asked not in self._granted:
            self._granted[asked] = self._grants(principal, auth_type, source_arn)
        if not self._granted[asked]:
            raise AccessDeniedError(FORBIDDEN)

    def _grants(self, principal: str, auth_type: str, source_arn: str) -> bool:
        granted = [
            permission
            for permission in self.function.permissions
            if permission.principal in ("*", principal) and fnmatchcase(source_arn, permission.source_arn or "*")
        ]
        through_url = any(_grants_url(permission, auth_type) for permission in granted)
        return through_url and any(_grants_invoke(permission) for permission in granted)


def _grants_url(permission: Permission, auth_type: str) -> bool:
    return permission.action in ("lambda:InvokeFunctionUrl", "lambda:*") and (
        permission.function_url_auth_type in (None, auth_type)
    )


def _grants_invoke(permission: Permission) -> bool:
    return (
        permission.action in ("lambda:InvokeFunction", "lambda:*") and permission.invoked_via_function_url is not False
    )
