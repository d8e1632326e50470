"""The publisher puts the page into its bucket at deploy time: `CloudFormation -> [publisher] -> S3`.

What the real service does: CloudFormation invokes the function of a custom resource with a Create, Update or
Delete and waits for the answer; an answer with a new physical id means "replaced", and a Delete for the old one
follows (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-custom-resources.html).

What differs here, on purpose:
1. the physical id names the bucket: another bucket is another resource, and the old one is cleaned up;
2. it answers shortly before its own timeout would kill it: the deployment then fails at once, with a reason.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from botocore.exceptions import ClientError

from bucket import empty, publish, s3_client
from cfn_response import Answer, ResourceRequest
from edition import PageError, read_page

PAGE = Path(__file__).parent / "page"
ANSWER_SECONDS = 5.0  # kept back from the function's time for the answer

logger = logging.getLogger(__name__)


class Context(Protocol):
    """What the publisher reads of Lambda's context object."""

    log_stream_name: str

    def get_remaining_time_in_millis(self) -> int: ...


def handler(event: ResourceRequest, context: Context) -> None:
    """Do what CloudFormation asks for and answer it, whatever happens.

    Raises `ValueError` for an event of another kind, `UndeliveredError` when CloudFormation does not take the answer.
    """
    if "ResponseURL" not in event:
        raise ValueError("This event is no request of CloudFormation: it has no ResponseURL to answer to.")
    if "AWS_LAMBDA_LOG_LEVEL" not in os.environ:  # set where the function's LoggingConfig decides
        logging.getLogger().setLevel(logging.INFO)
    logging.getLogger("botocore").setLevel(logging.WARNING)  # or it tells at each start where it found credentials
    logger.info("%s of %s asked for", event["RequestType"], event["LogicalResourceId"])
    answer = Answer(event, physical_resource_id(event), log_stream_name=context.log_stream_name)
    try:
        with watch(answer, seconds=context.get_remaining_time_in_millis() / 1000 - ANSWER_SECONDS):
            data = fulfil(event)
    except Exception as error:  # whatever it is: a stack that hears nothing hangs for an hour
        logger.exception("The %s failed", event["RequestType"])
        answer.failed(reason_of(error))
    else:
        answer.succeeded(data)


@contextmanager
def watch(answer: Answer, *, seconds: float) -> Iterator[None]:
    """Answer FAILED after *seconds*; raises `TimeoutError` where there are none.

    S3 may hold up the main thread at any line, hence a second one. Left alone it would go off inside a later
    invocation of the same environment, hence the cancelling.
    """
    reason = "The time was not enough: raise the publisher function's Timeout, or deploy again if S3 was slow."
    if seconds <= 0:
        raise TimeoutError(reason)
    timer = threading.Timer(seconds, answer.failed, [reason])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def physical_resource_id(request: ResourceRequest) -> str:
    """The id of what is asked for; a Delete keeps the one it names, as CloudFormation knows no other."""
    if request["RequestType"] == "Delete" and "PhysicalResourceId" in request:
        return request["PhysicalResourceId"]
    return f"site-{request['ResourceProperties'].get('BucketName', 'unknown')}"


def fulfil(request: ResourceRequest) -> dict[str, str]:
    """Publish or empty, as asked; returns the numbers of files, as `Data` for the answer.

    Raises `PageError` for a request or a page that cannot be published, and what boto3 raises.
    """
    bucket = request["ResourceProperties"].get("BucketName")
    match request["RequestType"]:
        case "Create" | "Update":
            if not bucket:
                raise PageError("BucketName is missing: add it to the custom resource's Properties.")
            done = publish(s3_client(), bucket, read_page(PAGE))
            logger.info("Uploaded %s, removed %s in bucket %s", done.uploaded, done.removed, bucket)
            return {
                "Uploaded": str(len(done.uploaded)),
                "Unchanged": str(len(done.unchanged)),
                "Removed": str(len(done.removed)),
            }
        case "Delete":
            # Without a name the Create failed before it put anything anywhere.
            return {"Removed": str(empty(s3_client(), bucket) if bucket else 0)}
        case other:
            raise PageError(f"RequestType must be Create, Update or Delete, not {other!r}.")


def reason_of(error: Exception) -> str:
    """One sentence for the person who deploys: what is wrong and what to do."""
    if isinstance(error, PageError | TimeoutError):
        return str(error)
    if not isinstance(error, ClientError):
        return f"{type(error).__name__}: {error}. Read the log, mend it and deploy again."
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    match code:
        case "NoSuchBucket":
            return "The bucket does not exist: set BucketName to a bucket of this template, with !Ref."
        case "AccessDenied" | "403":
            return f"S3 denied {error.operation_name} ({message}): allow it in the publisher function's Policies."
        case _:
            return f"S3 answered {code} to {error.operation_name} ({message}): mend it and deploy again."
