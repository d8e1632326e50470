"""The bucket that the page's files go to: `edition -> [bucket] -> S3`.

What the real service does: S3 serves an object with the content type and cache control it was stored with, its
ETag is the MD5 of the body (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html), and CloudFormation
deletes a bucket only when no object, version or delete marker is left in it.

What differs here, on purpose:
1. the bucket is the page's alone: what is in it and not in this edition is removed. Whoever is shown the index.html
   of the last one, which caches may do for a minute, needs its files from a cache as well;
2. in a bucket encrypted with KMS the ETag is not the MD5: there every file counts as changed, slower but right.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from edition import PageError, PageFile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

MAX_KEYS = 1000  # of one listing, and of one DeleteObjects

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Published:
    """What one publication did, by key."""

    uploaded: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]


def s3_client() -> S3Client:
    """An S3 client that gives up before the function's time is over, so that some is left to say why."""
    config = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
    # At another endpoint than AWS botocore asks for http://<bucket>.localhost:<port>, a name that not every
    # system resolves: there the bucket goes into the path. AWS keeps the default, the bucket in the host name.
    if os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"):
        config = config.merge(Config(s3={"addressing_style": "path"}))
    return boto3.client("s3", config=config)


def publish(s3: S3Client, bucket: str, files: Sequence[PageFile]) -> Published:
    """Make *bucket* hold exactly *files*: upload what changed, in the order given, then remove the rest.

    Raises botocore's `ClientError` where S3 refuses, `PageError` where it keeps a key.
    """
    stored = _stored_etags(s3, bucket)
    uploaded = [file for file in files if not _is_stored(s3, bucket, file, etag=stored.get(file.key))]
    for file in uploaded:
        s3.put_object(
            Bucket=bucket,
            Key=file.key,
            Body=file.body,
            ContentType=file.content_type,
            CacheControl=file.cache_control,
        )
    gone = sorted(stored.keys() - {file.key for file in files})
    for start in range(0, len(gone), MAX_KEYS):
        _delete(s3, bucket, [{"Key": key} for key in gone[start : start + MAX_KEYS]])
    return Published(
        uploaded=tuple(file.key for file in uploaded),
        unchanged=tuple(file.key for file in files if file not in uploaded),
        removed=tuple(gone),
    )


def empty(s3: S3Client, bucket: str, *, page_size: int = MAX_KEYS) -> int:
    """Remove every version and every delete marker, and return how many there were; a bucket that is gone has none.

    *page_size* is how many one listing asks for. Raises as `publish` does.
    """
    removed = 0
    try:
        # The first page again and again: where to go on from is a version, and that one has just been deleted.
        while entries := _versions(s3, bucket, page_size):
            _delete(s3, bucket, entries)
            removed += len(entries)
    except s3.exceptions.NoSuchBucket:
        logger.info("Bucket %s is gone already", bucket)
    return removed


def _versions(s3: S3Client, bucket: str, most: int) -> list[ObjectIdentifierTypeDef]:
    page = s3.list_object_versions(Bucket=bucket, MaxKeys=most)
    entries = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
    return [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]


def _stored_etags(s3: S3Client, bucket: str) -> dict[str, str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {entry["Key"]: entry["ETag"] for page in pages for entry in page.get("Contents", [])}


def _is_stored(s3: S3Client, bucket: str, file: PageFile, *, etag: str | None) -> bool:
    if etag != file.etag:
        return False
    head = s3.head_object(Bucket=bucket, Key=file.key)
    return (head.get("ContentType"), head.get("CacheControl")) == (file.content_type, file.cache_control)


def _delete(s3: S3Client, bucket: str, objects: Sequence[ObjectIdentifierTypeDef]) -> None:
    # DeleteObjects answers 200 even where it could not delete: the refusals are in its body.
    reply = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    if refused := reply.get("Errors"):
        first = refused[0]
        raise PageError(
            f"S3 kept {len(refused)} of {len(objects)} objects in bucket {bucket!r}, "
            f"{first.get('Key')!r} because of {first.get('Code')}: "
            "allow the function's role s3:DeleteObject and s3:DeleteObjectVersion."
        )
