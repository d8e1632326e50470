"""Signs requests to a function URL that lets nobody else in.

What this is: `detector -> [signing] -> function URL`, when the caller asks for it.

What the real service does: a URL with `AuthType: AWS_IAM` takes requests with a Signature Version 4 for the service
`lambda` (https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html). Keys come from where boto3 finds them.
"""

from __future__ import annotations

from collections.abc import Generator

import boto3
import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials

from tests.edge.address import Address

_MARK = ".lambda-url."


class SigningError(Exception):
    """A request cannot be signed; the text says what is missing."""


class Signed(httpx.Auth):
    """Signs each request to a function URL of *region* with *credentials*."""

    requires_request_body = True

    def __init__(self, credentials: Credentials | ReadOnlyCredentials, region: str) -> None:
        self._signer = SigV4Auth(credentials, "lambda", region)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        host = request.headers["host"]
        url = f"{request.url.scheme}://{host}{request.url.raw_path.decode()}"
        # Hops may change other headers, so only the host is signed, which every signature must hold.
        described = AWSRequest(method=request.method, url=url, headers={"host": host}, data=request.content)
        self._signer.add_auth(described)
        request.headers.update({name: value for name, value in described.headers.items() if name != "host"})
        yield request


def signed(address: Address) -> Signed:
    """For *address*, with the keys that boto3 finds. Raises `SigningError` without any, or for another address."""
    _, mark, rest = address.host.partition(_MARK)
    if not mark:
        raise SigningError(f"{address} is no function URL, so nothing is signed for it.")
    credentials = boto3.Session().get_credentials()
    if credentials is None:
        raise SigningError("boto3 finds no keys to sign with: set AWS_PROFILE, or leave --sign away.")
    return Signed(credentials.get_frozen_credentials(), rest.partition(".")[0])
