"""A page in the place of an error: what a distribution answers instead of what its origin did.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/GeneratingCustomErrorResponses.html: CloudFront asks
the origin of the page's own behavior for it, and sends it with another status where one is configured, as applications
of one page want it: `/index.html` with a 200 in the place of every 404.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from local.asgi import Message, Receive, Scope, Send
from local.config import ErrorPage

# Of the viewer's request and not of the one for the page.
_NOT_FOR_THE_PAGE = (b"content-", b"transfer-encoding", b"range", b"if-", b"expect")


class ErrorWatch:
    """Stands before *send*, and keeps back a response that a page takes the place of; `page` is that page then."""

    def __init__(self, send: Send, pages: Mapping[int, ErrorPage]) -> None:
        self.page: ErrorPage | None = None
        self.status = 0
        self._send = send
        self._pages = pages

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.page = self._pages.get(self.status)
        if self.page is None:
            await self._send(message)


def page_scope(scope: Scope, page: ErrorPage) -> Scope:
    """The request for *page* in the place of the one in *scope*."""
    return {
        **scope,
        "method": "HEAD" if scope["method"] == "HEAD" else "GET",
        "path": page.path,
        "raw_path": quote(page.path, safe="/%").encode(),
        "query_string": b"",
        "extensions": {},
        "headers": [header for header in scope["headers"] if not header[0].startswith(_NOT_FOR_THE_PAGE)],
    }


def without_upload(receive: Receive) -> Receive:
    """The request for a page has no body; after it *receive* tells when the viewer leaves."""
    told = False

    async def receive_nothing() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": b"", "more_body": False}

    return receive_nothing


def sending_as(send: Send, status: int) -> Send:
    """*send*, with *status* in the place of a 200; a page that is itself an error keeps its own.

    `x-cache` goes on telling of the error, whatever the status is now.
    """

    async def send_as(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [header for header in message["headers"] if header[0] != b"x-cache"]
            headers = [*kept, (b"x-cache", b"Error from cloudfront")]
            message = {
                **message,
                "status": status if message["status"] == 200 else message["status"],
                "headers": headers,
            }
        await send(message)

    return send_as
