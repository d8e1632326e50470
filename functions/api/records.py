"""What is written down about each request: one log line and a few counts, for the people who run the function.

What this is: `Mangum -> [records] -> FastAPI`, and from here to stdout, where CloudWatch finds both.

What the library does that we follow: Powertools' Logger writes JSON and takes its service name and level from
`POWERTOOLS_SERVICE_NAME` and `POWERTOOLS_LOG_LEVEL`; its Metrics writes the embedded metric format, a line of JSON that
CloudWatch turns into metrics (https://docs.aws.amazon.com/powertools/python/latest/core/metrics/).
"""

from __future__ import annotations

import time

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Records:
    """*app*, with a line to *logger* and counts to *metrics* for each request. Whoever calls it flushes the counts."""

    def __init__(self, app: ASGIApp, *, logger: Logger, metrics: Metrics) -> None:
        self._app = app
        self._logger = logger
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.monotonic(), 500  # what Starlette answers, further out, for an exception

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        scope.setdefault("state", {})  # where a route leaves how many words it told
        try:
            await self._app(scope, receive, send_and_note)
        finally:
            self._write(scope, status, duration_ms=round((time.monotonic() - started) * 1000))

    def _write(self, scope: Scope, status: int, *, duration_ms: int) -> None:
        words: int | None = scope["state"].get("words")
        record = {"method": scope["method"], "path": scope["path"], "status": status, "duration_ms": duration_ms}
        self._count("RequestAnswered")
        if words is not None:
            record["words"] = words
            self._count("PollAnswered")
            self._count("WordTold", words)
        if status < 400:
            self._logger.info("Request answered", extra=record)
        else:
            self._count("RequestRefused" if status < 500 else "RequestFailed")
            self._logger.warning("Request refused" if status < 500 else "Request failed", extra=record)

    def _count(self, name: str, value: int = 1) -> None:
        self._metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
