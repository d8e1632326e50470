"""The reply that a buffering handler's document stands for: `{"statusCode": 200, "headers": {...}, "body": "..."}`.

What this is: `a router's or an older handler's document -> [document] -> Response`, in a function that also streams.

What the real service does: a function URL in `BUFFERED` mode reads such a document
(https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-response-payload), and takes one without a
`statusCode` for the body itself. In `RESPONSE_STREAM` mode it reads none: the viewer would get the document.
"""

from __future__ import annotations

import binascii
import json

from lambda_runtime import marshal
from lambda_runtime.replies import is_generator
from lambda_runtime.response import BODILESS, Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lambda_runtime.body import Body


def response_of(document: object) -> Response:
    """The reply that *document* stands for: what Powertools' `app.resolve(event, context)` gives, for example.

    `multiValueHeaders` count too, as for a REST API, and a number for the text that it is. A body that is a generator,
    sync or async, is streamed, where a router lets it through. Raises `TypeError` for another body that is no str,
    `ValueError` for a status or a base64 that is none, and `Fault` for what cannot be JSON.
    """
    if not isinstance(document, dict) or "statusCode" not in document:
        return Response(marshal.reply_of(document)[0], headers={"content-type": "application/json"})
    headers = {name.lower(): [value] for name, value in (document.get("headers") or {}).items()}
    headers |= {name.lower(): values for name, values in (document.get("multiValueHeaders") or {}).items()}
    cookies = [*map(_text, document.get("cookies") or ()), *map(_text, headers.pop("set-cookie", ()))]
    status = document["statusCode"]
    status_code = int(status) if isinstance(status, str) and status.isdecimal() else status
    if status_code not in BODILESS:
        headers.setdefault("content-type", ["application/json"])
    joined = {name: ",".join(map(_text, values)) for name, values in headers.items()}
    return Response(_body(document), status_code, headers=joined, cookies=cookies)


def _body(document: dict[str, object]) -> Body:
    body = document.get("body") or ""
    if is_generator(body):
        return body
    if not isinstance(body, str):
        raise TypeError(
            f"the body of a document is str or a generator, not {type(body).__name__}; for JSON pass json.dumps(...)"
        )
    return binascii.a2b_base64(body, strict_mode=True) if document.get("isBase64Encoded") else body


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
