"""A stream that breaks off is taken up where it broke: nothing lost, nothing twice."""

from __future__ import annotations

import httpx
import pytest

from tests.edge.telling import END, Telling, hear

pytestmark = pytest.mark.edge

CUT_PACE_MS = 10  # slow enough that the story is not over when the connection is cut


@pytest.mark.parametrize("share", [0, 0.02, 0.3, 0.5, 0.9, 1], ids="{:.0%}".format)
def test_resume(edge: httpx.Client, whole: Telling, share: float) -> None:
    """`Last-Event-ID: k` begins with event k + 1, and all that follows is what it would have been."""
    told = round((len(whole.events) - 1) * share)

    resumed = hear(edge, last_event_id=told)

    assert resumed.ids == whole.ids[told:]
    assert resumed.words == whole.words[told:]
    assert resumed.events[-1].event == END


@pytest.mark.parametrize("beyond", [0, 1, 1000])
def test_past_the_end(edge: httpx.Client, whole: Telling, beyond: int) -> None:
    """204 tells an EventSource that has everything to stop for good."""
    response = edge.get("/sse", headers={"last-event-id": str(len(whole.events) + beyond)})

    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize("told", ["-1", "five", "1e3"])
def test_a_last_event_id_that_was_never_given(edge: httpx.Client, told: str) -> None:
    """400 that names the header."""
    response = edge.get("/sse", headers={"last-event-id": told})

    assert (response.status_code, response.json()["field"]) == (400, "Last-Event-ID")


def test_resume_drill(edge: httpx.Client, whole: Telling) -> None:
    """Cut at the first event, then after 12, 5 and 20 more, reconnecting each time as an EventSource does."""
    heard: list[Telling] = []
    last_event_id = None
    for cut_after in (1, 12, 5, 20, len(whole.events)):
        heard.append(
            hear(edge, min_ms=CUT_PACE_MS, max_ms=CUT_PACE_MS, last_event_id=last_event_id, stop_after=cut_after)
        )
        last_event_id = int(heard[-1].ids[-1])

    assert [event_id for telling in heard for event_id in telling.ids] == whole.ids
    assert [word for telling in heard for word in telling.words] == whole.words
    assert hear(edge, last_event_id=last_event_id).status == 204
