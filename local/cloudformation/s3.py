"""Reads from and writes to S3, which is moto.

What hop this is: `packages, buckets, cloud -> [s3] -> moto`.

What the real service does: CloudFormation and Lambda read templates and zips with the rights of who deploys
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).

What differs here, on purpose:
1. of the ways to write an address of an object, those of S3 itself and of this emulator's endpoint are understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from local.aws_services import AwsServices
from local.cloudformation.moto import MotoClient

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_PATH_STYLE = re.compile(r"(s3[.-].*|localhost|127\.0\.0\.1|::1)")
_VIRTUAL_HOST = re.compile(r"(?P<bucket>.+?)\.(s3[.-].*|localhost)")


@dataclass(frozen=True, slots=True)
class Place:
    """An object in S3."""

    bucket: str
    key: str
    version: str | None = None


class S3(MotoClient["S3Client"]):
    """*region* is where buckets are made."""

    def __init__(self, services: AwsServices, region: str) -> None:
        super().__init__(services, region, "s3")

    async def read(self, place: Place) -> bytes:
        """The object. Raises `ServiceError`."""

        def get(client: S3Client) -> bytes:
            version = {"VersionId": place.version} if place.version else {}
            return client.get_object(Bucket=place.bucket, Key=place.key, **version)["Body"].read()  # type: ignore[arg-type]

        return await self.call(get)


def place_of(url: str) -> Place | None:
    """The object that *url* names; None when it names none."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", unquote(parts.path).lstrip("/")
    version = parse_qs(parts.query).get("versionId", [None])[0]
    if _PATH_STYLE.fullmatch(host):
        bucket, _, key = path.partition("/")
    elif match := _VIRTUAL_HOST.fullmatch(host):
        bucket, key = match["bucket"], path
    else:
        return None
    return Place(bucket, key, version) if bucket and key else None
