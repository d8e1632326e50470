"""Names that AWS would give out, made up here so that they are the same on every start.

What the real service does: CloudFormation names what the template leaves unnamed `<stack>-<logical id>-<random>`,
Lambda draws a random id for a function URL, CloudFront one for a distribution.

What differs here, on purpose:
1. nothing is random: an id is derived from the logical id, and where the stack was deployed from that deployment, so an
   address in a browser's history stays right;
2. function URLs and the distribution lie on this machine (`localhost`), at the port of the edge.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from dataclasses import dataclass

STACK_NAME = "local"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the stack runs: region, account, and the port that the edge listens on; and which stack it is.

    *unique* tells a stack that was deployed from every other one, of the same name too; the template that the
    emulator started with has none.
    """

    edge_port: int = 8080
    region: str = "us-east-1"
    account_id: str = "123456789012"
    stack_name: str = STACK_NAME
    unique: str = ""

    @property
    def stack_id(self) -> str:
        """The ARN of the stack."""
        identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{self.account_id}/{self.region}/{self.stack_name}{self.unique}")
        return self.arn("cloudformation", f"stack/{self.stack_name}/{identity}")

    def derived_id(self, logical_id: str, length: int) -> str:
        """*length* (up to 52) lower-case letters and digits, always the same for a logical id of this stack."""
        digest = hashlib.sha256(f"{logical_id}{self.unique}".encode()).digest()
        return base64.b32encode(digest).decode().lower()[:length]

    def physical_name(self, logical_id: str, limit: int = 64) -> str:
        """The name, of at most *limit* characters, of a resource that the template leaves unnamed."""
        name = f"{self.stack_name}-{logical_id}"
        return f"{name[: limit - 13]}-{self.derived_id(logical_id, 12).upper()}" if self.unique else name

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a regional resource such as `function:story` of the service `lambda`."""
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"

    def function_url_domain(self, url_id: str) -> str:
        """The host of a function URL, without the port; `*.localhost` is this machine (RFC 6761, section 6.3)."""
        return f"{url_id}.lambda-url.{self.region}.localhost"

    def distribution_domain(self, distribution_id: str) -> str:
        """The host of a distribution, without the port."""
        return f"{distribution_id.lower()}.cloudfront.localhost"
