"""Which function a caller means.

What hop this is: a part of every operation of `invoke_api`.

What the real service does: takes a name, a partial or a whole ARN, each with or without a version or alias behind it
(https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestParameters).

What differs here, on purpose:
1. there is one code, the one on disk: aliases of the template and version 1, where one is published, all run $LATEST.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from local.config import Account, Function
from local.invoke_api.refusal import constraint, invalid_parameter, not_found

LATEST = "$LATEST"
MAX_REFERENCE_CHARACTERS = 256
_REFERENCE = re.compile(
    r"(?:arn:(?:aws[a-zA-Z-]*)?:lambda:)?"
    r"(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?"
    r"(?:(?P<account>\d{12}):)?"
    r"(?:function:)?"
    r"(?P<name>[a-zA-Z0-9-_.]+)"
    r"(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?",
    re.ASCII,
)
_QUALIFIER = re.compile(r"\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_$]{1,128}")


@dataclass(frozen=True, slots=True)
class Target:
    """A function, and the version or alias that was named; "" where none was."""

    function: Function
    qualifier: str = ""

    @property
    def arn(self) -> str:
        """With the qualifier, as it was named."""
        return f"{self.function.arn}:{self.qualifier}" if self.qualifier else self.function.arn


def find_target(account: Account, reference: str, qualifier: str = "") -> Target:
    """The function that *reference* names in any of its forms, *qualifier* being the request's own.

    Raises `RefusedError` when there is none, or when the two contradict each other.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None or len(reference) > MAX_REFERENCE_CHARACTERS:
        raise constraint("functionName", reference, f"satisfy regular expression pattern: {_REFERENCE.pattern}")
    if qualifier and not _QUALIFIER.fullmatch(qualifier):
        raise constraint("qualifier", qualifier, f"satisfy regular expression pattern: {_QUALIFIER.pattern}")
    if match["qualifier"] and qualifier not in ("", match["qualifier"]):
        raise invalid_parameter("The derived qualifier from the function name does not match the specified qualifier.")
    region, account_id = match["region"] or account.region, match["account"] or account.account_id
    here = (region, account_id) == (account.region, account.account_id)
    function = account.function(match["name"]) if here else None
    qualifier = qualifier or match["qualifier"] or ""
    if function is None or qualifier not in ("", LATEST, *function.qualifiers):
        suffix = f":{qualifier}" if qualifier else ""
        name = function.name if function else match["name"]
        raise not_found(f"Function not found: arn:aws:lambda:{region}:{account_id}:function:{name}{suffix}")
    return Target(function, qualifier)
