"""Frames of an Amazon event stream, `application/vnd.amazon.eventstream`, which is not `text/event-stream`.

What hop this is: a codec between `invoke_api` and the SDK that called.

What the real service does: a frame is two lengths and their CRC-32, headers, a payload, and the CRC-32 of all that;
numbers are big-endian (https://smithy.io/2.0/aws/amazon-eventstream.html). A frame is an event or an exception.

What differs here, on purpose:
1. only what a server of InvokeWithResponseStream needs is here: events whose headers are strings, and no decoder. The
   library `smithy-aws-event-stream` has the rest, but wants Python 3.12 and asyncio's streams; the tests read with
   botocore, which has a decoder only.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from zlib import crc32

MAX_PAYLOAD_BYTES = 16 * 1024 * 1024
_STRING = 7  # the type of a header's value
_MAX_NAME_BYTES = 2**8 - 1
_MAX_VALUE_BYTES = 2**15 - 1
_CRC_BYTES = 4
_PRELUDE = struct.Struct(">II")  # length of the frame, length of its headers


def event(event_type: str, payload: bytes, *, content_type: str) -> bytes:
    """The frame of one event. Raises `ValueError` for what does not fit into a frame."""
    headers = {":message-type": "event", ":event-type": event_type, ":content-type": content_type}
    return frame(headers, payload)


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One frame. Raises `ValueError` for what does not fit into it."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"a payload of {len(payload)} bytes is more than the {MAX_PAYLOAD_BYTES} that a frame takes")
    head = b"".join(_header(name, value) for name, value in headers.items())
    length = _PRELUDE.size + _CRC_BYTES + len(head) + len(payload) + _CRC_BYTES
    prelude = _PRELUDE.pack(length, len(head))
    message = b"".join([prelude, _crc(prelude), head, payload])
    return message + _crc(message)


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    if not 0 < len(key) <= _MAX_NAME_BYTES or len(text) > _MAX_VALUE_BYTES:
        raise ValueError(f"the header {name!r} of {len(text)} bytes does not fit into a frame")
    return struct.pack(f">B{len(key)}sBH", len(key), key, _STRING, len(text)) + text


def _crc(data: bytes) -> bytes:
    return crc32(data).to_bytes(_CRC_BYTES, "big")
