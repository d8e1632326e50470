"""Who may call a function URL: the actions a caller needs, and why a permission does not give one.

What the real service does: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html - since October 2025 a URL needs
leave for two actions, whoever calls. A permission gives leave when all of it fits: the function or the alias of it,
the principal, the source, and the auth type.

What differs here, on purpose:
1. what is not known fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from fnmatch import fnmatchcase

from local.lint.edge import Origin
from local.lint.functions import FunctionUrl, Permission
from local.lint.template import Template

CALL_URL = "lambda:InvokeFunctionUrl"
INVOKE = "lambda:InvokeFunction"
CLOUDFRONT = "cloudfront.amazonaws.com"
_DISTRIBUTION_ARN = re.compile(r"arn:[^:]*:cloudfront::[^:]*:distribution/(.+)", re.DOTALL)


class Misfit(Enum):
    """What keeps a permission for the right function and action from applying, the first thing that does."""

    QUALIFIER = auto()
    PRINCIPAL = auto()
    SOURCE = auto()
    AUTH_TYPE = auto()


@dataclass(frozen=True, slots=True)
class EdgeCall:
    """One action that a distribution needs on a function URL it signs for, and does not get."""

    origin: Origin
    url: FunctionUrl
    action: str
    misfits: tuple[tuple[Permission, Misfit], ...]  # the permissions that were meant for it


def refused_edge_calls(template: Template) -> Iterator[EdgeCall]:
    """The calls that CloudFront makes and AWS refuses."""
    distributions = {origin.distribution_id for origin in template.origins}
    for origin in template.origins:
        url = origin.url
        if url is None or url.auth_type != "AWS_IAM" or not origin.signs:
            continue
        for action in (CALL_URL, INVOKE):
            found = [
                (permission, _edge_misfit(permission, url, origin.distribution_id, distributions))
                for permission in permissions_for(url, action, template)
                if _concerns_the_edge(permission)
            ]
            if not any(misfit is None for _, misfit in found):
                misfits = tuple((permission, misfit) for permission, misfit in found if misfit is not None)
                yield EdgeCall(origin, url, action, misfits)


def refused_public_actions(url: FunctionUrl, template: Template) -> list[str]:
    """The actions that not everybody has leave for, of the two that a public URL needs."""
    return [
        action
        for action in (CALL_URL, INVOKE)
        if not any(
            permission.value.get("Principal").text in ("*", None) and _base_misfit(permission, url) is None
            for permission in permissions_for(url, action, template)
        )
    ]


def permissions_for(url: FunctionUrl, action: str, template: Template) -> list[Permission]:
    """The permissions on the URL's function, whatever alias of it, that allow *action*."""
    return [
        permission
        for permission in template.permissions
        if permission.allows(action) and permission.function_name in (url.function_name, None)
    ]


def _concerns_the_edge(permission: Permission) -> bool:
    """Whether the permission was meant for CloudFront, or for everybody."""
    principal, source = permission.value.get("Principal").text, permission.value.get("SourceArn").reference
    return principal in ("*", None) or "cloudfront" in f"{principal} {source}" or "distribution/" in (source or "")


def _edge_misfit(permission: Permission, url: FunctionUrl, distribution: str, others: set[str]) -> Misfit | None:
    if (misfit := _base_misfit(permission, url)) is not None and misfit is not Misfit.AUTH_TYPE:
        return misfit
    if permission.value.get("Principal").text not in (CLOUDFRONT, "*", None):
        return Misfit.PRINCIPAL
    if not _names(permission, distribution, others - {distribution}):
        return Misfit.SOURCE
    return misfit


def _base_misfit(permission: Permission, url: FunctionUrl) -> Misfit | None:
    if permission.function_name is not None and permission.qualifier != url.qualifier:
        return Misfit.QUALIFIER
    if permission.value.get("FunctionUrlAuthType").text not in (url.auth_type, None):
        return Misfit.AUTH_TYPE
    return None


def _names(permission: Permission, distribution: str, others: set[str]) -> bool:
    """Whether the permission's source is that distribution; an id written out may be, it is given when deployed."""
    source = permission.value.get("SourceArn")
    if source.reference is None:
        return True
    arn = _DISTRIBUTION_ARN.fullmatch(source.reference)
    if arn is None:
        return source.text is None
    wanted = arn.group(1)
    return fnmatchcase(distribution, wanted) or ("/" not in wanted and wanted not in others)
