"""Frames of an Amazon event stream, read back by botocore, which nobody here wrote."""

from __future__ import annotations

import pytest
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from local.wire.amazon_eventstream import MAX_PAYLOAD_BYTES, event, frame

Frame = tuple[dict[str, str], bytes]

names = st.text(min_size=1, max_size=60).filter(lambda name: len(name.encode()) <= 255)
headers = st.dictionaries(names, st.text(max_size=200), max_size=5)
frames = st.lists(st.tuples(headers, st.binary(max_size=500)), max_size=4)


def read(*pieces: bytes) -> list[Frame]:
    """The frames that botocore finds in *pieces*."""
    buffer, found = EventStreamBuffer(), []
    for piece in pieces:
        buffer.add_data(piece)
        found += [(message.headers, message.payload) for message in buffer]
    return found


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", "00000010 00000000 05c248eb 7d98c8ff"),
        (b"{'foo':'bar'}", "0000001d 00000000 fd528c5a 7b27666f6f273a27626172277d c3653936"),
    ],
)
def test_the_bytes_are_those_of_aws_own_test_vectors(payload: bytes, expected: str) -> None:
    """Lengths and checksums included; the vectors come with AWS's SDKs."""
    assert frame({}, payload) == bytes.fromhex(expected)


def test_event_says_what_it_is() -> None:
    """The three headers that an SDK looks at."""
    assert read(event("PayloadChunk", b"\0\xff", content_type="application/octet-stream")) == [
        (
            {":message-type": "event", ":event-type": "PayloadChunk", ":content-type": "application/octet-stream"},
            b"\0\xff",
        )
    ]


@given(frames)
def test_frames_come_out_as_they_went_in(sent: list[Frame]) -> None:
    """Any headers, any payloads, one after the other."""
    assert read(b"".join(frame(*one) for one in sent)) == sent


def test_split_at_every_byte() -> None:
    """A frame is not found before its last byte is there, and the one after it is whole."""
    first, second = frame({":event-type": "PayloadChunk"}, b"one"), frame({}, b"two")
    expected = [({":event-type": "PayloadChunk"}, b"one"), ({}, b"two")]
    stream = first + second

    for at in range(len(stream) + 1):
        assert read(stream[:at]) == expected[: (at >= len(first)) + (at >= len(stream))]
        assert read(stream[:at], stream[at:]) == expected


@given(st.integers(0, 30))
def test_a_changed_byte_is_noticed(at: int) -> None:
    """The checksums cover every byte that does not change the length."""
    sent = bytearray(frame({"name": "value"}, b"payload"))
    sent[8 + at % (len(sent) - 8)] ^= 1

    with pytest.raises(ChecksumMismatch):
        read(bytes(sent))


@pytest.mark.parametrize(
    ("fields", "payload"),
    [({"": "x"}, b""), ({"n" * 256: "x"}, b""), ({"x": "v" * 32768}, b""), ({}, bytes(MAX_PAYLOAD_BYTES + 1))],
)
def test_what_does_not_fit_is_refused(fields: dict[str, str], payload: bytes) -> None:
    with pytest.raises(ValueError, match="frame"):
        frame(fields, payload)
