"""The page's bucket as an origin, with a real moto behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from hashlib import md5
from urllib.parse import quote

import pytest

from local.aws_services import AwsServices, signature
from local.config import Behavior, Distribution, Origin
from local.edge.edge import Edge
from local.errors import EmulatorError
from local.site import S3Origin
from tests.local.asgi_viewer import ask

pytestmark = pytest.mark.anyio

BUCKET = "the-page"
INDEX = "<!doctype html><title>Story – live</title>".encode()
ETAG = f'"{md5(INDEX, usedforsecurity=False).hexdigest()}"'
OBJECTS = {
    "index.html": INDEX,
    "folder/app.js": b"export {}",
    "big.bin": bytes(range(256)) * 4096,
    "a b+c&d=é.txt": b"odd name",
    "/leading.txt": b"leading slash",
    ".well-known/jwks.json": b"{}",
}
DEADLINE_SECONDS = 40


@pytest.fixture(scope="module")
async def page(services: AwsServices) -> S3Origin:
    """The origin of a published page; a second bucket holds a secret."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        for bucket in (BUCKET, "another"):
            await services.create_bucket(bucket, "eu-central-1")
        for key, body in OBJECTS.items():
            await put(services, BUCKET, key, body)
        await put(services, "another", "secret.txt", b"secret")
    published: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    published.set_result(None)
    return S3Origin(BUCKET, services, published=published)


async def put(services: AwsServices, bucket: str, key: str, body: bytes) -> None:
    async def content() -> AsyncIterator[bytes]:
        yield body

    headers = [
        signature("s3", "eu-central-1"),
        (b"content-length", str(len(body)).encode()),
        (b"content-type", b"text/html; charset=utf-8"),
        (b"cache-control", b"no-cache"),
        (b"x-amz-meta-story", b"lighthouse"),
        (b"x-amz-content-sha256", b"UNSIGNED-PAYLOAD"),
        (b"x-amz-sdk-checksum-algorithm", b"CRC32"),
    ]
    target = f"/{bucket}/{quote(key)}".encode()
    async with services.request("PUT", target, headers=headers, body=content()) as reply:
        assert reply.status == 200


async def test_object_comes_with_its_headers(page: S3Origin) -> None:
    """The bytes, and what S3 says about them; nothing that is moto's own."""
    answer = await ask(page, "GET", "/index.html")

    assert (answer.status, answer.body, answer.whole) == (200, INDEX, True)
    assert answer.header("content-type") == "text/html; charset=utf-8"
    assert answer.header("content-length") == str(len(INDEX))
    assert answer.header("cache-control") == "no-cache"
    assert answer.header("etag") == ETAG
    assert answer.header("accept-ranges") == "bytes"
    assert answer.header("last-modified") is not None
    assert answer.header("x-amz-meta-story") == "lighthouse"
    assert answer.header("server") == "AmazonS3"
    assert answer.header("x-amz-content-sha256") is None
    assert answer.header("x-amz-sdk-checksum-algorithm") is None
    assert answer.header("access-control-allow-origin") is None
    assert answer.header("date") is None


async def test_head_tells_the_length_and_sends_no_body(page: S3Origin) -> None:
    """As GET, without the bytes."""
    answer = await ask(page, "HEAD", "/big.bin")

    assert (answer.status, answer.chunks, answer.whole) == (200, [], True)
    assert answer.header("content-length") == str(len(OBJECTS["big.bin"]))


async def test_large_object_is_streamed(page: S3Origin) -> None:
    """It comes in many chunks, all of it."""
    answer = await ask(page, "GET", "/big.bin")

    assert answer.body == OBJECTS["big.bin"]
    assert len(answer.chunks) > 1


@pytest.mark.parametrize(
    ("target", "key"),
    [
        ("/folder/app.js", "folder/app.js"),
        ("/folder%2Fapp.js", "folder/app.js"),
        ("/a%20b+c&d=%C3%A9.txt", "a b+c&d=é.txt"),
        ("//leading.txt", "/leading.txt"),
        ("/index.html?versionId=1&acl", "index.html"),
        ("/.well-known/jwks.json", ".well-known/jwks.json"),
    ],
)
async def test_key_is_the_decoded_path(page: S3Origin, target: str, key: str) -> None:
    """One decoding, no folders, no query; and no path means another service to moto."""
    answer = await ask(page, "GET", target)

    assert (answer.status, answer.body) == (200, OBJECTS[key])


@pytest.mark.parametrize(
    "target",
    [
        "/missing.html",
        "/",
        "/folder/",
        "/../another/secret.txt",
        "/%2e%2e/another/secret.txt",
        "/..%2Fanother%2Fsecret.txt",
        "/x/../../another/secret.txt",
        "/index.html%00.png",
        "/%2500",
        "/index.html%23fragment",
        "/index.html%3Facl",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_is_no_object_is_access_denied(page: S3Origin, target: str, method: str) -> None:
    """A caller without s3:ListBucket is not told whether a key exists, and never gets out of the bucket."""
    answer = await ask(page, method, target)

    assert (answer.status, answer.header("content-type")) == (403, "application/xml")
    assert b"<Code>AccessDenied</Code>" in answer.body
    assert b"secret" not in answer.body


async def test_missing_object_for_one_who_may_list_is_404(services: AwsServices) -> None:
    """A bucket policy with s3:ListBucket lets S3 say that there is no such key."""
    published: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    published.set_result(None)

    answer = await ask(S3Origin(BUCKET, services, published=published, may_list=True), "GET", "/missing.html")

    assert answer.status == 404
    assert b"<Code>NoSuchKey</Code>" in answer.body


async def test_path_that_is_not_utf8_is_400(page: S3Origin) -> None:
    """Keys are UTF-8."""
    answer = await ask(page, "GET", "/caf%E9.html")

    assert (answer.status, b"<Code>InvalidURI</Code>" in answer.body) == (400, True)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_origin_is_only_read_from(page: S3Origin, method: str) -> None:
    """405, and the object is as it was."""
    answer = await ask(page, method, "/index.html", body=b"overwritten")

    assert (answer.status, answer.header("allow")) == (405, "GET, HEAD")
    assert (await ask(page, "GET", "/index.html")).body == INDEX


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        (b"if-none-match", ETAG.encode(), 304),
        (b"if-none-match", b'"other"', 200),
        (b"if-modified-since", b"Fri, 01 Jan 2100 00:00:00 GMT", 304),
        (b"if-match", b'"other"', 412),
    ],
)
async def test_conditional_request(page: S3Origin, name: bytes, value: bytes, status: int) -> None:
    """The viewer's conditions reach S3; a 304 has no body and no length of one."""
    answer = await ask(page, "GET", "/index.html", headers=[(name, value)])

    assert (answer.status, answer.whole) == (status, True)
    if status == 304:
        assert (answer.body, answer.header("content-length"), answer.header("etag")) == (b"", None, ETAG)


async def test_range(page: S3Origin) -> None:
    """A part is 206 and says which one it is; a part that is not there is 416."""
    part = await ask(page, "GET", "/index.html", headers=[(b"range", b"bytes=2-8")])
    outside = await ask(page, "GET", "/index.html", headers=[(b"range", b"bytes=9000-9001")])

    assert (part.status, part.body) == (206, INDEX[2:9])
    assert part.header("content-range") == f"bytes 2-8/{len(INDEX)}"
    assert outside.status == 416


async def test_request_waits_for_the_page(page: S3Origin, services: AwsServices) -> None:
    """One that is given up while it waits does not give up for the others."""
    published: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    origin = S3Origin(BUCKET, services, published=published)
    async with asyncio.timeout(DEADLINE_SECONDS):
        given_up = asyncio.create_task(ask(origin, "GET", "/index.html"))
        waiting = asyncio.create_task(ask(origin, "GET", "/index.html"))
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.wait({given_up})
        assert not waiting.done()
        published.set_result(None)

        assert (await waiting).body == INDEX


async def test_page_that_was_not_published_is_told_by_the_edge(services: AwsServices) -> None:
    """The reason is on the error page, for the edge asks and the origin fails."""
    published: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    published.set_exception(EmulatorError("Create of the custom resource Page failed: no folder page/"))
    distribution = Distribution(
        "D", "arn", "localhost", "index.html", (Origin("page", "x", "s3"),), (Behavior("*", "page"),)
    )

    answer = await ask(Edge(distribution, {"page": S3Origin(BUCKET, services, published=published)}), "GET", "/")

    assert (answer.status, b"no folder page/" in answer.body) == (502, True)


async def test_edge_serves_the_page(page: S3Origin) -> None:
    """Root object, bucket and edge together; a missing object is an error that came through the edge."""
    distribution = Distribution(
        "D", "arn", "localhost", "index.html", (Origin("page", "x", "s3"),), (Behavior("*", "page"),)
    )
    edge = Edge(distribution, {"page": page})

    root, missing = await ask(edge, "GET", "/"), await ask(edge, "GET", "/nope")

    assert (root.status, root.body, root.header("x-cache")) == (200, INDEX, "Miss from cloudfront")
    assert (missing.status, missing.header("x-cache")) == (403, "Error from cloudfront")
