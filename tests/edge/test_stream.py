"""The stream: format, contents, refusals, many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.edge.conftest import Deployment
from tests.edge.telling import END, PATH, Telling, hear

pytestmark = pytest.mark.edge

STREAMS = 5
PACE_MS = 75  # a story of 45 words then takes 3.4 s: time enough to begin, also in a cold environment


def test_headers(whole: Telling) -> None:
    """An event stream, whole, of the type that EventSource insists on."""
    assert whole.status == 200
    assert whole.headers["content-type"].partition(";")[0] == "text/event-stream"
    assert "content-length" not in whole.headers


def test_ids_count_from_one_and_the_last_event_ends_the_stream(whole: Telling) -> None:
    """N words have the ids 1 to N, and `end-of-stream` has N + 1."""
    *words, last = whole.events

    assert len(words) > 10
    assert whole.ids == [str(position) for position in range(1, len(whole.events) + 1)]
    assert {event.event for event in words} == {"message"}
    assert (last.event, last.data) == (END, "Stream ended")


def test_each_event_is_one_word(whole: Telling) -> None:
    """Nothing empty, nothing with white space in it."""
    assert [word.split() for word in whole.words] == [[word] for word in whole.words]


def test_readers_are_told_how_soon_to_come_back(whole: Telling) -> None:
    """Once, with the first event: `retry` is a whole number of milliseconds, and not a long one."""
    first, *others = (event.retry for event in whole.events)

    assert first is not None
    assert 0 < first <= 10_000
    assert set(others) == {None}


def test_the_story_is_the_same_each_time(edge: httpx.Client, whole: Telling) -> None:
    """Whatever the seed: chance is in the pauses only."""
    assert hear(edge, query={"seed": "1"}).words == whole.words


def test_both_paths_tell_the_same(edge: httpx.Client) -> None:
    """`/sse` for people, `/api/sse` for the page: byte for byte the same."""
    query = {"min_ms": "0", "max_ms": "0", "seed": "7"}

    assert edge.get(PATH, params=query).content == edge.get("/api/sse", params=query).content


def test_another_story(edge: httpx.Client, whole: Telling) -> None:
    """The query chooses; words beyond ASCII arrive as they are."""
    snail = hear(edge, query={"story": "snail"})

    assert snail.events[-1].event == END
    assert snail.words != whole.words
    assert any(not word.isascii() for word in snail.words)


def test_head(edge: httpx.Client, whole: Telling) -> None:
    """The headers of the stream, and no story."""
    response = edge.head(PATH)

    assert (response.status_code, response.content) == (200, b"")
    for name in ("content-type", "cache-control"):
        assert response.headers[name] == whole.headers[name]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"min_ms": "many"}, "min_ms"),
        ({"max_ms": "-1"}, "max_ms"),
        ({"min_ms": "900", "max_ms": "100"}, "min_ms"),
        ({"story": "nobody-wrote-it"}, "story"),
        ({"seed": "1.5"}, "seed"),
    ],
)
def test_bad_query(edge: httpx.Client, query: dict[str, str], field: str) -> None:
    """400 with a problem that names the field, and no trace of the code."""
    response = edge.get(PATH, params=query)

    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.json()["status"], response.json()["field"]) == (400, field)
    assert "Traceback" not in response.text


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_stream_is_only_read(edge: httpx.Client, method: str) -> None:
    """Refused by the edge (403) or by the function (405)."""
    assert edge.request(method, PATH).status_code in (403, 405)


def test_streams_side_by_side(deployment: Deployment, whole: Telling) -> None:
    """Five at once: all whole, and each has begun before any has ended."""

    def listen(_: int) -> Telling:
        with deployment.edge.client() as client:
            return hear(client, min_ms=PACE_MS, max_ms=PACE_MS)

    with ThreadPoolExecutor(STREAMS) as pool:
        tellings = list(pool.map(listen, range(STREAMS)))

    assert [telling.ids for telling in tellings] == [whole.ids] * STREAMS
    assert [telling.words for telling in tellings] == [whole.words] * STREAMS
    assert max(telling.times[0] for telling in tellings) < min(telling.times[-1] for telling in tellings)
