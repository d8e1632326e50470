"""What the story function refuses, how it says so, and that nothing makes it raise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stories.library import STORIES
from story import handler
from tests.function.calls import ask, problem

if TYPE_CHECKING:
    from tests.function.conftest import FakeContext

SLUGS = ", ".join(STORIES)
NOT_WHOLE_NUMBERS = [
    " ", " 5", "5 ", "-1", "-0", "+5", "1.5", "1e3", "0x10", "1_000", "NaN", "inf", "null", "5,6", "5;6",
    "٣", "５", "²", "Ⅷ", "5\0", "5\n", "%35", "9" * 20, "1" * 100_000, "0" * 30, str(2**63),
]  # fmt: skip


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "get", ""])
def test_another_method_is_not_allowed(method: str, context: FakeContext) -> None:
    response = handler(ask(method=method), context)

    assert problem(response) == {
        "type": "about:blank",
        "title": "Method Not Allowed",
        "status": 405,
        "detail": "A story can only be read: use GET, HEAD.",
    }
    assert response.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["", "/", "/sse/", "//sse", "/SSE", "/sse%2f", "/%73se", "/%zz", "/api", "/sse\0"])
def test_another_path_is_not_found(path: str, context: FakeContext) -> None:
    assert problem(handler(ask(path=path), context)) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing at this path; the story is at /sse.",
    }


@pytest.mark.parametrize("slug", ["", "nobody", "Lighthouse", "lighthouse,snail", "../story", "lighthouse\0", "🌍"])
def test_an_unknown_story_is_refused_with_those_there_are(slug: str, context: FakeContext) -> None:
    document = problem(handler(ask({"story": slug}), context))

    assert (document["status"], document["title"], document["field"]) == (400, "Bad Request", "story")
    assert document["detail"] == f"story must be one of {SLUGS}."
    assert document["stories"][3] == {"slug": "moon", "title": "הילדה והירח", "lang": "he", "dir": "rtl"}
    assert len(document["stories"]) == len(STORIES)


@pytest.mark.parametrize("text", ["", *NOT_WHOLE_NUMBERS], ids=lambda text: ascii(text[:20]))
@pytest.mark.parametrize(("field", "largest"), [("min_ms", 5000), ("max_ms", 5000), ("seed", 2**63 - 1)])
def test_a_query_field_that_is_no_whole_number_is_refused(
    field: str, largest: int, text: str, context: FakeContext
) -> None:
    document = problem(handler(ask({field: text}), context))

    assert (document["status"], document["field"]) == (400, field)
    assert document["detail"] == f"{field} must be one whole number from 0 to {largest}, written in digits only."


@pytest.mark.parametrize("field", ["min_ms", "max_ms"])
def test_a_pause_above_5000_ms_is_refused(field: str, context: FakeContext) -> None:
    assert problem(handler(ask({field: "5001"}), context))["field"] == field


@pytest.mark.parametrize("text", NOT_WHOLE_NUMBERS, ids=lambda text: ascii(text[:20]))
def test_a_last_event_id_that_is_no_whole_number_is_refused(text: str, context: FakeContext) -> None:
    document = problem(handler(ask(last_event_id=text), context))

    assert (document["status"], document["field"]) == (400, "Last-Event-ID")
    assert document["detail"].startswith("Last-Event-ID must be one whole number from 0 to 9223372036854775807,")


@pytest.mark.parametrize(
    ("query", "field", "detail"),
    [
        ({"min_ms": "900", "max_ms": "100"}, "min_ms", "min_ms (900) must not be greater than max_ms (100)."),
        ({"min_ms": "801"}, "min_ms", "min_ms (801) must not be greater than max_ms (800, its default)."),
        ({"max_ms": "199"}, "max_ms", "min_ms (200, its default) must not be greater than max_ms (199)."),
    ],
)
def test_bounds_the_wrong_way_round_are_refused(
    query: dict[str, str], field: str, detail: str, context: FakeContext
) -> None:
    """Also when one of them is the default, which the sentence then says."""
    document = problem(handler(ask(query), context))

    assert (document["status"], document["field"], document["detail"]) == (400, field, detail)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"seed": "x", "max_ms": "x", "min_ms": "x", "story": "x"}, "story"),
        ({"seed": "x", "max_ms": "x", "min_ms": "x"}, "min_ms"),
        ({"seed": "x", "max_ms": "x"}, "max_ms"),
        ({"seed": "x"}, "seed"),
        ({}, "Last-Event-ID"),
    ],
)
def test_the_first_wrong_field_is_named(query: dict[str, str], field: str, context: FakeContext) -> None:
    assert problem(handler(ask(query, last_event_id="x"), context))["field"] == field


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(["story", "min_ms", "max_ms", "seed", "last-event-id"])


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "rawPath": st.sampled_from(["/sse", "/api/sse"]) | JSON,
            "headers": st.dictionaries(FIELDS, st.text() | st.integers(0, 9).map(str) | JSON) | JSON,
            "queryStringParameters": st.dictionaries(FIELDS, st.text() | st.integers().map(str) | JSON) | JSON,
            "requestContext": st.fixed_dictionaries(
                {"http": st.fixed_dictionaries({"method": st.sampled_from(["GET", "HEAD", "POST"]) | JSON})}
            )
            | JSON,
        },
    )
    | JSON
)
def test_no_event_makes_it_raise(event: object) -> None:
    """Any JSON at all gets a reply, and its headers can be sent."""

    class Context:
        aws_request_id = "id"

        def get_remaining_time_in_millis(self) -> int:
            return 0

    response = handler(event, Context())

    assert response.status_code in (200, 204, 400, 404, 405)
    assert response.prelude().endswith(b"\0" * 8)
