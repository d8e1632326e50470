"""What polling refuses is what the stream refuses, to the letter; and what becomes of failures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from refusals import answer_refusals
from story import handler as story_handler
from tests.function.api_calls import Api, problem_of, running
from tests.function.asgi_calls import url_event
from tests.function.calls import problem
from tests.function.conftest import FakeContext

FIELDS = ("story", "min_ms", "max_ms", "seed")
VALUES = ("", "0", "7", "moon", "nobody", " 5", "-1", "1.5", "5001", "٣", "null", "a%00b", "9" * 30, str(2**63))


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with running() as api:
        yield api


def of_the_stream(query: str) -> dict[str, Any] | None:
    """The document with which the stream refuses that query; None where it does not."""
    response = story_handler(url_event("GET", f"/sse?{query}"), FakeContext())
    return None if response.status_code == 200 else problem(response)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", VALUES)
def test_a_field_is_refused_as_in_the_stream(api: Api, field: str, value: str) -> None:
    query = f"{field}={value}"
    expected = of_the_stream(query)

    answer = api.get("/api/poll", query)

    assert (problem_of(answer) if answer.status != 200 else None) == expected


@given(st.lists(st.tuples(st.sampled_from(FIELDS), st.sampled_from(VALUES)), max_size=5))
def test_so_are_fields_together_and_the_same_field_twice(api: Api, fields: list[tuple[str, str]]) -> None:
    """The first wrong one is named, and a field that comes twice has no value at all."""
    query = "&".join(f"{name}={value}" for name, value in fields)

    answer = api.get("/api/poll", query)

    assert (problem_of(answer) if answer.status != 200 else None) == of_the_stream(query)


@pytest.mark.parametrize("field", ["after", "started"])
@pytest.mark.parametrize("value", ["", "x", "-1", "1.0", str(2**63), "1&{field}=2"])
def test_the_fields_of_polling_alone_keep_the_same_rule(api: Api, field: str, value: str) -> None:
    document = problem_of(api.get("/api/poll", f"seed=1&{field}={value.format(field=field)}"))

    assert (document["status"], document["field"]) == (400, field)
    sentence = f"{field} must be one whole number from 0 to 9223372036854775807, written in digits only."
    assert document["detail"] == sentence


def test_unknown_fields_are_left_alone(api: Api) -> None:
    assert api.get("/api/poll", "utm_source=x&utm_source=y&Seed=no&=").status == 200


def tiny_app() -> FastAPI:
    """An application with a rule of FastAPI's own and with a fault."""
    app = FastAPI()

    @app.get("/count")
    async def count(most: int) -> int:
        return 1 // most

    answer_refusals(app)
    return app


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("", "most: Field required."),
        ("most=x", "most: Input should be a valid integer, unable to parse string as an integer."),
    ],
)
def test_what_fastapi_refuses_by_itself_has_the_same_shape(query: str, detail: str) -> None:
    """Not its own 422 with a list."""
    with running(tiny_app()) as tiny:
        assert problem_of(tiny.get("/count", query)) == {
            "type": "about:blank",
            "title": "Bad Request",
            "status": 400,
            "detail": detail,
            "field": "most",
        }


def test_a_failure_of_ours_is_a_problem_too_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The viewer learns nothing of it, and those who run it everything."""
    with running(tiny_app()) as tiny:
        document = problem_of(tiny.get("/count", "most=0"))

    assert (document["status"], document["title"]) == (500, "Internal Server Error")
    assert document["detail"] == "Something went wrong here, not with what you sent."
    assert "ZeroDivisionError" in caplog.text
