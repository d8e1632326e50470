"""The page's bucket as an origin.

What hop this is: `edge -> [site] -> aws_services`.

What the real service does: S3 answers a distribution that signs its requests and may `s3:GetObject`
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html). An
object that is not there is 404 to a caller who may list the bucket, and 403 to others
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).

What differs here, on purpose:
1. a request waits until the page has been published; on AWS, a stack without its page is not finished;
2. the query string stays behind, as under the managed cache policies, and so does CORS of the bucket itself.
"""

from __future__ import annotations

import asyncio
from urllib.parse import quote, unquote_to_bytes

from local.asgi import Receive, Scope, Send, respond, stream
from local.aws_services import AwsServices, signature

_FROM_VIEWER = frozenset((b"if-match", b"if-modified-since", b"if-none-match", b"if-unmodified-since", b"range"))
_FROM_BUCKET = frozenset(
    (
        b"accept-ranges",
        b"cache-control",
        b"content-disposition",
        b"content-encoding",
        b"content-language",
        b"content-length",
        b"content-range",
        b"content-type",
        b"etag",
        b"expires",
        b"last-modified",
    )
)
# What a client says of its upload; moto, unlike S3, gives it back to those who read the object.
_OF_UPLOAD = frozenset(
    (
        b"x-amz-checksum-algorithm",
        b"x-amz-content-crc32",
        b"x-amz-content-crc32c",
        b"x-amz-content-sha1",
        b"x-amz-content-sha256",
        b"x-amz-sdk-checksum-algorithm",
    )
)
_XML = (b"content-type", b"application/xml")
_SERVER = (b"server", b"AmazonS3")
_MESSAGES = {
    "AccessDenied": "Access Denied",
    "NoSuchKey": "The specified key does not exist.",
    "InvalidURI": "The path is not UTF-8",
    "MethodNotAllowed": "An origin is only read from",
}
_ERROR = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{}</Code><Message>{}</Message></Error>'


class S3Origin:
    """ASGI app for GET and HEAD of the objects in one bucket.

    *published* is done when the page is in the bucket; when it has failed, so do requests, with its `EmulatorError`.
    *may_list* says whether the bucket's policy lets the distribution list it.
    """

    def __init__(
        self, bucket_name: str, services: AwsServices, *, published: asyncio.Future[None], may_list: bool = False
    ) -> None:
        self._bucket_name = bucket_name
        self._may_list = may_list
        self._services = services
        self._published = published

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await _refuse(send, 405, "MethodNotAllowed", allow=b"GET, HEAD")
            return
        try:
            key = unquote_to_bytes(scope["raw_path"])[1:].decode()
        except UnicodeDecodeError:
            await _refuse(send, 400, "InvalidURI")
            return
        await asyncio.shield(self._published)  # a request that is given up does not give up for the others
        if key:
            await self._fetch(scope, send, key=key)
        else:
            await _refuse(send, 403, "AccessDenied")  # the bucket itself: a list of its objects

    async def _fetch(self, scope: Scope, send: Send, *, key: str) -> None:
        target = f"/{self._bucket_name}/{quote(key)}".encode()
        asked = [header for header in scope["headers"] if header[0] in _FROM_VIEWER and _is_understood(*header)]
        signed = [(b"host", b"s3.amazonaws.com"), signature("s3", "us-east-1"), *asked]
        async with self._services.request(scope["method"], target, headers=signed) as reply:
            if reply.status == 404:
                await (_refuse(send, 404, "NoSuchKey") if self._may_list else _refuse(send, 403, "AccessDenied"))
                return
            kept = [header for header in reply.headers if _is_of_object(header[0])]
            await stream(send, reply.status, headers=[*kept, _SERVER], chunks=reply.chunks)


def _is_understood(name: bytes, value: bytes) -> bool:
    """A date that is none is ignored: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.3"""
    from email.utils import parsedate  # not before the first word of a story

    return not name.endswith(b"modified-since") or parsedate(value.decode("latin-1")) is not None


def _is_of_object(name: bytes) -> bool:
    return name in _FROM_BUCKET or (name.startswith(b"x-amz-") and name not in _OF_UPLOAD)


async def _refuse(send: Send, status: int, code: str, *, allow: bytes | None = None) -> None:
    headers = [_XML, _SERVER, *([(b"allow", allow)] if allow else [])]
    await respond(send, status, headers=headers, body=_ERROR.format(code, _MESSAGES[code]).encode())
