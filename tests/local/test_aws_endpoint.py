"""The AWS endpoint over real sockets: boto3 against moto, and what is passed on byte by byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.client import Config
from botocore.exceptions import ClientError

from local.asgi import Message, Receive, Scope, Send, respond
from local.aws_endpoint import AwsEndpoint
from local.aws_services import AwsServices
from local.custom_resources import ANSWER_PATH
from tests.local.asgi_viewer import Answer, ask, http_scope
from tests.local.server import served

pytestmark = pytest.mark.anyio

DEADLINE_SECONDS = 40
REGION = "eu-central-1"
PART_BYTES = 5 * 1024 * 1024  # the least S3 takes as a part that is not the last


async def no_answers(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("no custom resource is running")


@pytest.fixture(scope="module")
async def port(services: AwsServices) -> AsyncIterator[int]:
    """The endpoint in front of moto."""
    async with served(AwsEndpoint(services, no_answers)) as port:
        yield port


@pytest.fixture(scope="module")
async def upstream() -> AsyncIterator[AwsServices]:
    """The program that stands in for moto where a test must see what is passed on."""
    services = AwsServices(program=Path(__file__).with_name("upstream.py"))
    yield services
    await services.stop()


def s3_client(port: int, *, style: str = "path") -> Any:
    return boto3.client(
        "s3",
        endpoint_url=f"http://localhost:{port}",
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(s3={"addressing_style": style}, retries={"total_max_attempts": 1}),
    )


async def in_thread(work: Any, *args: Any) -> Any:
    """boto3 blocks, and the endpoint answers in this thread's loop."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        return await asyncio.to_thread(work, *args)


async def test_objects_through_boto3(port: int) -> None:
    """Put, get, head, list, copy and delete, addressed by path."""

    def work() -> None:
        with closing(s3_client(port)) as s3:
            s3.create_bucket(Bucket="by-path", CreateBucketConfiguration={"LocationConstraint": REGION})
            s3.put_object(Bucket="by-path", Key="a b/é.html", Body="<p>é".encode(), ContentType="text/html")
            s3.put_object(Bucket="by-path", Key="empty", Body=b"")
            head = s3.head_object(Bucket="by-path", Key="a b/é.html")
            assert (head["ContentLength"], head["ContentType"]) == (5, "text/html")
            assert s3.get_object(Bucket="by-path", Key="a b/é.html")["Body"].read() == "<p>é".encode()
            assert s3.get_object(Bucket="by-path", Key="empty")["Body"].read() == b""
            s3.copy_object(Bucket="by-path", Key="copy", CopySource={"Bucket": "by-path", "Key": "a b/é.html"})
            assert [item["Key"] for item in s3.list_objects_v2(Bucket="by-path")["Contents"]] == [
                "a b/é.html",
                "copy",
                "empty",
            ]
            deleted = s3.delete_object(Bucket="by-path", Key="copy")
            assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
            with pytest.raises(ClientError, match="NoSuchKey"):
                s3.get_object(Bucket="by-path", Key="copy")
            with pytest.raises(ClientError, match="404"):
                s3.head_object(Bucket="by-path", Key="copy")

    await in_thread(work)


async def test_conditions_and_ranges_through_boto3(port: int) -> None:
    """304 and 416 are errors to boto3, 206 is a part."""

    def work() -> None:
        with closing(s3_client(port)) as s3:
            s3.create_bucket(Bucket="conditions", CreateBucketConfiguration={"LocationConstraint": REGION})
            etag = s3.put_object(Bucket="conditions", Key="k", Body=b"0123456789")["ETag"]
            assert s3.get_object(Bucket="conditions", Key="k", Range="bytes=2-4")["Body"].read() == b"234"
            with pytest.raises(ClientError, match="304"):
                s3.get_object(Bucket="conditions", Key="k", IfNoneMatch=etag)
            with pytest.raises(ClientError, match="InvalidRange"):
                s3.get_object(Bucket="conditions", Key="k", Range="bytes=50-60")

    await in_thread(work)


async def test_virtual_host_style(port: int) -> None:
    """The bucket is in the Host header, which is passed on as it came."""

    def work() -> None:
        def to_loopback(request: AWSPreparedRequest, **_: object) -> None:
            # A name under localhost does not resolve everywhere; only the connection is redirected, not the Host.
            host = request.url.split("/")[2]
            request.headers["Host"] = host
            request.url = request.url.replace(host, f"127.0.0.1:{port}", 1)

        with closing(s3_client(port)) as s3:
            s3.create_bucket(Bucket="by-host", CreateBucketConfiguration={"LocationConstraint": REGION})
        with closing(s3_client(port, style="virtual")) as s3:
            s3.meta.events.register("before-send.s3", to_loopback)
            s3.put_object(Bucket="by-host", Key="k", Body=b"by host")
            assert s3.get_object(Bucket="by-host", Key="k")["Body"].read() == b"by host"
        with closing(s3_client(port)) as s3:
            assert s3.get_object(Bucket="by-host", Key="k")["Body"].read() == b"by host"

    await in_thread(work)


async def test_presigned_urls(port: int) -> None:
    """A put and a get signed in the query."""

    def work() -> None:
        with closing(s3_client(port)) as s3:
            s3.create_bucket(Bucket="presigned", CreateBucketConfiguration={"LocationConstraint": REGION})
            of = {"Bucket": "presigned", "Key": "a b+c.txt"}
            put = httpx.put(s3.generate_presigned_url("put_object", of), content=b"presigned", trust_env=False)
            got = httpx.get(s3.generate_presigned_url("get_object", of), trust_env=False)
            assert (put.status_code, got.status_code, got.content) == (200, 200, b"presigned")

    await in_thread(work)


async def test_multipart_upload(port: int) -> None:
    """Two parts become one object, which comes back whole."""
    first, last = bytes(range(256)) * (PART_BYTES // 256), b"the end"

    def work() -> None:
        with closing(s3_client(port)) as s3:
            s3.create_bucket(Bucket="multipart", CreateBucketConfiguration={"LocationConstraint": REGION})
            of = {"Bucket": "multipart", "Key": "big"}
            upload = {**of, "UploadId": s3.create_multipart_upload(**of)["UploadId"]}
            parts = [
                {"PartNumber": number, "ETag": s3.upload_part(**upload, PartNumber=number, Body=body)["ETag"]}
                for number, body in enumerate((first, last), start=1)
            ]
            s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
            assert s3.get_object(**of)["Body"].read() == first + last

    await in_thread(work)


async def test_other_services_are_behind_the_same_address(port: int) -> None:
    """moto finds the service in the signature, so that must arrive as it was sent."""

    def work() -> None:
        with closing(
            boto3.client(
                "ssm",
                endpoint_url=f"http://localhost:{port}",
                region_name=REGION,
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
        ) as ssm:
            ssm.put_parameter(Name="/story/title", Value="Lighthouse", Type="String")
            assert ssm.get_parameter(Name="/story/title")["Parameter"]["Value"] == "Lighthouse"

    await in_thread(work)


async def test_request_is_passed_on_as_it_came(upstream: AwsServices) -> None:
    """Raw path, query, host and signed headers are untouched; headers of the connection stay behind."""
    headers = [
        (b"authorization", b"AWS4-HMAC-SHA256 Credential=a/b/c/s3/aws4_request"),
        (b"x-amz-date", b"20260101T000000Z"),
        (b"x-amz-meta-two", b"1"),
        (b"x-amz-meta-two", b"2"),
        (b"connection", b"keep-alive"),
        (b"expect", b"100-continue"),
    ]

    answer = await ask(
        AwsEndpoint(upstream, no_answers), "PUT", "/echo/%7Ea//../b%2Fc?x=%20&y&x=/+", headers=headers, body=b"hi"
    )

    assert json.loads(answer.body) == {
        "line": "PUT /echo/%7Ea//../b%2Fc?x=%20&y&x=/+ HTTP/1.1",
        "headers": [
            ["host", "localhost:8080"],
            ["authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/s3/aws4_request"],
            ["x-amz-date", "20260101T000000Z"],
            ["x-amz-meta-two", "1"],
            ["x-amz-meta-two", "2"],
            ["content-length", "2"],
        ],
        "body": "hi",
    }


async def test_request_without_a_body_gets_none(upstream: AwsServices) -> None:
    """Neither a length nor chunks; and what one answer sets is not sent with the next request."""
    endpoint = AwsEndpoint(upstream, no_answers)

    for _ in range(2):
        answer = await ask(endpoint, "GET", "/echo")
        assert json.loads(answer.body)["headers"] == [["host", "localhost:8080"]]
        assert answer.header("set-cookie") == "upstream=1"
        assert answer.header("date") is None


@pytest.mark.parametrize("status", [204, 304])
async def test_status_that_has_no_body_has_no_length(upstream: AwsServices, status: int) -> None:
    """A server would wait for the announced bytes."""
    answer = await ask(AwsEndpoint(upstream, no_answers), "GET", f"/status/{status}")

    assert (answer.status, answer.body, answer.whole, answer.header("content-length")) == (status, b"", True, None)


async def test_answer_is_streamed() -> None:
    """The upstream sends its second chunk only after the caller, who has seen the first, asks for it."""
    async with paced() as upstream:
        endpoint, answer = AwsEndpoint(upstream, no_answers), Answer()
        first_chunk = asyncio.Event()

        async def send(message: Message) -> None:
            answer.take(message)
            if message.get("body"):
                first_chunk.set()

        async with asyncio.timeout(DEADLINE_SECONDS):
            request = asyncio.create_task(endpoint(http_scope("GET", "/paced"), _never, send))
            await first_chunk.wait()
            assert answer.chunks == [b"one"]
            await ask(endpoint, "GET", "/go")
            await request

    assert (answer.body, answer.whole) == (b"onetwo", True)
    assert answer.header("transfer-encoding") is None


async def test_upload_is_streamed() -> None:
    """The first part of a body arrives upstream before the caller has sent the last; chunks stay chunks."""
    async with paced() as upstream:
        endpoint, answer = AwsEndpoint(upstream, no_answers), Answer()
        parts: asyncio.Queue[Message] = asyncio.Queue()
        parts.put_nowait({"type": "http.request", "body": b"first", "more_body": True})

        async def send(message: Message) -> None:
            answer.take(message)

        async with asyncio.timeout(DEADLINE_SECONDS):
            scope = http_scope("PUT", "/upload", [(b"transfer-encoding", b"chunked")])
            request = asyncio.create_task(endpoint(scope, parts.get, send))
            await ask(endpoint, "GET", "/first")
            await ask(endpoint, "GET", "/go")
            parts.put_nowait({"type": "http.request", "body": b"last", "more_body": False})
            await request

    assert answer.body == b"first|last"


async def test_caller_who_leaves_within_an_upload_is_not_answered(upstream: AwsServices) -> None:
    """The request to moto is given up with it."""
    messages: list[Message] = [
        {"type": "http.disconnect"},
        {"type": "http.request", "body": b"first", "more_body": True},
    ]
    answer = Answer()

    async def receive() -> Message:
        return messages.pop()

    async def send(message: Message) -> None:
        answer.take(message)

    async with asyncio.timeout(DEADLINE_SECONDS):
        scope = http_scope("PUT", "/echo", [(b"transfer-encoding", b"chunked")])
        await AwsEndpoint(upstream, no_answers)(scope, receive, send)

    assert (answer.status, messages) == (0, [])


async def test_answer_that_breaks_off_stays_broken_off(upstream: AwsServices) -> None:
    """Ten bytes were announced and four came: no end is invented."""
    answer = await ask(AwsEndpoint(upstream, no_answers), "GET", "/cut")

    assert (answer.status, answer.body, answer.whole) == (200, b"half", False)


async def test_without_moto_the_endpoint_is_unavailable(tmp_path: Path) -> None:
    """503 and the reason."""
    services = AwsServices(program=tmp_path / "missing.py")

    answer = await ask(AwsEndpoint(services, no_answers), "GET", "/bucket/key")
    await services.stop()

    assert (answer.status, answer.header("content-type")) == (503, "text/plain")
    assert answer.body.startswith(b"The rest of AWS (moto) cannot start: ")


async def test_answers_of_custom_resources_do_not_reach_moto(upstream: AwsServices) -> None:
    """A PUT to the path of a ResponseURL is theirs; anything else there is not."""

    async def answers(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, 200, body=b"taken")

    endpoint = AwsEndpoint(upstream, answers)

    assert (await ask(endpoint, "PUT", ANSWER_PATH + "token", body=b"{}")).body == b"taken"
    assert b"GET /_local" in (await ask(endpoint, "GET", ANSWER_PATH + "token")).body


@asynccontextmanager
async def paced() -> AsyncIterator[AwsServices]:
    """An upstream of its own, for what it was told to do it cannot be told again."""
    services = AwsServices(program=Path(__file__).with_name("upstream.py"))
    try:
        yield services
    finally:
        await services.stop()


async def _never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")
