"""The API as Lambda runs it, behind Mangum, at a time that only the test moves."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI

from application import create_app, create_handler
from polling import now_ms
from tests.function.asgi_calls import url_event

NOW = 1_795_372_256_822  # when events/api-poll.json was sent


class ApiContext:
    """The part of Lambda's context object that Powertools reads."""

    function_name = "api"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:api"
    aws_request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a viewer gets."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        assert self.headers["content-type"] in ("application/json", "application/problem+json")
        return json.loads(self.body)


class Api:
    """One environment; its clock stands at `now`, in milliseconds since 1970."""

    def __init__(self, app: FastAPI, loop: asyncio.AbstractEventLoop) -> None:
        self.now = NOW
        self._loop = loop
        app.dependency_overrides[now_ms] = self._tell
        self._handler = create_handler(app)

    def get(self, path: str, query: Mapping[str, object] | str = "", **options: Any) -> Answer:
        """The answer to GET, or another *method*; *query* may be raw."""
        raw = query if isinstance(query, str) else urlencode(query)
        return self.answer(url_event(options.pop("method", "GET"), f"{path}?{raw}", **options))

    def answer(self, event: Mapping[str, Any]) -> Answer:
        """The answer to a function URL's event."""
        asyncio.set_event_loop(self._loop)  # which Mangum runs on; other tests leave none behind
        reply = self._handler(dict(event), ApiContext())
        body = reply["body"].encode() if not reply["isBase64Encoded"] else base64.b64decode(reply["body"])
        return Answer(reply["statusCode"], reply["headers"], body)

    async def _tell(self) -> int:
        return self.now


@contextmanager
def running(app: FastAPI | None = None) -> Iterator[Api]:
    """The API, or another application in its place."""
    with asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())  # or Mangum would make one and leave it
        try:
            yield Api(app or create_app(), runner.get_loop())
        finally:
            asyncio.set_event_loop(None)


def problem_of(answer: Answer) -> dict[str, Any]:
    """The document of a refusal, whose headers must be right."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    document = json.loads(answer.body)
    assert document["type"] == "about:blank"
    assert document["status"] == answer.status
    return document
