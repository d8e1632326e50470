"""The documents of the API: the catalogue, each story, health; and what is refused on the way there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stories.library import STORIES
from tests.function.api_calls import Api, problem_of, running


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with running() as api:
        yield api


def test_the_catalogue_tells_what_each_story_is_and_where(api: Api) -> None:
    answer = api.get("/api/stories")
    document = answer.json()

    assert (answer.status, answer.headers["cache-control"]) == (200, "public, max-age=300")
    assert document["default"] == "lighthouse"
    assert [story["slug"] for story in document["stories"]] == list(STORIES)
    assert document["stories"][3] == {
        "slug": "moon",
        "title": "הילדה והירח",
        "lang": "he",
        "dir": "rtl",
        "words": 84,
        "pauses": {"min_ms": 200, "max_ms": 800},
        "links": {"self": "/api/stories/moon", "stream": "/api/sse?story=moon", "poll": "/api/poll?story=moon"},
    }


def test_every_link_of_the_api_leads_somewhere(api: Api) -> None:
    for story in api.get("/api/stories").json()["stories"]:
        path, _, query = story["links"]["poll"].partition("?")

        assert api.get(story["links"]["self"]).json()["slug"] == story["slug"]
        assert api.get(path, query).json()["events"][0]["data"] == STORIES[story["slug"]].words()[0]


@pytest.mark.parametrize("slug", STORIES)
def test_a_story_is_its_entry_in_the_catalogue_and_its_text(api: Api, slug: str) -> None:
    entries = {story["slug"]: story for story in api.get("/api/stories").json()["stories"]}

    document = api.get(f"/api/stories/{slug}").json()

    assert document == {**entries[slug], "text": STORIES[slug].text()}
    assert len(document["text"].split()) == document["words"]


@pytest.mark.parametrize("slug", ["nobody", "Lighthouse", "%2e%2e", "lighthouse%00", "🌍"])
def test_an_unknown_story_is_not_found_and_those_there_are_are_listed(api: Api, slug: str) -> None:
    document = problem_of(api.get(f"/api/stories/{slug}"))

    assert document == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": f"slug must be one of {', '.join(STORIES)}.",
        "field": "slug",
        "stories": [story.about() for story in STORIES.values()],
    }


def test_health_says_that_every_text_is_in_its_place(api: Api) -> None:
    answer = api.get("/api/health")

    assert (answer.json(), answer.headers["cache-control"]) == ({"status": "ok", "stories": 5}, "no-store")


@pytest.mark.parametrize("path", ["/api/stories", "/api/stories/moon", "/api/poll", "/api/docs", "/api/stories/nobody"])
def test_head_answers_what_get_would_without_a_body(api: Api, path: str) -> None:
    get, head = api.get(path, "seed=1"), api.get(path, "seed=1", method="HEAD")

    assert (head.status, head.headers, head.body) == (get.status, get.headers, b"")
    assert int(head.headers["content-length"]) == len(get.body)


@pytest.mark.parametrize("path", ["/", "/api", "/api/", "/api/stories/", "/api/stories/moon/text", "/docs", "/api/sse"])
def test_another_path_is_not_found_and_nothing_redirects(api: Api, path: str) -> None:
    """A redirect would name the function URL's host, which the viewer must not call."""
    answer = api.get(path)

    assert "location" not in answer.headers
    assert problem_of(answer)["detail"] == "There is nothing at this path; what there is, is listed at /api/docs."
    assert answer.status == 404


@pytest.mark.parametrize("path", ["/api/stories", "/api/poll", "/api/docs", "/api/openapi.json"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_another_method_is_not_allowed(api: Api, path: str, method: str) -> None:
    answer = api.get(path, method=method)

    assert problem_of(answer) == {
        "type": "about:blank",
        "title": "Method Not Allowed",
        "status": 405,
        "detail": "This can only be read: use GET, HEAD.",
    }
    assert answer.headers["allow"] == "GET, HEAD"
