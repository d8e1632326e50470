"""Whether a request was signed by whom it says: Signature Version 4, checked.

What hop this is: beside `function_url`, which asks it about requests to a URL with `AuthType: AWS_IAM`.

What the real service does: a signature is an HMAC over method, path, query, some headers and the body's hash, in the
`Authorization` header or in the query of a presigned URL; its time may be five minutes off
(https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html). The sentences are those that AWS's
services answer with.

What differs here, on purpose:
1. whoever knows a secret may call: the placeholder keys that the functions get, and the key in the environment that
   the emulator was started in. Policies of identities are not evaluated.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from calendar import timegm
from collections.abc import Mapping
from urllib.parse import parse_qsl

from local.wire.http_event import HttpRequest

SKEW_SECONDS = 5 * 60
_ALGORITHM = "AWS4-HMAC-SHA256"
_TIME = "%Y%m%dT%H%M%SZ"


class SignatureError(Exception):
    """The request is not signed, or not well; *error_type* is AWS's name for that."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message


def verify(request: HttpRequest, *, region: str, secrets: Mapping[str, str], service: str = "lambda") -> str:
    """The access key that signed *request*. *secrets* has the secret for each key. Raises `SignatureError`."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.headers}
    claim = _claim(headers, dict(parse_qsl(request.query, keep_blank_values=True)))
    access_key, _, scope = claim["credential"].partition("/")
    date = claim["date"]
    if scope != f"{date[:8]}/{region}/{service}/aws4_request":
        wanted = f"{date[:8]}/{region}/{service}/aws4_request"
        raise SignatureError("InvalidSignatureException", f"Credential should be scoped to {wanted}, not {scope}.")
    if access_key not in secrets:
        raise SignatureError("UnrecognizedClientException", "The security token included in the request is invalid.")
    _check_time(date, int(claim.get("expires") or SKEW_SECONDS))
    claimed_hash = headers.get("x-amz-content-sha256")
    if claimed_hash not in (None, hashlib.sha256(request.body).hexdigest()):
        raise SignatureError("InvalidSignatureException", "x-amz-content-sha256 is not the hash of the request's body.")
    expected = _signature(request, headers, claim, region=region, service=service, secret=secrets[access_key])
    if not hmac.compare_digest(expected, claim["signature"]):
        raise SignatureError(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.",
        )
    return access_key


def is_signed(request: HttpRequest) -> bool:
    """Whether *request* claims to be signed at all."""
    return any(name.lower() == b"authorization" for name, _ in request.headers) or "X-Amz-Signature=" in request.query


def _claim(headers: Mapping[str, str], query: Mapping[str, str]) -> dict[str, str]:
    """`credential`, `signedheaders`, `signature`, `date`; `expires` for a presigned URL. Raises `SignatureError`."""
    if "X-Amz-Signature" in query:
        claim = {
            name.removeprefix("X-Amz-").lower(): value for name, value in query.items() if name.startswith("X-Amz-")
        }
    else:
        algorithm, _, parts = headers.get("authorization", "").partition(" ")
        if algorithm != _ALGORITHM:
            raise SignatureError("IncompleteSignatureException", f"Authorization must begin with {_ALGORITHM}.")
        pairs = (part.strip().partition("=") for part in parts.split(","))
        claim = {name.lower(): value for name, _, value in pairs}
        claim["date"] = headers.get("x-amz-date", "")
    for name in ("credential", "signedheaders", "signature", "date"):
        if not claim.get(name):
            raise SignatureError("IncompleteSignatureException", f"The signature of the request lacks its {name}.")
    if "host" not in claim["signedheaders"].split(";"):
        raise SignatureError("IncompleteSignatureException", "'Host' must be a signed header.")
    return claim


def _check_time(date: str, valid_seconds: int) -> None:
    try:
        signed = timegm(time.strptime(date, _TIME))
    except ValueError:
        raise SignatureError("IncompleteSignatureException", f"{date!r} is no date in ISO 8601 basic form.") from None
    now = time.time()
    if signed + valid_seconds < now:
        message = f"Signature expired: {date} is now earlier than {_text(now - valid_seconds)} ({_text(now)})."
        raise SignatureError("InvalidSignatureException", message)
    if signed - SKEW_SECONDS > now:
        message = f"Signature not yet current: {date} is still later than {_text(now + SKEW_SECONDS)} ({_text(now)})."
        raise SignatureError("InvalidSignatureException", message)


def _signature(
    request: HttpRequest,
    headers: Mapping[str, str],
    claim: Mapping[str, str],
    *,
    region: str,
    service: str,
    secret: str,
) -> str:
    # Only a signed request needs it: 50 ms.
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    query = "&".join(part for part in request.query.split("&") if not part.startswith("X-Amz-Signature="))
    url = f"http://{headers.get('host', '')}{request.path}" + (f"?{query}" if query else "")
    signed_headers = {name: headers.get(name, "") for name in claim["signedheaders"].split(";")}
    if "x-amz-content-sha256" in headers:  # the signer takes the hash from it, signed or not
        signed_headers.setdefault("x-amz-content-sha256", headers["x-amz-content-sha256"])
    signed = AWSRequest(method=request.method, url=url, headers=signed_headers, data=request.body)
    signed.context["timestamp"] = claim["date"]
    signer = SigV4Auth(Credentials(claim["credential"].partition("/")[0], secret), service, region)
    return str(signer.signature(signer.string_to_sign(signed, signer.canonical_request(signed)), signed))


def _text(seconds: float) -> str:
    return time.strftime(_TIME, time.gmtime(seconds))
