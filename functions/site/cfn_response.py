"""The answer CloudFormation waits for: `publisher -> [one HTTP PUT] -> CloudFormation`.

What the real service does: every request of a custom resource carries a presigned `ResponseURL`, and the stack
stands still, up to an hour, until a JSON document of at most 4096 bytes is PUT there
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html).

What differs here, on purpose:
1. an answer that cannot be delivered raises: Lambda then tries the asynchronous invocation again.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import NotRequired, TypedDict

TIMEOUT_SECONDS = 4.0
PAUSES_SECONDS = (0.5, 1.0, 2.0)
MAX_BODY_BYTES = 4096

logger = logging.getLogger(__name__)


class ResourceRequest(TypedDict):
    """What CloudFormation sends (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html)."""

    RequestType: str  # Create | Update | Delete
    ResponseURL: str
    StackId: str
    RequestId: str
    LogicalResourceId: str
    PhysicalResourceId: NotRequired[str]  # not in a Create: the answer to it sets the id
    ResourceProperties: Mapping[str, str]


class UndeliveredError(Exception):
    """CloudFormation did not take the answer."""


class Answer:
    """The answer to one request, given once: the first of the callers wins and the others change nothing.

    *pause* is `time.sleep`, or what a test puts in its place. Both methods raise `UndeliveredError`.
    """

    def __init__(
        self,
        request: ResourceRequest,
        physical_resource_id: str,
        *,
        log_stream_name: str,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._request = request
        self._physical_resource_id = physical_resource_id
        self._log_stream_name = log_stream_name
        self._pause = pause
        self._lock = threading.Lock()
        self._delivered = False

    def succeeded(self, data: Mapping[str, str]) -> None:
        """Tell CloudFormation that the resource is as it was asked for; *data* is what `!GetAtt` can read."""
        self._answer("SUCCESS", "Done.", data)

    def failed(self, reason: str) -> None:
        """Tell CloudFormation to roll back; *reason* is the sentence the person who deploys will read."""
        self._answer("FAILED", reason, {})

    def _answer(self, status: str, reason: str, data: Mapping[str, str]) -> None:
        with self._lock:
            if self._delivered:
                return
            self._deliver(self._body(status, reason, data))
            self._delivered = True
            logger.info("Answered %s to CloudFormation: %s", status, reason)

    def _body(self, status: str, reason: str, data: Mapping[str, str]) -> bytes:
        def encoded(sentence: str) -> bytes:
            document = {
                "Status": status,
                "Reason": f"{sentence} (Log stream: {self._log_stream_name})",
                "PhysicalResourceId": self._physical_resource_id,
                "StackId": self._request["StackId"],
                "RequestId": self._request["RequestId"],
                "LogicalResourceId": self._request["LogicalResourceId"],
                "Data": dict(data),
            }
            return json.dumps(document, ensure_ascii=False).encode()

        # How many bytes a character takes in JSON is JSON's business, so this is tried and not calculated.
        while len(body := encoded(reason)) > MAX_BODY_BYTES and len(reason) > 1:
            reason = reason[: len(reason) * 9 // 10 - 1] + "…"
        return body

    def _deliver(self, body: bytes) -> None:
        for pause_seconds in (*PAUSES_SECONDS, None):
            try:
                return put(self._request["ResponseURL"], body)
            except (OSError, HTTPException) as error:
                refused = isinstance(error, urllib.error.HTTPError) and error.code < 500
                if refused or pause_seconds is None:
                    raise UndeliveredError(f"CloudFormation did not take the answer: {error}") from error
                logger.warning("The answer did not arrive (%s), next try in %s s", error, pause_seconds)
            self._pause(pause_seconds)
        return None


def put(url: str, body: bytes) -> None:
    """PUT *body* to the presigned *url*; raises `OSError` when it does not arrive or is refused."""
    # The signature covers an empty content type, and urllib would add its own where there is none.
    request = urllib.request.Request(url, data=body, method="PUT", headers={"content-type": ""})
    try:
        urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS).close()
    except urllib.error.HTTPError as refusal:
        refusal.close()  # it holds the connection
        raise
