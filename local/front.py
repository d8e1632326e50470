"""What listens on the emulator's port: finds out for whom a request is, and says afterwards what became of it.

What hop this is: `viewer -> http1.connection -> [front] -> edge or function_url`.

What the real service does: distributions and function URLs have hosts of their own. Here they share a port, and the
`Host` header tells them apart: `<url-id>.lambda-url.<region>.localhost` is a function URL,
`<id>.cloudfront.localhost` a distribution, and everything else the distribution that was there first.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache

from local.asgi import ASGIApp, Message, Receive, Scope, Send, respond
from local.reports import Reports, RequestReport
from local.request_head import BadHeadError, host_of, refuse

_URL_MARK = ".lambda-url."


class Front:
    """ASGI: *hosts* has who answers for each domain, without a port, and under "" who answers for all others.

    It may change at any time, as deployments do.
    """

    def __init__(self, hosts: Mapping[str, ASGIApp], reports: Reports) -> None:
        self._hosts = hosts
        self._reports = reports

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        report = RequestReport(scope["method"], scope["raw_path"].decode("latin-1"), "")
        scope["local.report"] = report
        request = _Request(report, receive, send)
        try:
            report.host = host_of(scope)
            await self._app(report.host)(scope, request.receive, request.send)
        except BadHeadError as error:
            report.note = error.reason
            await refuse(request.send, error)
        finally:
            request.finish()
            self._reports.request(report)

    def _app(self, host: str) -> ASGIApp:
        domain = _domain_of(host)
        return self._hosts.get(domain) or (_unknown_url if _URL_MARK in domain else self._hosts[""])


@lru_cache(maxsize=256)
def _domain_of(host: str) -> str:
    name, _, port = host.rpartition(":")
    return (name if port.isdigit() else host).lower().rstrip(".")


class _Request:
    """Watches one request go by."""

    def __init__(self, report: RequestReport, receive: Receive, send: Send) -> None:
        self._report = report
        self._receive = receive
        self._send = send
        self._came = time.monotonic()
        self._complete = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" and not self._complete:
            self._report.viewer_left = True
        return message

    async def send(self, message: Message) -> None:
        report = self._report
        if message["type"] == "http.response.start":
            report.status = message["status"]
        else:
            if body := message.get("body"):
                if report.first_byte_ms is None:
                    report.first_byte_ms = self._elapsed_ms()
                if not report.viewer_left:
                    report.body_bytes += len(body)
            if not message.get("more_body"):
                self._complete = True
        await self._send(message)

    def finish(self) -> None:
        self._report.total_ms = self._elapsed_ms()
        self._report.cut = not self._complete and not self._report.viewer_left

    def _elapsed_ms(self) -> float:
        return (time.monotonic() - self._came) * 1000


async def _unknown_url(scope: Scope, receive: Receive, send: Send) -> None:
    """AWS documents no answer for a function URL that does not exist; its name would not even resolve."""
    text = (
        b"No function has that URL; the emulator prints those that exist when it starts, or when they are deployed.\n"
    )
    await respond(send, 404, headers=[(b"content-type", b"text/plain")], body=text)
