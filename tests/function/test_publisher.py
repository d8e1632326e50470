"""The publisher against moto's S3 and a CloudFormation that only listens."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws

import publisher
from bucket import empty, publish
from cfn_response import MAX_BODY_BYTES, PAUSES_SECONDS, Answer, ResourceRequest, UndeliveredError
from edition import PageError, PageFile, read_page

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EVENTS = Path(__file__).parents[2] / "events"
BUCKET = "lambda-sse-pagebucket-h3k9zt5wq1xa"
PAGE = {file.key for file in read_page(publisher.PAGE)}
(SCRIPT,) = (key for key in PAGE if key.endswith("/app.js"))
(STYLE,) = (key for key in PAGE if key.endswith("/style.css"))
DEADLINE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Put:
    """One request that CloudFormation got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def answer(self) -> dict[str, Any]:
        """The body as the JSON document it is."""
        return json.loads(self.body)


class CloudFormation(ThreadingHTTPServer):
    """The end that takes answers: keeps each, and replies with the next of *statuses*, or 200."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.puts: Queue[Put] = Queue()
        self.statuses: list[int] = []

    def url(self, event: ResourceRequest) -> str:
        """The event's own ResponseURL, at this server."""
        return f"http://127.0.0.1:{self.server_port}/" + event["ResponseURL"].split("/", 3)[3]

    def event(self, name: str, **properties: str) -> ResourceRequest:
        """`events/<name>.json`, to be answered here; *properties* replace those of the file."""
        event: ResourceRequest = json.loads((EVENTS / f"{name}.json").read_text())
        event["ResponseURL"] = self.url(event)
        event["ResourceProperties"] = {**event["ResourceProperties"], **properties}
        return event

    def only_answer(self) -> dict[str, Any]:
        """The one answer there is, at once."""
        put = self.puts.get(timeout=DEADLINE_SECONDS)
        assert self.puts.empty()
        return put.answer


class _Handler(BaseHTTPRequestHandler):
    server: CloudFormation

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.puts.put(Put(self.command, self.path, headers, body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """The test's output stays its own."""


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[None]:
    """Run *server* in a thread for as long as the block lasts."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@dataclass(slots=True)
class LambdaContext:
    """The two things the publisher reads of Lambda's context."""

    remaining_ms: int = 60_000
    log_stream_name: str = "2026/03/01/[$LATEST]58419525dade4d17a495dceeeed44708"

    def get_remaining_time_in_millis(self) -> int:
        """What is left of the function's time."""
        return self.remaining_ms


@dataclass(slots=True)
class Pauses:
    """Stands where time.sleep stands, and does not wait."""

    seconds: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        """Take note."""
        self.seconds.append(seconds)


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    """A CloudFormation that waits for answers."""
    server = CloudFormation()
    with serving(server):
        yield server


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Lambda sets for a function, and nothing of this machine's own configuration."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", "INFO")
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")


@pytest.fixture
def s3() -> Iterator[S3Client]:
    """moto's S3, still without a bucket."""
    with mock_aws():
        yield boto3.client("s3")


@pytest.fixture
def bucket(s3: S3Client) -> str:
    """The name of an empty bucket, the one that the events name."""
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return BUCKET


def keys(s3: S3Client) -> set[str]:
    """What is in the bucket."""
    return {entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])}


def page_file(key: str, body: bytes = b"text", cache_control: str = "max-age=1") -> PageFile:
    """A file of a page."""
    return PageFile(key, body, "text/plain", cache_control)


# The answer


def test_create_answers_what_cloudformation_documents(
    cloudformation: CloudFormation, s3: S3Client, bucket: str
) -> None:
    """One PUT to the presigned path and query, an empty content type, and every field of the answer."""
    event = cloudformation.event("site-create")
    publisher.handler(event, LambdaContext())
    put = cloudformation.puts.get(timeout=DEADLINE_SECONDS)

    assert (put.method, put.path) == ("PUT", "/" + event["ResponseURL"].split("/", 3)[3])
    assert put.headers["content-type"] == ""
    assert put.headers["content-length"] == str(len(put.body))
    assert "transfer-encoding" not in put.headers
    assert put.answer == {
        "Status": "SUCCESS",
        "Reason": "Done. (Log stream: 2026/03/01/[$LATEST]58419525dade4d17a495dceeeed44708)",
        "PhysicalResourceId": f"site-{BUCKET}",
        "StackId": event["StackId"],
        "RequestId": "9b2f0c64-6b0a-4f0e-9d0b-3c5a1f2e7d81",
        "LogicalResourceId": "Site",
        "Data": {"Uploaded": str(len(PAGE)), "Unchanged": "0", "Removed": "0"},
    }
    assert cloudformation.puts.empty()


def test_an_answer_is_tried_again_when_the_server_fails(cloudformation: CloudFormation) -> None:
    """Two 503s are two pauses and a third try with the same body."""
    cloudformation.statuses = [503, 503]
    pauses = Pauses()
    answer = Answer(cloudformation.event("site-create"), "site-x", log_stream_name="log", pause=pauses)
    answer.succeeded({})
    bodies = {cloudformation.puts.get(timeout=DEADLINE_SECONDS).body for _ in range(3)}

    assert len(bodies) == 1
    assert pauses.seconds == [0.5, 1.0]
    assert cloudformation.puts.empty()


def test_an_answer_that_is_refused_is_not_repeated(cloudformation: CloudFormation) -> None:
    """A 403 (the presigned URL ran out) stays a 403: one try, and an error that says so."""
    cloudformation.statuses = [403]
    pauses = Pauses()
    answer = Answer(cloudformation.event("site-create"), "site-x", log_stream_name="log", pause=pauses)
    with pytest.raises(UndeliveredError, match=r"CloudFormation did not take the answer: HTTP Error 403"):
        answer.succeeded({})

    assert pauses.seconds == []
    assert cloudformation.puts.qsize() == 1


def test_an_unreachable_cloudformation_is_given_up(cloudformation: CloudFormation) -> None:
    """Nobody listens at ResponseURL: four tries, and then an error instead of a loop."""
    event = cloudformation.event("site-create")
    cloudformation.server_close()
    pauses = Pauses()
    answer = Answer(event, "site-x", log_stream_name="log", pause=pauses)
    with pytest.raises(UndeliveredError, match="CloudFormation did not take the answer"):
        answer.succeeded({})

    assert tuple(pauses.seconds) == PAUSES_SECONDS


def test_only_the_first_answer_counts(cloudformation: CloudFormation) -> None:
    """Whoever comes second, the timer or the work, changes nothing."""
    answer = Answer(cloudformation.event("site-create"), "site-x", log_stream_name="log")
    answer.failed("Too late.")
    answer.succeeded({})

    assert cloudformation.only_answer()["Reason"] == "Too late. (Log stream: log)"


@pytest.mark.parametrize("character", ["x", "ü", "🌍", '"', "\0"])
def test_a_long_reason_is_cut_to_what_cloudformation_takes(cloudformation: CloudFormation, character: str) -> None:
    """The body stays within 4096 bytes, however many bytes a character takes, and keeps the log stream's name."""
    answer = Answer(cloudformation.event("site-create"), "site-x", log_stream_name="log")
    answer.failed(character * 5000)
    put = cloudformation.puts.get(timeout=DEADLINE_SECONDS)

    assert len(put.body) <= MAX_BODY_BYTES
    assert put.answer["Reason"].startswith(character)
    assert put.answer["Reason"].endswith("… (Log stream: log)")


# Create and Update


def test_create_stores_the_page_with_its_headers(cloudformation: CloudFormation, s3: S3Client, bucket: str) -> None:
    """Every file of page/ is there, byte for byte but for the links of HTML, with the headers a browser needs."""
    publisher.handler(cloudformation.event("site-create"), LambdaContext())
    stored = {key: s3.get_object(Bucket=BUCKET, Key=key) for key in keys(s3)}
    index, script, style = (stored.pop(key) for key in ("index.html", SCRIPT, STYLE))

    assert (index["ContentType"], index["CacheControl"]) == ("text/html; charset=utf-8", "public, max-age=60")
    assert script["ContentType"] == "text/javascript; charset=utf-8"
    assert style["ContentType"] == "text/css; charset=utf-8"
    assert f'"/{SCRIPT}"'.encode() in index["Body"].read()
    assert script["Body"].read() == (publisher.PAGE / "app.js").read_bytes()
    assert stored.pop("favicon.svg")["CacheControl"] == "public, max-age=60"
    for each in (script, style, *stored.values()):
        assert each["CacheControl"] == "public, max-age=31536000, immutable"


def test_a_second_create_changes_nothing(cloudformation: CloudFormation, s3: S3Client, bucket: str) -> None:
    """CloudFormation may ask twice: the same id, and not one upload."""
    publisher.handler(cloudformation.event("site-create"), LambdaContext())
    first = cloudformation.only_answer()
    publisher.handler(cloudformation.event("site-create"), LambdaContext())
    second = cloudformation.only_answer()

    assert first["Data"] == {"Uploaded": str(len(PAGE)), "Unchanged": "0", "Removed": "0"}
    assert second == {**first, "Data": {"Uploaded": "0", "Unchanged": str(len(PAGE)), "Removed": "0"}}


def test_update_uploads_what_changed_and_removes_what_is_gone(
    cloudformation: CloudFormation, s3: S3Client, bucket: str
) -> None:
    """Another body, content type or cache control is uploaded again; a key that is not in page/ goes."""
    publisher.handler(cloudformation.event("site-create"), LambdaContext())
    cloudformation.only_answer()
    s3.put_object(Bucket=BUCKET, Key=SCRIPT, Body=b"old")
    style = (publisher.PAGE / "style.css").read_bytes()
    s3.put_object(Bucket=BUCKET, Key=STYLE, Body=style, ContentType="text/css; charset=utf-8")
    s3.put_object(Bucket=BUCKET, Key="img/old.png", Body=b"old")
    publisher.handler(cloudformation.event("site-update"), LambdaContext())
    answer = cloudformation.only_answer()

    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", f"site-{BUCKET}")
    assert answer["Data"] == {"Uploaded": "2", "Unchanged": str(len(PAGE) - 2), "Removed": "1"}
    assert keys(s3) == PAGE
    assert s3.head_object(Bucket=BUCKET, Key=SCRIPT)["ContentType"] == "text/javascript; charset=utf-8"
    assert s3.head_object(Bucket=BUCKET, Key=STYLE)["CacheControl"] == "public, max-age=31536000, immutable"


def test_update_to_another_bucket_is_another_resource(
    cloudformation: CloudFormation, s3: S3Client, bucket: str
) -> None:
    """The new bucket gives a new physical id, so that CloudFormation sends a Delete for the old one."""
    s3.create_bucket(Bucket="other", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    publisher.handler(cloudformation.event("site-update", BucketName="other"), LambdaContext())

    assert cloudformation.only_answer()["PhysicalResourceId"] == "site-other"
    assert {entry["Key"] for entry in s3.list_objects_v2(Bucket="other")["Contents"]} == PAGE


def test_publish_goes_in_order_and_says_what_it_did(s3: S3Client, bucket: str) -> None:
    """Uploaded, unchanged and removed are told by key, files in the order given."""
    publish(s3, BUCKET, [page_file("same"), page_file("new"), page_file("gone"), page_file("also gone")])
    done = publish(s3, BUCKET, [page_file("z"), page_file("same"), page_file("new", b"other"), page_file("a")])

    assert done.uploaded == ("z", "new", "a")
    assert done.unchanged == ("same",)
    assert done.removed == ("also gone", "gone")


def test_the_etag_is_the_one_s3_gives(s3: S3Client, bucket: str) -> None:
    """What we compare with is what S3 answers."""
    file = page_file("a", b"some bytes")

    assert file.etag == f'"{hashlib.md5(b"some bytes").hexdigest()}"'
    assert file.etag == s3.put_object(Bucket=BUCKET, Key="a", Body=file.body)["ETag"]


# Delete


def test_delete_leaves_nothing_behind(cloudformation: CloudFormation, s3: S3Client, bucket: str) -> None:
    """Every version and delete marker goes, so that CloudFormation can delete the bucket itself."""
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        s3.put_object(Bucket=BUCKET, Key="index.html", Body=body)
    s3.put_object(Bucket=BUCKET, Key="gone.js", Body=b"1")
    s3.delete_object(Bucket=BUCKET, Key="gone.js")
    event = cloudformation.event("site-delete")
    publisher.handler(event, LambdaContext())
    answer = cloudformation.only_answer()

    assert (answer["Status"], answer["Data"]) == ("SUCCESS", {"Removed": "4"})
    assert answer["PhysicalResourceId"] == event["PhysicalResourceId"]
    s3.delete_bucket(Bucket=BUCKET)


def test_delete_goes_on_over_every_page_of_a_listing(s3: S3Client, bucket: str) -> None:
    """A bucket with more versions than one listing holds is emptied all the same."""
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for number in range(7):
        s3.put_object(Bucket=BUCKET, Key=f"{number % 3}", Body=b"%d" % number)
    s3.delete_object(Bucket=BUCKET, Key="1")

    assert empty(s3, BUCKET, page_size=2) == 8
    s3.delete_bucket(Bucket=BUCKET)


def test_delete_twice_succeeds_twice(cloudformation: CloudFormation, s3: S3Client, bucket: str) -> None:
    """An empty bucket is as good as one that is emptied."""
    for _ in range(2):
        publisher.handler(cloudformation.event("site-delete"), LambdaContext())

        assert cloudformation.only_answer()["Status"] == "SUCCESS"


def test_delete_of_a_bucket_that_is_gone_is_done(cloudformation: CloudFormation, s3: S3Client) -> None:
    """Nothing to remove is no failure."""
    publisher.handler(cloudformation.event("site-delete"), LambdaContext())
    answer = cloudformation.only_answer()

    assert (answer["Status"], answer["Data"]) == ("SUCCESS", {"Removed": "0"})


# What goes wrong


def test_a_missing_bucket_fails_and_its_delete_succeeds(cloudformation: CloudFormation, s3: S3Client) -> None:
    """A Create that cannot work says why, and the roll-back's Delete for it goes through."""
    publisher.handler(cloudformation.event("site-create"), LambdaContext())
    created = cloudformation.only_answer()
    deletion = cloudformation.event("site-delete")
    deletion["PhysicalResourceId"] = created["PhysicalResourceId"]
    publisher.handler(deletion, LambdaContext())
    deleted = cloudformation.only_answer()

    assert created["Status"] == "FAILED"
    assert created["Reason"] == (
        "The bucket does not exist: set BucketName to a bucket of this template, with !Ref. "
        "(Log stream: 2026/03/01/[$LATEST]58419525dade4d17a495dceeeed44708)"
    )
    assert created["PhysicalResourceId"] == f"site-{BUCKET}"
    assert created["Data"] == {}
    assert (deleted["Status"], deleted["PhysicalResourceId"]) == ("SUCCESS", f"site-{BUCKET}")


def test_a_create_without_a_bucket_name_fails_and_its_delete_succeeds(cloudformation: CloudFormation) -> None:
    """A property that was forgotten is named; S3 is never asked."""
    publisher.handler(cloudformation.event("site-create", BucketName=""), LambdaContext())
    created = cloudformation.only_answer()
    publisher.handler(cloudformation.event("site-delete", BucketName=""), LambdaContext())
    deleted = cloudformation.only_answer()

    assert created["Status"] == "FAILED"
    assert created["Reason"].startswith("BucketName is missing: add it to the custom resource's Properties. (")
    assert (deleted["Status"], deleted["Data"]) == ("SUCCESS", {"Removed": "0"})


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "no s3:ListBucket"}}, "ListObjectsV2"),
            "S3 denied ListObjectsV2 (no s3:ListBucket): allow it in the publisher function's Policies.",
        ),
        (
            ClientError({"Error": {"Code": "SlowDown", "Message": "Reduce your rate"}}, "PutObject"),
            "S3 answered SlowDown to PutObject (Reduce your rate): mend it and deploy again.",
        ),
        (OSError("disk"), "OSError: disk. Read the log, mend it and deploy again."),
    ],
    ids=["denied", "other answer", "no answer"],
)
def test_a_reason_says_what_is_wrong_and_what_to_do(error: Exception, reason: str) -> None:
    """The person who deploys reads one sentence, not a stack trace."""
    assert publisher.reason_of(error) == reason


def test_a_version_that_s3_keeps_is_named(s3: S3Client) -> None:
    """DeleteObjects answers 200 with the refusals inside: an emptying that emptied nothing must not look well."""
    with Stubber(s3) as replies:
        replies.add_response("list_object_versions", {"Versions": [{"Key": "a", "VersionId": "1"}]})
        replies.add_response("delete_objects", {"Errors": [{"Key": "a", "Code": "AccessDenied"}]})
        with pytest.raises(PageError) as kept:
            empty(s3, BUCKET)

    assert str(kept.value) == (
        f"S3 kept 1 of 1 objects in bucket '{BUCKET}', 'a' because of AccessDenied: "
        "allow the function's role s3:DeleteObject and s3:DeleteObjectVersion."
    )


def test_an_unknown_request_fails(cloudformation: CloudFormation) -> None:
    """A request type that CloudFormation does not have yet is answered too."""
    event = cloudformation.event("site-create")
    event["RequestType"] = "Import"
    publisher.handler(event, LambdaContext())
    answer = cloudformation.only_answer()

    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("RequestType must be Create, Update or Delete, not 'Import'. (")


def test_an_event_of_another_kind_is_refused() -> None:
    """Without a ResponseURL there is nobody to answer: the caller gets the sentence."""
    with pytest.raises(ValueError, match="This event is no request of CloudFormation") as refused:
        publisher.handler({"rawPath": "/sse"}, LambdaContext())  # type: ignore[typeddict-item]

    assert str(refused.value) == ("This event is no request of CloudFormation: it has no ResponseURL to answer to.")


def test_no_time_left_is_answered_without_trying(cloudformation: CloudFormation, s3: S3Client, bucket: str) -> None:
    """A function whose Timeout leaves no room for an answer fails at once, with the bucket untouched."""
    publisher.handler(cloudformation.event("site-create"), LambdaContext(remaining_ms=3000))
    answer = cloudformation.only_answer()

    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("The time was not enough: raise the publisher function's Timeout, or ")
    assert keys(s3) == set()


class SlowS3(ThreadingHTTPServer):
    """An S3 that answers 404 NoSuchBucket, but only once it is *released*."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _SlowHandler)
        self.paths: Queue[str] = Queue()
        self.released = threading.Event()


class _SlowHandler(BaseHTTPRequestHandler):
    server: SlowS3

    def do_GET(self) -> None:
        self.server.paths.put(self.path)
        self.server.released.wait(DEADLINE_SECONDS)
        body = b"<Error><Code>NoSuchBucket</Code><Message>No such bucket</Message></Error>"
        self.send_response(404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """The test's output stays its own."""


def test_the_answer_comes_before_the_functions_timeout(
    cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While S3 keeps the function waiting, its time runs out: FAILED is told first, and told once.

    On the way: at an endpoint that is not AWS the bucket is in the path, not in the host name.
    """
    slow = SlowS3()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://localhost:{slow.server_port}")
    context = LambdaContext(remaining_ms=int(publisher.ANSWER_SECONDS * 1000) + 1)
    with serving(slow):
        work = threading.Thread(target=publisher.handler, args=(cloudformation.event("site-create"), context))
        work.start()
        assert slow.paths.get(timeout=DEADLINE_SECONDS) == f"/{BUCKET}?list-type=2&encoding-type=url"
        put = cloudformation.puts.get(timeout=DEADLINE_SECONDS)
        slow.released.set()
        work.join(DEADLINE_SECONDS)

    assert not work.is_alive()
    assert put.answer["Status"] == "FAILED"
    assert put.answer["Reason"].startswith("The time was not enough: ")
    assert cloudformation.puts.empty()


def test_no_timer_is_left_behind(cloudformation: CloudFormation, s3: S3Client, bucket: str) -> None:
    """A timer that outlived its request would answer in the middle of a later one."""
    publisher.handler(cloudformation.event("site-create"), LambdaContext())

    timers = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    for timer in timers:
        timer.join(DEADLINE_SECONDS)  # a cancelled one ends as soon as it gets to run
    assert not any(timer.is_alive() for timer in timers)
