"""Names that AWS would give out, made up here so that they are the same on every start.

What the real service does: CloudFormation names what the template leaves unnamed `<stack>-<logical id>-<random>`,
Lambda draws a random id for a function URL, CloudFront one for a distribution.

What differs here, on purpose:
1. nothing is random: an id is derived from the logical id, so an address in a browser's history stays right;
2. function URLs and the distribution lie on this machine (`localhost`), at the port of the edge.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

STACK_NAME = "local"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the stack runs: region, account, and the port that the edge listens on."""

    edge_port: int = 8080
    region: str = "us-east-1"
    account_id: str = "123456789012"

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a regional resource such as `function:story` of the service `lambda`."""
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"

    def function_url_domain(self, url_id: str) -> str:
        """The host of a function URL, without the port; `*.localhost` is this machine (RFC 6761, section 6.3)."""
        return f"{url_id}.lambda-url.{self.region}.localhost"


def derived_id(logical_id: str, length: int) -> str:
    """*length* (up to 52) lower-case letters and digits, always the same for a logical id."""
    digest = hashlib.sha256(logical_id.encode()).digest()
    return base64.b32encode(digest).decode().lower()[:length]


def function_url_id(logical_id: str) -> str:
    """The id of the function URL with that logical id; Lambda's have this shape too."""
    return derived_id(logical_id, 32)


def physical_name(logical_id: str) -> str:
    """The name of a resource that the template leaves unnamed."""
    return f"{STACK_NAME}-{logical_id}"
