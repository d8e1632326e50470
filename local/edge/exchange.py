"""One request at the edge, with its origin and its response.

What hop this is: `edge -> [exchange] -> site | function_url`.

What the real service does: gives an origin up that is silent for longer than its response timeout. A GET or HEAD that
has no answer yet is then sent again, up to the origin's connection attempts, where the origin is no bucket
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html#origin-connection-attempts).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from local.asgi import ASGIApp, Message, Receive, Scope, Send
from local.config import Behavior, Origin
from local.edge import headers
from local.edge.origin_timer import OriginTimer
from local.errors import EmulatorError
from local.wire.headers import Header


@dataclass(frozen=True, slots=True)
class Route:
    """A behavior with all that a request needs of it."""

    pattern: re.Pattern[str]
    behavior: Behavior
    policy: headers.Policy
    withheld: frozenset[bytes]
    added: tuple[Header, ...]  # for the origin
    origin: Origin
    app: ASGIApp


class Exchange:
    """One request to an origin and its response, which passes through `send` message by message."""

    def __init__(
        self,
        route: Route,
        *,
        via: bytes,
        request_id: bytes,
        receive: Receive,
        send: Send,
        note: Callable[[str], None],
    ) -> None:
        self.started = False
        self._route = route
        self._via = via
        self._request_id = request_id
        self._receive_from_viewer = receive
        self._send_to_viewer = send
        self._note = note
        self._timer = OriginTimer(route.origin.response_timeout_seconds)
        self._uploading = True
        self._repeated = False  # the request is sent once more, and the origin has not read it yet

    async def run(self, scope: Scope) -> tuple[int, str] | None:
        """None when the origin has answered, else the status and the sentence that tell what it did instead."""
        origin = self._route.origin
        attempts = origin.attempts if scope["method"] in ("GET", "HEAD") else 1
        failure = await self._ask(scope)
        for attempt in range(2, attempts + 1):
            if self.started or not self._timer.expired:
                break
            silence = f"The origin {origin.origin_id} was silent for {origin.response_timeout_seconds} s"
            again = f"the edge asks it again, as CloudFront does ({attempt} of {attempts})"
            self._note(f"{silence}; {again}. That invokes its function once more, while the first invocation runs on.")
            self._timer = OriginTimer(origin.response_timeout_seconds)
            self._repeated = True
            failure = await self._ask(scope)
        return failure

    async def receive(self) -> Message:
        if self._repeated:
            self._repeated = False
            return {"type": "http.request", "body": b"", "more_body": False}
        if self._uploading:
            self._timer.pause()  # the origin is waiting for the viewer
        message = await self._receive_from_viewer()
        if self._uploading and message["type"] == "http.request":
            self._uploading = message.get("more_body", False)
            self._timer.resume()
        return message

    async def send(self, message: Message) -> None:
        self._timer.pause()
        if self.started:
            await self._send_to_viewer(message)
            if not message.get("more_body", False):
                return  # paused for good: the origin has nothing left to say
        else:
            self.started = True
            await self._send_to_viewer(self._rewritten(message))
        self._timer.resume()

    async def _ask(self, scope: Scope) -> tuple[int, str] | None:
        origin = self._route.origin
        try:
            with self._timer:
                await self._route.app({**scope}, self.receive, self.send)
        except EmulatorError as error:
            return 502, str(error)
        except TimeoutError:
            if not self._timer.expired:
                raise
            return 504, f"The origin {origin.origin_id} was silent for {origin.response_timeout_seconds} seconds."
        return None if self.started else (502, f"The origin {origin.origin_id} ended without an answer.")

    def _rewritten(self, start: Message) -> Message:
        answer = headers.response_headers(
            start.get("headers", ()),
            self._route.policy,
            status=start["status"],
            via=self._via,
            request_id=self._request_id,
        )
        return {**start, "headers": answer}
