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
_URL_ACTION, _ACTION = "lambda:InvokeFunctionUrl", "lambda:InvokeFunction"
_WHO = {"*": "everybody", CLOUDFRONT: "the distribution"}
FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)


class AccessDeniedError(Exception):
    """The caller, who is told *message*, may not invoke the function; *reason* is for whoever wrote the template."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Access:
    """The door of *function*'s URL; *secrets* has the secret of each access key that is known here."""

    function: Function
    region: str
    secrets: Mapping[str, str]
    _missing: dict[tuple[str, str], list[str]] = field(default_factory=dict, init=False)

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
            raise AccessDeniedError("Forbidden", f"not signed, and AuthType of {self.function.logical_id} is AWS_IAM")
        return verify(request, region=self.region, secrets=self.secrets)

    def _require(self, principal: str, auth_type: str, *, source_arn: str = "") -> None:
        asked = principal, source_arn  # by the public, and by distributions of this emulator: there are not many
        if asked not in self._missing:
            self._missing[asked] = self._missed(principal, auth_type, source_arn)
        if missing := self._missing[asked]:
            raise AccessDeniedError(
                FORBIDDEN,
                f"no permission of {self.function.logical_id} lets {_WHO[principal]} do {' and '.join(missing)}",
            )

    def _missed(self, principal: str, auth_type: str, source_arn: str) -> list[str]:
        """The actions that are not granted."""
        granted = [
            permission
            for permission in self.function.permissions
            if permission.principal in ("*", principal) and fnmatchcase(source_arn, permission.source_arn or "*")
        ]
        through_url = any(_grants_url(permission, auth_type) for permission in granted)
        invoke = any(_grants_invoke(permission) for permission in granted)
        return [action for action, is_granted in ((_URL_ACTION, through_url), (_ACTION, invoke)) if not is_granted]


def _grants_url(permission: Permission, auth_type: str) -> bool:
    return permission.action in (_URL_ACTION, "lambda:*") and permission.function_url_auth_type in (None, auth_type)


def _grants_invoke(permission: Permission) -> bool:
    return permission.action in (_ACTION, "lambda:*") and permission.invoked_via_function_url is not False
