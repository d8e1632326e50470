"""Where in its stream a viewer has left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.progress import BATCH_BYTES, Progress

EVENTS = [(b"Content-Type", b"text/event-stream; charset=utf-8")]
PLAIN = [(b"content-type", b"text/plain")]


def progress(headers: list[tuple[bytes, bytes]], *pieces: bytes) -> Progress:
    made = Progress()
    made.begin(headers)
    for piece in pieces:
        made.add(piece)
    return made


@pytest.mark.parametrize(
    ("headers", "pieces", "words"),
    [
        (EVENTS, [], "before the first byte"),
        (PLAIN, [b""], "before the first byte"),
        (PLAIN, [b"one\n\n", b"two\n\n"], "at byte 10"),
        ([], [b"one\n\n"], "at byte 5"),
        (EVENTS, [b"data: on"], "in the first event"),
        (EVENTS, [b"data: one\n\n"], "at event 1"),
        (EVENTS, [b"data: one\n\ndata: tw", b"o\n\n", b": alive\n\n"], "at event 3"),
    ],
)
def test_words(headers: list[tuple[bytes, bytes]], pieces: list[bytes], words: str) -> None:
    assert progress(headers, *pieces).in_words() == words


@given(st.integers(0, 6), st.sampled_from([b"\n", b"\r\n", b"\r"]), st.lists(st.integers(0, 200)))
def test_however_the_stream_is_cut_the_events_are_counted_once(count: int, line_end: bytes, cuts: list[int]) -> None:
    """With each line end that an event stream may have, and at any byte."""
    stream = b"".join(line_end.join([b"id: %d" % number, b"data: word", b"", b""]) for number in range(count))
    places = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    pieces = [stream[start:end] for start, end in zip(places, places[1:], strict=False)]

    words = f"at event {count}" if count else "before the first byte"
    assert progress(EVENTS, *pieces).in_words() == words


def test_a_long_stream_is_counted_on_the_way_too() -> None:
    """What is kept for counting stays small."""
    made = progress(EVENTS)
    for number in range(1, 2001):
        made.add(b"data: %d\n" % number)
        made.add(b"\n")
        assert made._uncounted_bytes <= BATCH_BYTES
    assert made.in_words() == "at event 2000"
