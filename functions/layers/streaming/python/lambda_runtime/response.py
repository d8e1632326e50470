"""The HTTP reply a handler returns, and how it looks on the wire.

What this is: `handler -> [Response] -> loop -> Runtime API`; also the one type that `lambda_asgi` shares.

What the real service does: a function URL in `RESPONSE_STREAM` mode reads status, headers and cookies from a JSON
*prelude* that ends in eight NUL bytes, and passes on what follows as the HTTP body
(https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html).
"""

from __future__ import annotations

import json

# Named for type checkers only: importing typing or collections.abc costs a cold start several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lambda_runtime.body import Body

CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"
DELIMITER = b"\0" * 8
BODILESS = (204, 304)  # nothing may follow their prelude
_encode = json.JSONEncoder(separators=(",", ":")).encode


class Response:
    """A streamed HTTP reply, the counterpart of the web's `new Response(new ReadableStream(...))`.

    *body* is bytes (or what is like them: bytearray, memoryview), str (sent as UTF-8), or a sync or async iterable of
    either; each item is sent the moment it is
    yielded, in a burst a moment later with others. It may also be an `async def body(write)`, which awaits
    `write(item)` for each item from any of its tasks. *status_code* is an int from 200 to 599. *headers* maps a name to
    one str value; a second value of the same name is joined with a comma, as the service expects. *cookies* are whole
    `Set-Cookie` values. *background*, a function without arguments, `async def` or not, is called when the reply has
    ended, before the next event is asked for; what it raises is logged.

    Raises `ValueError` for a status code outside that range and `TypeError` for a header or cookie that is no str,
    for one str as *cookies*, or for a *background* that cannot be called.
    """

    __slots__ = ("background", "body", "cookies", "headers", "status_code")

    def __init__(
        self,
        body: Body = b"",
        status_code: int = 200,
        *,
        headers: Mapping[str, str] | None = None,
        cookies: Sequence[str] = (),
        background: Callable[[], object] | None = None,
    ) -> None:
        if not isinstance(status_code, int) or not 200 <= status_code <= 599:  # a 1xx would not be the answer yet
            raise ValueError(f"status_code must be an int from 200 to 599, not {status_code!r}")
        if isinstance(cookies, str):
            raise TypeError("cookies must be a list of Set-Cookie values, not one str")
        if background is not None and not callable(background):
            raise TypeError(f"background is a function to call, not {type(background).__name__}; pass it uncalled")
        self.body = body
        self.status_code = status_code
        self.headers = dict(headers or {})
        self.cookies = list(cookies)
        self.background = background
        for text in [*self.headers, *self.headers.values(), *self.cookies]:
            if not isinstance(text, str):
                raise TypeError(f"header names, header values and cookies must be str, not {text!r}")

    def metadata(self) -> dict[str, object]:
        """Status, headers and cookies under the names that the service knows them by."""
        return {"statusCode": self.status_code, "headers": self.headers, "cookies": self.cookies}

    def prelude(self) -> bytes:
        """The metadata as it goes on the wire: JSON, then the delimiter.

        JSON escapes control characters, so the delimiter cannot occur inside. `headers` and `cookies` are always
        there, and a reply without a content type says what it is: both as AWS's Rust client does it. But not one that
        has no body: of a 304, caches would take it for the type of what they keep.
        """
        metadata = self.metadata()
        if self.status_code not in BODILESS and "content-type" not in map(str.lower, self.headers):
            metadata["headers"] = {**self.headers, "content-type": "application/octet-stream"}
        return _encode(metadata).encode() + DELIMITER
