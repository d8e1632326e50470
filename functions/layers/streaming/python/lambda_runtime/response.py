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
    from collections.abc import AsyncIterable, Iterable, Mapping, Sequence

    Chunk = bytes | str
    Body = Chunk | Iterable[Chunk] | AsyncIterable[Chunk]

CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"
DELIMITER = b"\0" * 8


class Response:
    """A streamed HTTP reply, the counterpart of the web's `new Response(new ReadableStream(...))`.

    *body* is bytes, str (sent as UTF-8), or a sync or async iterable of either; each item is sent the moment it is
    yielded. *status_code* is an int from 100 to 599. *headers* maps a name to one str value; a second value of the
    same name is joined with a comma, as the service expects. *cookies* are whole `Set-Cookie` values.

    Raises `ValueError` for a status code outside that range and `TypeError` for a header or cookie that is no str.
    """

    __slots__ = ("body", "cookies", "headers", "status_code")

    def __init__(
        self,
        body: Body = b"",
        status_code: int = 200,
        *,
        headers: Mapping[str, str] | None = None,
        cookies: Sequence[str] = (),
    ) -> None:
        if not isinstance(status_code, int) or not 100 <= status_code <= 599:
            raise ValueError(f"status_code must be an int from 100 to 599, not {status_code!r}")
        self.body = body
        self.status_code = status_code
        self.headers = dict(headers or {})
        self.cookies = list(cookies)
        for text in [*self.headers, *self.headers.values(), *self.cookies]:
            if not isinstance(text, str):
                raise TypeError(f"header names, header values and cookies must be str, not {text!r}")

    def prelude(self) -> bytes:
        """The metadata as it goes on the wire: JSON, then the delimiter.

        JSON escapes control characters, so the delimiter cannot occur inside. `headers` and `cookies` are always
        there, and a reply without a content type says what it is: both as AWS's Rust client does it.
        """
        headers = self.headers
        if not any(name.lower() == "content-type" for name in headers):
            headers = {**headers, "content-type": "application/octet-stream"}
        metadata = {"statusCode": self.status_code, "headers": headers, "cookies": self.cookies}
        return json.dumps(metadata, separators=(",", ":")).encode() + DELIMITER
