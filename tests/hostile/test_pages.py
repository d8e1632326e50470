"""Paths that would leave the bucket, or come to another one."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from botocore.config import Config

from local.emulator import Emulator
from tests.hostile.viewer import Door, ask

SECRET = b"the other bucket's"


@pytest.fixture(scope="module")
def bucket(cloud: Emulator) -> Iterator[str]:
    """The distribution's bucket, with a page; beside it another one, whose object nobody may see through the edge."""
    s3 = boto3.client(
        "s3",
        endpoint_url=cloud.aws_url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(s3={"addressing_style": "path"}),
    )
    (pages,) = cloud.stack.buckets
    s3.create_bucket(Bucket="other")
    s3.put_object(Bucket="other", Key="secret", Body=SECRET)
    s3.put_object(Bucket=pages.name, Key="index.html", Body=b"the page")
    yield pages.name
    s3.close()


@pytest.mark.parametrize(
    "target",
    [
        "/../other/secret",
        "/%2e%2e/other/secret",
        "/%2E%2E%2Fother%2Fsecret",
        "/..%2fother%2fsecret",
        "/a/../../other/secret",
        "/%252e%252e/other/secret",
        "/..\\other\\secret",
        "/..%5cother%5csecret",
        "/%c0%ae%c0%ae/other/secret",
        "//other/secret",
        "/./../other/secret",
        "/index.html/../../other/secret",
        "/..;/other/secret",
        "/%00/../../other/secret",
        "/index.html%00",
        "/index.html%0d%0aHost:%20other.s3.amazonaws.com",
        "/?prefix=&list-type=2",
        "/",
        "/?acl",
        "/index.html?acl",
        "/index.html?uploads",
        "/index.html?versionId=null&response-content-type=text/html",
        "/moto-api/",
        "/moto-api/data.json",
        "/%2e%2e/moto-api/",
        "/etc/passwd",
        "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/_localstack/health",
        "/" + "a" * 2000,
        "/" + "%2e%2e/" * 500,
    ],
)
def test_no_path_leaves_the_bucket(edge: Door, bucket: str, target: str) -> None:
    """A key is a name and no way: what is no object's is refused, and a query changes nothing."""
    answer = ask(edge, edge.get(target))

    assert SECRET not in answer.body
    assert b"root:" not in answer.body
    if target.startswith("/index.html?"):
        assert (answer.status, answer.body) == (200, b"the page")
        assert answer.header(b"content-type") != [b"text/html"]
    else:
        assert answer.status in (400, 403)
        assert b"Access Denied" in answer.body or answer.status == 400


@pytest.mark.parametrize(
    "line",
    [
        b"Host: other.s3.amazonaws.com",
        b"X-Forwarded-Host: other.s3.amazonaws.com",
        b"x-amz-copy-source: /other/secret",
        b"x-amz-website-redirect-location: /other/secret",
        b"X-HTTP-Method-Override: DELETE",
        b"Authorization: AWS4-HMAC-SHA256 Credential=x/20000101/us-east-1/sts/aws4_request, Signature=0",
        b"Range: bytes=0-99999999999999999999",
        b"Range: bytes=x",
        b"Range: bytes=-0",
        b"If-Modified-Since: never",
        b"If-None-Match: " + b'"x",' * 1000,
        b"Accept-Encoding: gzip;q=x",
        b"Cookie: a=" + b"b" * 4000,
    ],
)
def test_no_header_leads_elsewhere(edge: Door, bucket: str, line: bytes) -> None:
    """The page, a part of it, or a refusal."""
    answer = ask(edge, edge.get("/index.html", line))

    assert SECRET not in answer.body
    assert answer.status in (200, 206, 304, 400, 403, 412, 416)
    if answer.status == 200:
        assert answer.body == b"the page"


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_is_written_through_the_edge(edge: Door, bucket: str, method: str) -> None:
    answer = ask(edge, edge.head(method, "/index.html", b"Content-Length: 4") + b"\r\nevil")

    assert answer.status in (403, 405)
    assert ask(edge, edge.get("/index.html")).body == b"the page"


def test_what_the_function_gets_from_the_edge_is_not_resolved(edge: Door) -> None:
    """CloudFront looks for the behavior with dot segments resolved, and sends the path on as it came."""
    assert ask(edge, edge.get("/x/../echo/y")).event["rawPath"] == "/x/../echo/y"
    assert ask(edge, edge.get("/echo/%2e%2e/y")).header(b"server") == [b"AmazonS3"]
