"""Whatever a handler yields arrives: properties of the framing and of the prelude, for hypothesis to break."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import h11
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_runtime.http1 import chunk, field_lines, last_chunk, request
from lambda_runtime.replies import encode
from lambda_runtime.response import BODILESS, Response
from local.wire.prelude import PreludeParser
from tests.function.fake_runtime_api import serve

PRELUDE = Response().prelude()

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
bodies = st.lists(st.binary(max_size=40) | texts, max_size=8)
names = st.text("!#$%&'*+-.^_`|~09azAZ", min_size=1, max_size=12)
values = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20).map(lambda text: text.strip(" "))


async def asynchronous(items: Iterable[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


@settings(max_examples=60)
@given(body=bodies, is_async=st.booleans())
def test_any_chunks_arrive_joined_and_unchanged(body: list[bytes | str], is_async: bool) -> None:
    """Over a real socket, none of the HTTP chunks empty; the first item by itself, and what is a burst perhaps not."""
    (reply,) = serve(lambda event, context: Response(asynchronous(body) if is_async else iter(body)))

    sent = [chunk for chunk in map(encode, body) if chunk]
    assert reply.chunks[0] == PRELUDE
    assert b"" not in reply.chunks
    assert b"".join(reply.chunks[1:]) == b"".join(sent)
    assert not (body and body[0]) or reply.chunks[1] == sent[0]
    assert (reply.ended, reply.trailers) == (True, {})


@settings(max_examples=100)
@given(
    body=bodies, trailers=st.dictionaries(names.map(str.encode), st.just(b"e30="), max_size=2), step=st.integers(1, 7)
)
def test_what_is_framed_is_parsed_however_it_is_cut(
    body: list[bytes | str], trailers: dict[bytes, bytes], step: int
) -> None:
    """Through h11, a few bytes at a time: the body, then the trailers, then the end."""
    head = request("POST", "/x", field_lines({b"Host": b"x", b"Transfer-Encoding": b"chunked", b"Empty": b""}))
    wire = head + b"".join(chunk(encode(item)) for item in body) + last_chunk(trailers)
    http = h11.Connection(h11.SERVER)
    events: list[Any] = []
    for start in range(0, len(wire), step):
        http.receive_data(wire[start : start + step])
        while (event := http.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            events.append(event)

    assert [type(event) for event in events if not isinstance(event, h11.Data)] == [h11.Request, h11.EndOfMessage]
    assert events[0].headers == [(b"host", b"x"), (b"transfer-encoding", b"chunked")]
    assert b"".join(event.data for event in events[1:-1]) == b"".join(encode(item) for item in body)
    assert sorted(events[-1].headers) == sorted((name.lower(), value) for name, value in trailers.items())


@settings(max_examples=40)
@given(
    status=st.integers(200, 599),
    headers=st.dictionaries(names, values, max_size=4),
    cookies=st.lists(values, max_size=3),
    body=st.binary(max_size=20),
)
def test_any_prelude_is_understood_by_the_other_side(
    status: int, headers: dict[str, str], cookies: list[str], body: bytes
) -> None:
    """By the emulator's own parser, which shares no line with this, cut in two at every byte."""
    wire = Response(status_code=status, headers=headers, cookies=cookies).prelude() + body
    expected = [(name.lower().encode(), value.strip(" \t").encode()) for name, value in headers.items()]
    if status not in BODILESS and not any(name.lower() == "content-type" for name in headers):
        expected.append((b"content-type", b"application/octet-stream"))
    expected += [(b"set-cookie", cookie.strip(" \t").encode()) for cookie in cookies]

    for cut in range(len(wire) + 1):
        parser = PreludeParser()
        found = parser.feed(wire[:cut])
        rest = wire[cut:] if found else b""
        found = found or parser.feed(wire[cut:])
        assert found is not None
        prelude, begun = found
        assert (prelude.status, list(prelude.headers), begun + rest) == (status, expected, body)


@settings(max_examples=100)
@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5)), st.lists(st.text(max_size=5)))
def test_any_text_at_all_keeps_the_delimiter_for_itself(headers: dict[str, str], cookies: list[str]) -> None:
    prelude = Response(headers=headers, cookies=cookies).prelude()

    assert prelude.index(b"\0") == len(prelude) - 8
    assert json.loads(prelude[:-8])["cookies"] == cookies
