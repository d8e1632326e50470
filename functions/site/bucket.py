"""The page's files and the bucket they go to: `page/ -> [bucket] -> S3`.

What the real service does: S3 serves an object with the content type and cache control it was stored with, its
ETag is the MD5 of the body (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html), and CloudFormation
deletes a bucket only when no object, version or delete marker is left in it.

What differs here, on purpose:
1. the bucket is the page's alone: what is in it and not in page/ is removed;
2. in a bucket encrypted with KMS the ETag is not the MD5: there every file counts as changed, slower but right.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

# A table of our own: what `mimetypes` answers depends on the machine, and it knows no charset.
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
# No file name carries a fingerprint of its content, so a new deployment must not wait for long.
HTML_CACHE_CONTROL = "public, max-age=60"
ASSET_CACHE_CONTROL = "public, max-age=300, must-revalidate"
MAX_KEYS = 1000  # of one listing, and of one DeleteObjects

logger = logging.getLogger(__name__)


class PageError(Exception):
    """The page cannot be published as it is; the text names the file and what to do."""


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file of the page, as it is to be stored."""

    key: str
    body: bytes
    content_type: str
    cache_control: str

    @property
    def etag(self) -> str:
        """The ETag S3 gives to this body, quotes included."""
        return f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


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


def read_page(folder: Path) -> list[PageFile]:
    """Every file under *folder* but hidden ones, HTML last.

    Raises `PageError` when there is no index.html, or a file whose content type is not known.
    """
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    files = [_page_file(path, path.relative_to(folder).as_posix()) for path in paths]
    if "index.html" not in (file.key for file in files):
        raise PageError(f"There is no index.html in {folder.name}/: add the page to the function's code.")
    # HTML names the other files: whoever loads it must find them there already.
    return sorted(files, key=lambda file: file.cache_control == HTML_CACHE_CONTROL)


def _page_file(path: Path, key: str) -> PageFile:
    content_type = CONTENT_TYPES.get(path.suffix)
    if content_type is None:
        raise PageError(f"{key} has no known content type: add {path.suffix!r} to CONTENT_TYPES in bucket.py.")
    cache_control = HTML_CACHE_CONTROL if path.suffix == ".html" else ASSET_CACHE_CONTROL
    return PageFile(key, path.read_bytes(), content_type, cache_control)


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
