"""The S3 buckets of a template, and what of their policies shows at the edge.

What the real service does: asked for a key that does not exist, S3 says so (404) only to a caller who may list the
bucket; to others it denies access (403)
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_RequestSyntax).

What differs here, on purpose:
1. of a bucket policy nothing else is read: neither conditions nor denials.
"""

from __future__ import annotations

from local.config import Bucket
from local.template.resources import Resources


def read_buckets(resources: Resources) -> tuple[Bucket, ...]:
    """The buckets, in the template's order."""
    listed = {
        policy.properties.text("Bucket")
        for policy in resources.of_type("AWS::S3::BucketPolicy")
        if _lets_the_edge_list(policy.properties.section("PolicyDocument").value("Statement"))
    }
    return tuple(
        Bucket(bucket.logical_id, name := resources.ref(bucket), edge_may_list=name in listed)
        for bucket in resources.of_type("AWS::S3::Bucket")
    )


def _lets_the_edge_list(statements: object) -> bool:
    return any(
        statement.get("Effect") == "Allow"
        and "cloudfront.amazonaws.com" in _services(statement.get("Principal"))
        and {"s3:ListBucket", "s3:List*", "s3:*", "*"} & set(_as_list(statement.get("Action")))
        for statement in _as_list(statements)
        if isinstance(statement, dict)
    )


def _services(principal: object) -> list[object]:
    return _as_list(principal.get("Service")) if isinstance(principal, dict) else []


def _as_list(value: object) -> list[object]:
    """A policy writes one of a thing with or without a list around it."""
    return value if isinstance(value, list) else [value]
