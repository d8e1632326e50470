"""Tells its caller which function it is and what it was sent; or replies, byte for byte, with what it was sent.

A request with the header `x-reply-type` gets its own body as the runtime's reply, of that content type; one with
`x-reply-bytes` gets so many.
"""

import base64
import http.client
import json
import os

BASE = "/2018-06-01/runtime/invocation"
PRELUDE_TYPE = "application/vnd.awslambda.http-integration-response"


def reply_to(event):
    """Content type and body of the reply."""
    headers = event.get("headers", {})
    if count := int(headers.get("x-reply-bytes", 0)):
        return "text/plain", (b"x" * min(2**20, count - start) for start in range(0, count, 2**20))
    body = event.get("body", "")
    body = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    if reply_type := headers.get("x-reply-type"):
        return reply_type, body
    told = json.dumps({"function": os.environ["AWS_LAMBDA_FUNCTION_NAME"], "body_bytes": len(body), "event": event})
    return "application/json", told.encode()


def main():
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        connection.request("GET", f"{BASE}/next")
        answer = connection.getresponse()
        request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
        content_type, body = reply_to(json.loads(answer.read()))
        try:
            connection.request("POST", f"{BASE}/{request_id}/response", body, {"Content-Type": content_type})
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):  # the reply was too large
            connection.close()


if __name__ == "__main__":
    main()
