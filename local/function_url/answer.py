"""The HTTP response to one request at a function URL.

What hop this is: `endpoint -> [answer] <- invocation`; in `local.function_url` is told what it follows.
"""

from __future__ import annotations

import asyncio

from local import cors
from local.asgi import Receive, Send, respond
from local.invocation import CallerLeftError, FunctionError, Invocation, ReplyCutError
from local.progress import Progress
from local.reports import Reports, RequestReport
from local.wire import prelude
from local.wire.headers import Header, leaving_function
from local.wire.http_event import MalformedReplyError, is_reply, reply_of

JSON: Header = (b"content-type", b"application/json")
_BODYLESS = (204, 304)
_NOT_TAKEN_APART = (
    "the reply is a document with a statusCode, which a URL that streams passes on as it is: "
    "stream, or set InvokeMode of the URL to BUFFERED"
)


class Answer:
    """What the viewer gets of *invocation*; *added* are the headers of the URL's CORS configuration."""

    def __init__(
        self,
        invocation: Invocation,
        send: Send,
        report: RequestReport | None,
        *,
        added: list[Header],
        reports: Reports,
    ) -> None:
        self._invocation = invocation
        self._send = send
        self._report = report
        self._added = added
        self._reports = reports
        self._progress = Progress()

    async def give(self, *, is_head: bool) -> None:
        """Answer; returns without the last chunk when the reply was cut short after its first."""
        started = False
        try:
            content_type = await self._invocation.started()
            answer = self._streamed(content_type) if self._invocation.streamed else self._buffered()
            status, headers, first = await answer
            started = True
            await self._start(status, headers)
            await self._relay(first, bodyless=is_head or status in _BODYLESS)
        except ReplyCutError as error:
            self._note(error.failure.error_type)
            if not started:
                await self._fail()
        except FunctionError as error:
            self._note(error.failure.error_type)
            await self._fail()
        except CallerLeftError:
            pass
        except (prelude.PreludeError, MalformedReplyError) as error:
            self._note(str(error))
            self._invocation.reply.abandon()
            await self._fail()

    async def abandon_when_left(self, receive: Receive) -> None:
        """Wait until the viewer has left, and let the function run on then."""
        while (await receive())["type"] != "http.disconnect":
            pass
        if self._report and not self._invocation.reply.all_read:
            self._report.left = self._progress.in_words()
        self.abandon("its viewer had left")

    def abandon(self, how: str) -> None:
        """Nobody waits for the answer any more."""
        self._invocation.abandon(f"{how} {self._progress.in_words()}")

    async def _streamed(self, content_type: str) -> tuple[int, list[Header], bytes]:
        """Status, headers, and what of the body is already there."""
        if content_type != prelude.CONTENT_TYPE:
            if is_reply(self._invocation.reply.unread):
                self._note(_NOT_TAKEN_APART)
            return 200, [(b"content-type", (content_type or "application/octet-stream").encode("latin-1"))], b""
        parser = prelude.PreludeParser()
        while (data := await self._invocation.reply.read()) is not None:
            if parsed := parser.feed(data):
                head, body = parsed
                return head.status, leaving_function(head.headers), body
        if parser.empty:
            self._note("the reply is empty, without even its prelude: status and headers are lost")
            return 200, [(b"content-type", b"application/octet-stream")], b""
        raise parser.unfinished()

    async def _buffered(self) -> tuple[int, list[Header], bytes]:
        document = bytearray()
        while (data := await self._invocation.reply.read()) is not None:
            document += data
        reply = reply_of(bytes(document))
        length = [] if reply.status in _BODYLESS else [(b"content-length", b"%d" % len(reply.body))]
        return reply.status, [*reply.headers, *length], reply.body

    async def _start(self, status: int, headers: list[Header]) -> None:
        ours = [
            (b"x-amzn-requestid", self._invocation.request_id.encode()),
            (b"x-amzn-trace-id", self._invocation.trace_id.encode()),
        ]
        if self._added and (twice := cors.duplicated(self._added, headers)):
            names = ", ".join(twice)
            function = self._invocation.function.logical_id
            self._reports.note(f"{function}  sets {names}, and so does its URL's Cors: browsers refuse that")
        headers = [*headers, *self._added, *ours]
        self._progress.begin(headers)
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _relay(self, first: bytes, *, bodyless: bool) -> None:
        """Send the body: *first*, and what follows in a task of its own.

        That is what wakes up for each piece, and not all the calls that lie between the server and this one.
        """
        if not await self._pass_on(first, bodyless=bodyless):
            await asyncio.get_running_loop().create_task(self._follow(bodyless=bodyless))

    async def _follow(self, *, bodyless: bool) -> None:
        while (data := await self._invocation.reply.read()) is not None:
            if await self._pass_on(data, bodyless=bodyless):
                return
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pass_on(self, data: bytes, *, bodyless: bool) -> bool:
        """Send a piece of the body; whether it was the last one."""
        if bodyless or not data:
            return False
        self._progress.add(data)
        is_last = self._invocation.reply.all_read
        await self._send({"type": "http.response.body", "body": data, "more_body": not is_last})
        return is_last

    async def _fail(self) -> None:
        await respond(
            self._send,
            502,
            headers=[JSON, (b"x-amzn-requestid", self._invocation.request_id.encode())],
            body=b"Internal Server Error",
        )

    def _note(self, text: str) -> None:
        if self._report:
            self._report.note = text
