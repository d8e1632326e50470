"""The page as a user gets it: from the bucket, through the edge, with the story of the real function."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.local_cloud import LocalCloud

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """The project's own template, running."""
    cloud = LocalCloud()
    yield cloud
    assert cloud.stop() == 0


@pytest.fixture
def site_url(cloud: LocalCloud) -> str:
    return cloud.url


def test_words_appear_one_after_another(page: Page, site_url: str, cloud: LocalCloud) -> None:
    """Each word is on the page while the next one is not, until the end event."""
    page.goto(f"{site_url}/?seed=3&min_ms=150&max_ms=150")
    lengths = []
    while len(lengths) < 5:
        count = len((page.locator("#story").text_content() or "").split())
        assert count < 45
        if count and (not lengths or count > lengths[-1]):
            lengths.append(count)
    assert lengths[0] < lengths[-1] < 45

    expect(page.locator("#story")).to_contain_text("Every evening the old lighthouse")
    expect(page.get_by_role("status")).to_have_text("The end")
    assert len((page.locator("#story").text_content() or "").split()) == 45
    cloud.wait_for("GET /api/sse 200")


def test_stop_leaves_the_stream(page: Page, site_url: str, cloud: LocalCloud) -> None:
    """Stop closes the connection; the function runs on, as on AWS, and the emulator says so."""
    page.goto(f"{site_url}/?min_ms=200&max_ms=200")
    expect(page.locator("#story")).to_contain_text("Every")
    page.get_by_role("button", name="Stop").click()

    cloud.wait_for("GET /api/sse 200 .* viewer left at event \\d+, the function runs on")
    cloud.wait_for("ran on for")


def test_beside_polling(page: Page, site_url: str, cloud: LocalCloud) -> None:
    """The same run by both: the same words, one request against many, and what each costs.

    On a slow machine a request brings all the words that have become due since the one before it.
    """
    page.goto(f"{site_url}/?story=snail&seed=3&min_ms=40&max_ms=60")
    page.get_by_label("beside polling").check()
    expect(page.get_by_role("region", name="Polled")).to_be_visible()
    expect(page.locator("#polled-state")).to_have_text("The end", timeout=20_000)
    expect(page.get_by_role("status")).to_have_text("The end")

    assert page.locator("#polled").inner_text() == page.locator("#story").inner_text()
    expect(page.locator("#polled")).to_have_attribute("lang", "de")
    streamed, polled = (costs(page.locator(place).inner_text()) for place in ("#streamed", "#asked"))
    assert streamed[0] == 1
    assert polled[0] > 5
    assert polled[1] > streamed[1]
    expect(page.locator("#bytes")).to_have_text(f"{streamed[1]:,}")


def costs(text: str) -> list[int]:
    """Requests, bytes, the time to the first word and the two lags, in milliseconds."""
    wanted = r"requests: (#)\nbytes: (#)\nfirst word: (#) ms\nlate: (#) ms, at most (#) ms"
    found = re.fullmatch(wanted.replace("#", "[\\d,]+"), text)
    assert found is not None, text
    return [int(number.replace(",", "")) for number in found.groups()]


def test_stopping_and_going_on_holds_for_both(page: Page, site_url: str) -> None:
    """Neither tells on while the reader has stopped; both end with the same words."""
    page.goto(f"{site_url}/?seed=3&min_ms=80&max_ms=90")
    page.get_by_label("beside polling").check()
    expect(page.locator("#polled")).to_contain_text("Every evening")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#polled-state")).to_have_text("Stopped")
    page.get_by_role("button", name="Go on").click()

    expect(page.locator("#polled-state")).to_have_text("The end", timeout=20_000)
    expect(page.get_by_role("status")).to_have_text("The end")
    assert page.locator("#polled").inner_text() == page.locator("#story").inner_text()


def test_a_dropped_connection_is_resumed_by_the_function(page: Page, site_url: str) -> None:
    """What a real function makes of it: the story is whole, and has no word twice."""
    page.goto(f"{site_url}/?seed=3&min_ms=60&max_ms=60")
    expect(page.locator("#story")).to_contain_text("Every evening")
    page.get_by_role("switch", name="Drop it at the next word").click()
    expect(page.get_by_role("status")).to_have_text("Reconnecting")
    expect(page.get_by_role("status")).to_have_text("The end", timeout=20_000)

    expect(page.locator("#reconnects")).to_have_text("1")
    expect(page.locator("#last-id")).to_have_text("46")
    assert len((page.locator("#story").text_content() or "").split()) == 45


def test_the_environment_is_told(page: Page, site_url: str) -> None:
    """Cold or warm, as the function says; the instance that has just ended a story is warm."""
    for _ in range(2):
        page.goto(f"{site_url}/?min_ms=0&max_ms=0")
        expect(page.get_by_role("status")).to_have_text("The end")

    expect(page.locator("#environment")).to_have_text("warm")


def test_an_event_source_of_the_browser_reads_the_stream_too(page: Page, site_url: str) -> None:
    """The page has a reader of its own for what EventSource hides; the stream is for every EventSource."""
    page.goto(site_url)
    story = page.evaluate(
        """() => new Promise((resolve) => {
          const heard = [];
          const source = new EventSource("/api/sse?min_ms=0&max_ms=0");
          source.onmessage = ({data, lastEventId}) => heard.push([lastEventId, data]);
          source.addEventListener("end-of-stream", () => { source.close(); resolve(heard); });
        })"""
    )

    assert [event_id for event_id, _ in story] == [str(position) for position in range(1, 46)]
    assert [word for _, word in story[:3]] == ["Every", "evening", "the"]
