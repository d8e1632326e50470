"""The event stream format, byte by byte and read back by an independent parser (httpx-sse)."""

from __future__ import annotations

import httpx
import pytest
from httpx_sse import EventSource, ServerSentEvent
from hypothesis import given
from hypothesis import strategies as st

import sse

# st.text() never makes lone surrogates, which UTF-8 cannot hold.
SINGLE_LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"))
ENDINGS = ["\r", "\n", "\r\n"]
NO_ENDINGS = ["\u2028", "\u2029", "\v", "\f", "\x85", "\x1c", "\x1d", "\x1e"]


def read(*chunks: bytes) -> list[ServerSentEvent]:
    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=iter(chunks))
    return list(EventSource(response).iter_sse())


def test_fields_stand_one_a_line_and_a_blank_line_ends_the_event() -> None:
    assert sse.event("Once", event_id=1, name="word", retry_ms=1000) == (
        b"retry: 1000\nid: 1\nevent: word\ndata: Once\n\n"
    )


def test_a_field_that_is_not_given_is_not_written() -> None:
    assert sse.event("Once") == b"data: Once\n\n"


def test_text_is_utf_8() -> None:
    assert sse.event("שלום 🌍") == "data: שלום 🌍\n\n".encode()


@pytest.mark.parametrize("ending", ENDINGS)
def test_data_is_cut_at_every_line_ending(ending: str) -> None:
    """CR, LF and CRLF each give one more data line, and the reader sees LF."""
    assert sse.event(f"a{ending}b") == b"data: a\ndata: b\n\n"
    assert sse.event(f"a{ending}{ending}b{ending}") == b"data: a\ndata: \ndata: b\ndata: \n\n"


@pytest.mark.parametrize("character", NO_ENDINGS)
def test_data_is_cut_nowhere_else(character: str) -> None:
    """What str.splitlines() takes for a line ending, and the format does not, stays inside the line."""
    assert sse.event(f"a{character}b") == f"data: a{character}b\n\n".encode()
    assert [event.data for event in read(sse.event(f"a{character}b"))] == [f"a{character}b"]


@pytest.mark.parametrize("data", ["", " ", "  two", "\ufefftext", "a\0b", "data: x", ": no comment", "id: 9"])
def test_data_that_looks_odd_survives(data: str) -> None:
    """Empty data, leading spaces, a BOM, a NUL and text that looks like a field are data like any other."""
    (event,) = read(sse.event(data, event_id=1))

    assert (event.data, event.id, event.event) == (data, "1", "message")


def test_empty_data_is_still_an_event() -> None:
    """Without a data line a reader would dispatch nothing."""
    assert sse.event("", name="ping") == b"event: ping\ndata: \n\n"


@pytest.mark.parametrize("character", ["\r", "\n", "\r\n", "\0"])
def test_id_with_a_newline_or_nul_is_refused(character: str) -> None:
    with pytest.raises(ValueError, match=r"^id must not contain"):
        sse.event("Once", event_id=f"1{character}data: forged")


@pytest.mark.parametrize("character", ["\r", "\n", "\r\n"])
def test_event_name_with_a_newline_is_refused(character: str) -> None:
    with pytest.raises(ValueError, match=r"^event must not contain"):
        sse.event("Once", name=f"word{character}data: forged")


def test_negative_retry_is_refused() -> None:
    """A reader takes digits only and would ignore the minus line without a word."""
    with pytest.raises(ValueError, match=r"^retry_ms must not be negative, but is -1$"):
        sse.event("Once", retry_ms=-1)


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(ValueError):
        sse.event("\ud800")


@pytest.mark.parametrize(
    ("text", "written"),
    [("heartbeat", b": heartbeat\n"), ("a\r\nb\rc\nd", b": a\n: b\n: c\n: d\n"), ("", b": \n")],
)
def test_every_line_of_a_comment_is_a_comment(text: str, written: bytes) -> None:
    assert sse.comment(text) == written


def test_a_comment_between_events_dispatches_nothing() -> None:
    """Not even in a reader that takes every blank line for an event (difference 2)."""
    events = read(sse.event("a", event_id=1), sse.comment("heartbeat"), sse.event("b", event_id=2))

    assert [(event.id, event.data) for event in events] == [("1", "a"), ("2", "b")]


@given(
    data=st.text(),
    event_id=SINGLE_LINE,
    name=SINGLE_LINE,
    retry_ms=st.none() | st.integers(0, 2**31),
    comment=st.text(),
    cut=st.integers(1, 7),
)
def test_what_is_written_is_read_back(
    data: str, event_id: str, name: str, retry_ms: int | None, comment: str, cut: int
) -> None:
    """Any text arrives as it left, line endings as LF, however the bytes are cut on the way."""
    stream = sse.comment(comment) + sse.event(data, event_id=event_id, name=name, retry_ms=retry_ms)

    (event,) = read(*(stream[i : i + cut] for i in range(0, len(stream), cut)))

    assert event.data == data.replace("\r\n", "\n").replace("\r", "\n")
    assert event.id == event_id
    assert event.event == (name or "message")
    assert event.retry == retry_ms
