"""The prelude is found wherever the chunks are cut, and what is no prelude is refused in a sentence."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.wire.prelude import DELIMITER, MAX_BYTES, Prelude, PreludeError, PreludeParser, parse

DOCUMENT = b'{"statusCode":201,"headers":{"Content-Type":"text/plain"},"cookies":["a=1","b=2"]}'
PARSED = Prelude(201, ((b"content-type", b"text/plain"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")))
BODY = b"\0\0body\0"
REPLY = DOCUMENT + DELIMITER + BODY

text = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"], exclude_characters="\x7f"))
names = st.text("abcXYZ-09", min_size=1)
preludes = st.fixed_dictionaries(
    {"statusCode": st.integers(200, 599)},
    optional={
        "headers": st.dictionaries(names, text),
        "multiValueHeaders": st.dictionaries(names, st.lists(text)),
        "cookies": st.lists(text),
    },
)


def fed(pieces: list[bytes]) -> tuple[Prelude, bytes]:
    """What the parser makes of *pieces*, and all of the body behind it."""
    parser = PreludeParser()
    for index, piece in enumerate(pieces):
        if parsed := parser.feed(piece):
            return parsed[0], b"".join([parsed[1], *pieces[index + 1 :]])
    raise AssertionError("no prelude in there")


@pytest.mark.parametrize("cut", range(len(REPLY) + 1))
def test_a_prelude_cut_in_two_at_any_byte_is_the_same_prelude(cut: int) -> None:
    assert fed([REPLY[:cut], REPLY[cut:]]) == (PARSED, BODY)


def test_a_prelude_that_comes_byte_by_byte_is_the_same_prelude() -> None:
    assert fed([bytes([byte]) for byte in REPLY]) == (PARSED, BODY)


@given(fields=preludes, body=st.binary(), cuts=st.lists(st.integers(0, 400)))
def test_any_prelude_in_any_pieces_reads_as_the_whole_one(
    fields: dict[str, object], body: bytes, cuts: list[int]
) -> None:
    """Cutting changes nothing, and the body behind the delimiter is untouched."""
    document = json.dumps(fields).encode()
    reply = document + DELIMITER + body
    edges = [0, *sorted(min(cut, len(reply)) for cut in cuts), len(reply)]

    pieces = [reply[start:end] for start, end in zip(edges, edges[1:], strict=False)]

    assert fed(pieces) == (parse(document), body)


def test_nothing_is_known_before_the_last_byte_of_the_delimiter() -> None:
    parser = PreludeParser()

    assert parser.feed(DOCUMENT) is None
    assert parser.feed(DELIMITER[:7]) is None
    assert parser.feed(b"\0") == (PARSED, b"")


def padded(size: int) -> bytes:
    """A prelude of exactly *size* bytes."""
    return b'{"statusCode":200}'.ljust(size)


@pytest.mark.parametrize("delimiter_cut", range(9))
def test_the_longest_prelude_is_taken_however_its_delimiter_is_cut(delimiter_cut: int) -> None:
    cut = MAX_BYTES + delimiter_cut
    reply = padded(MAX_BYTES) + DELIMITER + b"body"

    assert fed([reply[:cut], reply[cut:]]) == (Prelude(200, ()), b"body")


@pytest.mark.parametrize("cut", [0, 1, MAX_BYTES, MAX_BYTES + 1, MAX_BYTES + 8])
def test_one_byte_more_is_refused_however_it_is_cut(cut: int) -> None:
    parser = PreludeParser()
    reply = padded(MAX_BYTES + 1) + DELIMITER

    with pytest.raises(PreludeError, match=r"^no prelude delimiter \(8 NUL bytes\) within the first 16384 bytes"):
        _ = parser.feed(reply[:cut]), parser.feed(reply[cut:])


def test_an_endless_reply_without_a_delimiter_is_refused_before_it_is_held() -> None:
    parser = PreludeParser()
    assert parser.feed(b"x" * MAX_BYTES) is None
    assert parser.feed(b"x" * 7) is None

    with pytest.raises(PreludeError):
        parser.feed(b"x")


def test_a_reply_that_ends_too_early_is_told_apart() -> None:
    parser = PreludeParser()
    parser.feed(DOCUMENT + DELIMITER[:7])

    assert str(parser.unfinished()) == "the reply ended after 89 bytes without a prelude delimiter (8 NUL bytes)"


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (b"", "the prelude is not JSON: "),
        (b"{", "the prelude is not JSON: "),
        (b"\xff{}", "the prelude is not JSON: "),
        (b"[" * MAX_BYTES, "the prelude is not JSON: "),
        (b"[]", "the prelude is a JSON list, not an object"),
        (b'"text"', "the prelude is a JSON str, not an object"),
        (b"null", "the prelude is a JSON NoneType, not an object"),
        (b'{"statusCode":199}', "statusCode must be a whole number from 200 to 599, not 199"),
        (b'{"statusCode":600}', "statusCode must be a whole number from 200 to 599, not 600"),
        (b'{"statusCode":"200"}', "statusCode must be a whole number from 200 to 599, not '200'"),
        (b'{"statusCode":200.5}', "statusCode must be a whole number from 200 to 599, not 200.5"),
        (b'{"statusCode":true}', "statusCode must be a whole number from 200 to 599, not True"),
        (b'{"statusCode":null}', "statusCode must be a whole number from 200 to 599, not None"),
        (b'{"headers":["a"]}', "headers must be an object"),
        (b'{"headers":{"a":null}}', "the value of header a must be a string, not NoneType"),
        (b'{"headers":{"a":["b"]}}', "the value of header a must be a string, not list"),
        (b'{"headers":{"a b":"c"}}', "'a b' is not a header name"),
        (b'{"headers":{"":"c"}}', "'' is not a header name"),
        (b'{"headers":{"a":"b\\r\\nset-cookie: c"}}', "the value of header a has a control character"),
        (b'{"headers":{"a":"b\\nc"}}', "the value of header a has a control character"),
        (b'{"headers":{"a":"b\\rc"}}', "the value of header a has a control character"),
        (b'{"headers":{"a":"b\\u0000c"}}', "the value of header a has a control character"),
        (b'{"headers":{"a":"\\ud83d"}}', "the value of header a has half a surrogate pair"),
        (b'{"multiValueHeaders":{"a":"b"}}', "multiValueHeaders: a must be a list"),
        (b'{"cookies":"a=1"}', "cookies must be a list"),
        (b'{"cookies":["a=1\\r\\nb: c"]}', "the value of header set-cookie has a control character"),
    ],
)
def test_what_is_no_prelude_is_refused_in_a_sentence(document: bytes, sentence: str) -> None:
    with pytest.raises(PreludeError) as error:
        parse(document)

    assert str(error.value).startswith(sentence)


@pytest.mark.parametrize(
    ("document", "prelude"),
    [
        (b"{}", Prelude(200, ())),
        (b'{"statusCode":204,"headers":null,"multiValueHeaders":null,"cookies":null}', Prelude(204, ())),
        (b'{"headers":{"X-Number":5,"X-True":true}}', Prelude(200, ((b"x-number", b"5"), (b"x-true", b"true")))),
        (
            b'{"multiValueHeaders":{"A":["1","2"]},"headers":{"B":"3"}}',
            Prelude(200, ((b"b", b"3"), (b"a", b"1"), (b"a", b"2"))),
        ),
        ('{"headers":{"x-place":" Zürich\\t"}}'.encode(), Prelude(200, ((b"x-place", "Zürich".encode()),))),
    ],
)
def test_a_prelude_says_only_what_it_has_to(document: bytes, prelude: Prelude) -> None:
    assert parse(document) == prelude
