"""The page in its bucket behind the edge, and the AWS endpoint that SDKs use."""

from __future__ import annotations

import re

import boto3
import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from edition import read_page
from tests.e2e.local_cloud import ROOT, LocalCloud


def test_every_file_of_the_page(viewer: httpx.Client) -> None:
    """As the publisher put it into the bucket, with the security headers of the template's policy."""
    for file in read_page(ROOT / "functions/site/page"):
        response = viewer.get("/" if file.key == "index.html" else f"/{file.key}")

        assert (response.status_code, response.content) == (200, file.body)
        assert response.headers["content-type"] == file.content_type
        assert response.headers["cache-control"] == file.cache_control
        assert "default-src 'self'" in response.headers["content-security-policy"]
        assert response.headers["x-content-type-options"] == "nosniff"


def test_unchanged_page_is_not_sent_again(viewer: httpx.Client) -> None:
    """304 for the ETag that the first answer had."""
    etag = viewer.get("/").headers["etag"]

    response = viewer.get("/", headers={"if-none-match": etag})

    assert (response.status_code, response.content) == (304, b"")


def test_missing_file(viewer: httpx.Client) -> None:
    """The template lets the distribution list its bucket, so S3 says that there is no such key."""
    response = viewer.get("/nothing.html")

    assert response.status_code == 404
    assert "<Code>NoSuchKey</Code>" in response.text


def test_function_url_refuses_unsigned_requests(cloud: LocalCloud, viewer: httpx.Client) -> None:
    """Only the edge signs, as origin access control does."""
    match = re.search(r"http://(\S+\.lambda-url\.\S+?):", "\n".join(cloud.lines))
    assert match is not None

    response = viewer.get("/sse", headers={"host": match[1]})

    assert response.status_code == 403
    assert response.headers["x-amzn-errortype"] == "AccessDeniedException"


def test_boto3_sees_the_bucket(cloud: LocalCloud) -> None:
    """What is not Lambda goes to moto through the AWS endpoint."""
    httpx.get(cloud.url, timeout=30)  # answered once the page is there
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local", "region_name": "us-east-1"}
    s3 = boto3.client("s3", endpoint_url=cloud.aws_url.replace("localhost", "127.0.0.1"), **keys)

    (bucket,) = s3.list_buckets()["Buckets"]
    listed = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket["Name"])["Contents"]]

    assert listed == sorted(file.key for file in read_page(ROOT / "functions/site/page"))
    s3.close()


@pytest.mark.parametrize(("secret", "status"), [("local", 200), ("wrong", 403)])
def test_function_url_takes_requests_signed_by_botocore(cloud: LocalCloud, secret: str, status: int) -> None:
    """SigV4 is verified: the key that functions get may call, and nobody who only claims to have it."""
    match = re.search(r"http://(\S+\.lambda-url\.\S+?)/", "\n".join(cloud.lines))
    assert match is not None
    request = AWSRequest("GET", f"http://{match[1]}/sse?min_ms=0&max_ms=0", headers={"host": match[1]})
    SigV4Auth(Credentials("local", secret), "lambda", "us-east-1").add_auth(request)

    response = httpx.get(f"{cloud.url}/sse?min_ms=0&max_ms=0", headers=dict(request.headers.items()), timeout=20)

    assert response.status_code == status
    assert ("data: Every" in response.text) is (status == 200)
