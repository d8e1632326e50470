"""A signed request carries the signature that AWS's own recipe gives for it."""

from __future__ import annotations

import hashlib
import hmac
import re

import httpx
import pytest
from botocore.credentials import Credentials

from tests.edge.address import Address
from tests.edge.conftest import Deployment
from tests.edge.signing import Signed, SigningError, signed
from tests.edge.telling import hear

HOST = "abc.lambda-url.eu-central-1.on.aws"
SECRET = "a secret"


def mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def test_signature() -> None:
    """Steps 1 to 4 of https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html, done by hand."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    address = Address("https", HOST, 443)
    auth = Signed(Credentials("AKID", SECRET, "a token"), "eu-central-1")
    with address.client(transport=httpx.MockTransport(answer), auth=auth) as client:
        client.get("/sse", params={"min_ms": "0", "max_ms": "0"}, headers={"last-event-id": "5"})

    headers = sent[0].headers
    time = headers["x-amz-date"]
    scope = f"{time[:8]}/eu-central-1/lambda/aws4_request"
    canonical = (
        f"GET\n/sse\nmax_ms=0&min_ms=0\nhost:{HOST}\nx-amz-date:{time}\nx-amz-security-token:a token\n\n"
        f"host;x-amz-date;x-amz-security-token\n{hashlib.sha256(b'').hexdigest()}"
    )
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = mac(key, part)
    to_sign = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    assert headers["x-amz-security-token"] == "a token"
    assert re.fullmatch(r"\d{8}T\d{6}Z", time)
    assert headers["authorization"] == (
        f"AWS4-HMAC-SHA256 Credential=AKID/{scope}, SignedHeaders=host;x-amz-date;x-amz-security-token, "
        f"Signature={mac(key, to_sign).hex()}"
    )


@pytest.mark.parametrize(("secret", "status"), [("local", 200), ("another", 403)])
def test_function_url_lets_in_whoever_signs_well(local_deployment: Deployment, secret: str, status: int) -> None:
    """The local one checks signatures as AWS does; the functions' own keys are known to it."""
    assert local_deployment.story is not None
    auth = Signed(Credentials("local", secret), "us-east-1")
    with local_deployment.story.client(auth=auth) as client:
        assert hear(client).status == status


def test_without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence that says what to set."""
    monkeypatch.setattr("boto3.Session.get_credentials", lambda session: None)

    with pytest.raises(SigningError, match="set AWS_PROFILE"):
        signed(Address("https", HOST, 443))


def test_region_of_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function URL names its region."""
    monkeypatch.setattr("boto3.Session.get_credentials", lambda session: Credentials("AKID", SECRET))

    request = next(signed(Address("https", HOST, 443)).auth_flow(httpx.Request("GET", f"https://{HOST}/sse")))

    assert "/eu-central-1/lambda/aws4_request" in request.headers["authorization"]
