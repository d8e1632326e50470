"""Reads from and writes to S3, which is moto.

What hop this is: `packages, buckets, templates -> [s3] -> aws_services`.

What the real service does: CloudFormation and Lambda read templates and zips with the rights of who deploys
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).

What differs here, on purpose:
1. of the ways to write an address of an object, those of S3 itself and of this emulator's endpoint are understood.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from local.aws_services import AwsServices

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_T = TypeVar("_T")
_PATH_STYLE = re.compile(r"(s3[.-].*|localhost|127\.0\.0\.1|::1)")
_VIRTUAL_HOST = re.compile(r"(?P<bucket>.+?)\.(s3[.-].*|localhost)")


class S3Error(Exception):
    """S3 refuses; *code* is its name for why."""

    def __init__(self, operation: str, code: str, message: str, status: int) -> None:
        super().__init__(f"{message} (Service: S3, Status Code: {status}, Error Code: {code})")
        self.operation = operation
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Place:
    """An object in S3."""

    bucket: str
    key: str
    version: str | None = None


class S3:
    """*region* is where buckets are made."""

    def __init__(self, services: AwsServices, region: str) -> None:
        self._services = services
        self._region = region
        self._client: S3Client | None = None

    async def read(self, place: Place) -> bytes:
        """The object. Raises `S3Error`."""

        def get(client: S3Client) -> bytes:
            version = {"VersionId": place.version} if place.version else {}
            return client.get_object(Bucket=place.bucket, Key=place.key, **version)["Body"].read()  # type: ignore[arg-type]

        return await self.call(get)

    async def call(self, work: Callable[[S3Client], _T]) -> _T:
        """What *work* does with a client, in a thread. Raises `S3Error`, and `EmulatorError` where moto is missing."""
        address = await self._services.address()
        return await asyncio.to_thread(self._call, address, work)

    def _call(self, address: str, work: Callable[[S3Client], _T]) -> _T:
        import boto3  # a quarter of a second, and not before somebody deploys
        from botocore.config import Config
        from botocore.exceptions import ClientError, ParamValidationError

        if self._client is None:
            self._client = boto3.client(
                "s3",
                region_name=self._region,
                endpoint_url=address,
                aws_access_key_id="local",
                aws_secret_access_key="local",
                config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
            )
        try:
            return work(self._client)
        except ParamValidationError as error:
            raise S3Error("", "InvalidRequest", " ".join(str(error).split()), 400) from error
        except ClientError as error:
            told = error.response["Error"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            raise S3Error(error.operation_name, told["Code"], told["Message"], status) from error


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
