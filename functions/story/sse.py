"""The event stream format: fields in, bytes out.

What this is: `story -> [sse] -> Response body`; it knows nothing of words, pauses or HTTP.

What the spec says that we follow: https://html.spec.whatwg.org/multipage/server-sent-events.html. UTF-8; a line ends
at CR, LF or CRLF and nowhere else (not at U+2028, VT or NEL, where `str.splitlines` would cut); a blank line
dispatches the event; a reader takes one space after the colon away and ignores an `id` with a NUL in it.

What differs here, on purpose:
1. What a reader would misread or ignore without a word (a newline in `id` or `event`, a NUL in `id`) is refused.
2. A comment is not followed by a blank line: readers exist that dispatch an empty event there.
"""

from __future__ import annotations


def event(
    data: str, *, event_id: int | str | None = None, name: str | None = None, retry_ms: int | None = None
) -> bytes:
    r"""One server-sent event, blank line included.

    *data* may be any text; CR, LF and CRLF in it all arrive as LF. *event_id* becomes the reader's last event ID,
    *name* its event type (without one: `message`), *retry_ms* its reconnection time in milliseconds.

    Raises `ValueError` for a newline in *event_id* or *name*, a NUL in *event_id*, a negative *retry_ms*, and for
    text that UTF-8 cannot hold (a lone surrogate).

    >>> event("Once", event_id=1)
    b'id: 1\ndata: Once\n\n'
    """
    text = ""
    if retry_ms is not None:
        if retry_ms < 0:
            raise ValueError(f"retry_ms must not be negative, but is {retry_ms}")
        text = f"retry: {retry_ms}\n"
    if event_id is not None:
        text += _single_line("id", str(event_id), refused="\r\n\0")
    if name is not None:
        text += _single_line("event", name, refused="\r\n")
    # The space is always there: it is the one the reader takes away, so that one of the data's own survives.
    return f"{text}{_lines('data: ', data)}\n".encode()


def comment(text: str) -> bytes:
    r"""A comment, a line each where *text* has several: readers skip it, and the connection is not silent.

    Raises `ValueError` for text that UTF-8 cannot hold.

    >>> comment("heartbeat")
    b': heartbeat\n'
    """
    return _lines(": ", text).encode()


def _lines(start: str, text: str) -> str:
    """The lines of *text*, each after *start*."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", f"\n{start}")
    return f"{start}{lines}\n"


def _single_line(field: str, value: str, *, refused: str) -> str:
    for character in refused:
        if character in value:
            raise ValueError(f"{field} must not contain {character!r}: {value!r}")
    return f"{field}: {value}\n"
