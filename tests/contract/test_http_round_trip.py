"""What a viewer sends is what the application sees, and what the application answers is what the viewer gets.

The two halves of the way are written twice, in the emulator and in the layer, which do not know each other: a request
becomes an event in one and a scope in the other, a response a prelude in one and headers in the other. A third party's
model of the event, from Powertools, looks at it in between.
"""

from __future__ import annotations

import json

from aws_lambda_powertools.utilities.parser.models import LambdaFunctionUrlModel
from hypothesis import given
from hypothesis import strategies as st

from lambda_asgi.prelude import response_of
from lambda_asgi.scope import FUNCTION_URL, body_of, scope_of
from local.wire.headers import Header, leaving_function
from local.wire.http_event import HttpRequest, event_of
from local.wire.prelude import PreludeParser

URL_ID = "a" * 32
DOMAIN = f"{URL_ID}.lambda-url.eu-west-1.localhost"
TOKEN = "abcxyz-_!#$%&'*+.^`|~019"

target_characters = st.sampled_from("aZ09-._~!$&'()*+,;=:@/%[]{}|\\^\"<>`")
escapes = st.binary(min_size=1, max_size=1).map(lambda byte: f"%{byte.hex()}")
target_text = st.lists(st.one_of(target_characters, escapes), max_size=20).map("".join)
queries = st.lists(st.one_of(target_characters, escapes, st.sampled_from("?&=")), max_size=20).map("".join)

# Any bytes but controls, without space at either end: https://www.rfc-editor.org/rfc/rfc9110#section-5.5
values = st.lists(
    st.integers(32, 255).filter(lambda byte: byte != 127).map(lambda byte: bytes([byte])), max_size=15
).map(lambda parts: b"".join(parts).strip())
own = frozenset((b"cookie", b"host", b"set-cookie", b"content-type", b"date", b"server", b"www-authenticate", b"te"))
names = st.text(TOKEN, min_size=1, max_size=8).map(str.encode).filter(lambda name: name not in own)
fields = st.lists(st.tuples(names, values), max_size=6)
cookies = st.lists(st.from_regex(r"[a-z]{1,3}=[!#-+\--:<-~]{0,8}", fullmatch=True), max_size=3)

requests = st.builds(
    lambda method, path, query, headers, content_type, jar, body, version: HttpRequest(
        method,
        "/" + path,
        query,
        [
            (b"host", DOMAIN.encode()),
            *headers,
            *([(b"content-type", content_type.encode())] if content_type else []),
            *([(b"cookie", "; ".join(jar).encode())] if jar else []),
        ],
        body,
        "192.0.2.7",
        version,
    ),
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    path=target_text,
    query=queries,
    headers=fields,
    content_type=st.sampled_from(["", "text/plain; charset=utf-8", "application/json", "image/png", "x"]),
    jar=cookies,
    body=st.one_of(st.binary(max_size=100), st.text(max_size=50).map(str.encode)),
    version=st.sampled_from(["1.1", "1.0"]),
)


def sent(request: HttpRequest) -> dict[str, object]:
    """The event as the function gets it: as JSON in UTF-8."""
    event = event_of(request, url_id=URL_ID, domain=DOMAIN, account_id="anonymous", request_id="an-id")
    received = json.loads(json.dumps(event, ensure_ascii=False).encode())
    assert isinstance(received, dict)
    return received


def joined(headers: list[Header]) -> list[Header]:
    """Each name once, where it came first, with all of its values: what payload format 2.0 makes of repetitions."""
    result: dict[bytes, bytes] = {}
    for name, value in headers:
        result[name] = result[name] + b"," + value if name in result else value
    return list(result.items())


@given(requests)
def test_any_request_is_a_valid_event_to_others(request: HttpRequest) -> None:
    """Every field is there and of its type; nothing has to be guessed."""
    event = sent(request)

    model = LambdaFunctionUrlModel.model_validate(event)
    assert (model.version, model.rawPath, model.rawQueryString) == ("2.0", request.path, request.query)
    assert (model.requestContext.http.method, model.requestContext.http.path) == (request.method, request.path)
    assert model.requestContext.domainPrefix == model.requestContext.apiId == URL_ID
    assert all(isinstance(value, str) for value in model.headers.values())


@given(requests)
def test_the_application_sees_what_the_viewer_sent(request: HttpRequest) -> None:
    """Method, path, query, headers, cookies and body, to the byte."""
    event = sent(request)
    scope = scope_of(event, None)

    assert (scope["method"], scope["http_version"]) == (request.method, request.http_version)
    assert (scope["raw_path"], scope["query_string"]) == (request.path.encode(), request.query.encode())
    assert scope["headers"] == joined(request.headers)
    assert scope["client"] == (request.source_ip, 0)
    assert body_of(event) == request.body


def as_utf8(value: bytes) -> bytes:
    """What becomes of a value on its way through JSON: bytes that are no UTF-8 are taken for Latin-1."""
    try:
        return value.decode().encode()
    except UnicodeDecodeError:
        return value.decode("latin-1").encode()


@given(
    status=st.integers(200, 599),
    headers=fields,
    jar=cookies,
    body=st.binary(max_size=50),
    cuts=st.lists(st.integers(0, 400), max_size=5),
)
def test_the_viewer_gets_what_the_application_answered(
    status: int, headers: list[Header], jar: list[str], body: bytes, cuts: list[int]
) -> None:
    """However the reply is cut on its way."""
    content_type = (b"content-type", b"text/plain")
    message = {
        "type": "http.response.start",
        "status": status,
        "headers": [*headers, content_type, *((b"set-cookie", cookie.encode()) for cookie in jar)],
    }
    reply = response_of(message, FUNCTION_URL, body=b"").prelude() + body
    edges = [0, *sorted(min(cut, len(reply)) for cut in cuts), len(reply)]
    parser, got, rest = PreludeParser(), None, b""
    for start, end in zip(edges, edges[1:], strict=False):
        if got:
            rest += reply[start:end]
        elif parsed := parser.feed(reply[start:end]):
            got, rest = parsed

    assert got is not None
    assert (got.status, rest) == (status, body)
    expected = [(name, as_utf8_joined(name, headers)) for name, _ in joined(headers)]
    assert leaving_function(got.headers) == [
        *expected,
        content_type,
        *((b"set-cookie", cookie.encode()) for cookie in jar),
    ]


def as_utf8_joined(name: bytes, headers: list[Header]) -> bytes:
    """All values of a header behind one another, each as JSON has it."""
    return b",".join(as_utf8(value) for key, value in headers if key == name).strip()
