"""The metadata endpoint: where a function runs.

What hop this is: `function -> aws_endpoint -> [metadata]`.

What the real service does: answers `GET http://$AWS_LAMBDA_METADATA_API/2026-01-15/metadata/execution-environment`,
which has `$AWS_LAMBDA_METADATA_TOKEN` as its bearer token, with the id of the availability zone; that may be kept for
twelve hours. Without the token it is a 401, with another method a 405
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-metadata-endpoint.html).

What differs here, on purpose:
1. it is at the AWS endpoint, and all environments of one emulator have the same token;
2. the zone is always the first of the region;
3. the bodies of refusals are our own.
"""

from __future__ import annotations

import hmac
import json
import re

from local.asgi import Receive, Route, Scope, Send, respond
from local.wire.headers import Header

PATH = "/2026-01-15/metadata/execution-environment"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_JSON: Header = (b"content-type", b"application/json")
_DIRECTION = re.compile("north|south|east|west|central|gov")


class Metadata:
    """ASGI: the endpoint in *region*, for who has *token*; `routes` are its place at the AWS endpoint."""

    def __init__(self, region: str, token: str) -> None:
        self.routes: list[Route] = [(method, re.escape(PATH), self) for method in _METHODS]
        self._zone = zone_id(region)
        self._authorization = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        if scope["method"] != "GET":
            await _answer(send, 405, {"message": "The metadata endpoint answers GET only"}, (b"allow", b"GET"))
        elif not hmac.compare_digest(given, self._authorization):
            await _answer(send, 401, {"message": "The token of AWS_LAMBDA_METADATA_TOKEN is missing or wrong"})
        else:
            kept = (b"cache-control", b"private, max-age=43200, immutable")
            await _answer(send, 200, {"AvailabilityZoneID": self._zone}, kept)


def zone_id(region: str) -> str:
    """The id of the first zone of *region*: `use1-az1` in us-east-1, `apne1-az1` in ap-northeast-1.

    https://docs.aws.amazon.com/global-infrastructure/latest/regions/az-ids.html
    """
    return _DIRECTION.sub(lambda match: match[0][0], region).replace("-", "") + "-az1"


async def _answer(send: Send, status: int, document: dict[str, str], *headers: Header) -> None:
    await respond(send, status, headers=[_JSON, *headers], body=json.dumps(document).encode())
