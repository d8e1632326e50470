"""`http.response.start` as the beginning of a reply.

What this is: `application -> send -> cycle -> [prelude] -> lambda_runtime.response`.

What the real service does: a function URL takes one value for each header, and cookies in a list of their own; a REST
API takes lists of values in `multiValueHeaders`
(https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html). The length of the
body is not the function's to say: a function URL renames a `content-length` that it gets.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from lambda_asgi.scope import FUNCTION_URL
from lambda_runtime.response import BODILESS, Response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambda_asgi.asgi import Message

# What belongs to one connection, and the length of a body that is sent in chunks.
_NOT_SENT = frozenset(
    [
        "connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding",
        "upgrade",
    ]
)  # fmt: skip


class RestApiResponse(Response):
    """A reply in payload format 1.0; *multi_value_headers* has all of its headers, cookies too."""

    __slots__ = ("multi_value_headers",)

    def __init__(self, status_code: int, multi_value_headers: dict[str, list[str]], **parts: Any) -> None:
        if status_code not in BODILESS:
            multi_value_headers.setdefault("content-type", ["application/octet-stream"])
        headers = {name: ",".join(values) for name, values in multi_value_headers.items()}
        super().__init__(status_code=status_code, headers=headers, **parts)
        self.multi_value_headers = multi_value_headers

    def metadata(self) -> dict[str, object]:
        """Status and headers under the names that API Gateway knows them by."""
        return {"statusCode": self.status_code, "multiValueHeaders": self.multi_value_headers}


def response_of(message: Message, payload_format: str, **parts: Any) -> Response:
    """The reply that *message* starts; *parts* are the other arguments of `Response`, its body first of all.

    Raises as `Response` does.
    """
    headers = _by_name(message.get("headers", ()))
    if payload_format != FUNCTION_URL:
        return RestApiResponse(message["status"], headers, **parts)
    cookies = headers.pop("set-cookie", [])
    joined = {name: ",".join(values) for name, values in headers.items()}
    return Response(status_code=message["status"], headers=joined, cookies=cookies, **parts)


def _by_name(fields: Iterable[Iterable[bytes]]) -> dict[str, list[str]]:
    headers = defaultdict(list)
    for name, value in fields:
        headers[_text(name).lower()].append(_text(value))
    return {name: values for name, values in headers.items() if name not in _NOT_SENT}


def _text(value: bytes) -> str:
    """*value* for JSON: UTF-8 where it is that, so that the service's own UTF-8 gives the same bytes again."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
