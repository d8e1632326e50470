"""Buckets and their policies: resolved properties -> [buckets] -> moto's S3.

What hop this is: `makers -> [buckets] -> s3`.

What the real service does: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
aws-resource-s3-bucket.html; each of the properties is a call of its own.

What differs here, on purpose:
1. the properties below are made, the others told as not emulated; moto keeps them and enforces none;
2. moto acts on a policy but does not read its conditions, so "deny all without TLS" would deny all: statements with a
   condition are left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from local.cloudformation.moto import ServiceError
from local.cloudformation.s3 import S3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


async def make_bucket(s3: S3, name: str, properties: Mapping[str, object], region: str) -> None:
    """Make the bucket and what it is to have. Raises `ServiceError`, with nothing left behind."""

    def make(client: S3Client) -> None:
        if name in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
            raise ServiceError("s3", "BucketAlreadyExists", f"{name} already exists", 409)
        place: Any = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        client.create_bucket(Bucket=name, **place)
        try:
            _configure(client, name, properties, {})
        except BaseException:
            client.delete_bucket(Bucket=name)
            raise

    await s3.call(make)


async def change_bucket(s3: S3, name: str, properties: Mapping[str, object], old: Mapping[str, object]) -> None:
    """Make of the bucket what *properties* say, *old* being what they said. Raises `ServiceError`."""
    await s3.call(lambda client: _configure(client, name, properties, old))


async def delete_bucket(s3: S3, name: str) -> None:
    """Delete the bucket, which has to be empty. Raises `ServiceError`."""
    await s3.call(lambda client: client.delete_bucket(Bucket=name))


async def put_policy(s3: S3, bucket: str, document: object) -> None:
    """Give the bucket its policy. Raises `ServiceError`."""
    policy = dict(document) if isinstance(document, dict) else {}
    written = policy.get("Statement") or []
    statements = written if isinstance(written, list) else [written]
    policy["Statement"] = [statement for statement in statements if "Condition" not in statement]

    def put(client: S3Client) -> None:
        if policy["Statement"]:
            client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
        else:
            client.delete_bucket_policy(Bucket=bucket)

    await s3.call(put)


async def delete_policy(s3: S3, bucket: str) -> None:
    """Take the bucket's policy away. Raises `ServiceError`."""
    await s3.call(lambda client: client.delete_bucket_policy(Bucket=bucket))


def _configure(client: S3Client, name: str, properties: Mapping[str, object], old: Mapping[str, object]) -> None:
    for part, (put, remove) in _PARTS.items():
        wanted = properties.get(part)
        if wanted and wanted != old.get(part):
            try:
                put(client, name, wanted)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise ServiceError(
                    "s3", "MalformedProperty", f"{part} is not written as CloudFormation wants it", 400
                ) from error
        elif not wanted and old.get(part):
            remove(client, name)


def _put_encryption(client: S3Client, name: str, written: Any) -> None:
    rules = [
        {
            "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"],
            "BucketKeyEnabled": _flag(rule.get("BucketKeyEnabled", False)),
        }
        for rule in written["ServerSideEncryptionConfiguration"]
    ]
    configuration: Any = {"Rules": rules}
    client.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=configuration)


def _put_public_access_block(client: S3Client, name: str, written: Any) -> None:
    configuration: Any = {part: _flag(value) for part, value in written.items()}
    client.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=configuration)


def _put_ownership(client: S3Client, name: str, written: Any) -> None:
    client.put_bucket_ownership_controls(Bucket=name, OwnershipControls=written)


def _put_tags(client: S3Client, name: str, written: Any) -> None:
    client.put_bucket_tagging(Bucket=name, Tagging={"TagSet": written})


def _put_versioning(client: S3Client, name: str, written: Any) -> None:
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": written["Status"]})


def _suspend_versioning(client: S3Client, name: str) -> None:
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})


def _flag(value: object) -> bool:
    """Templates write booleans as strings, too."""
    return str(value).lower() == "true"


_Put = Callable[["S3Client", str, Any], None]
_Remove = Callable[["S3Client", str], object]
_PARTS: Mapping[str, tuple[_Put, _Remove]] = {
    "BucketEncryption": (_put_encryption, lambda client, name: client.delete_bucket_encryption(Bucket=name)),
    "OwnershipControls": (_put_ownership, lambda client, name: client.delete_bucket_ownership_controls(Bucket=name)),
    "PublicAccessBlockConfiguration": (
        _put_public_access_block,
        lambda client, name: client.delete_public_access_block(Bucket=name),
    ),
    "Tags": (_put_tags, lambda client, name: client.delete_bucket_tagging(Bucket=name)),
    "VersioningConfiguration": (_put_versioning, _suspend_versioning),
}


def is_made(type_name: str, property_name: str) -> bool:
    """Whether that property of a bucket reaches moto."""
    return type_name == "AWS::S3::Bucket" and property_name in _PARTS
