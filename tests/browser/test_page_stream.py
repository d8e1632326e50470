"""The page reads a stream that the test writes: each word, the end, a cut, a refusal."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.fake_site import FakeSite, Stream

pytestmark = pytest.mark.browser

CUT = "error: Failed to load resource: net::ERR_INCOMPLETE_CHUNKED_ENCODING"


def shows(page: Page, *, story: str, state: str, words: int) -> None:
    """The page shows exactly this story, state and number of words, now or within the deadline."""
    expect(page.locator("#story")).to_have_text(story, use_inner_text=True)
    expect(page.get_by_role("status")).to_have_text(state)
    expect(page.locator("#words")).to_have_text(str(words))


def opened(page: Page, site: FakeSite, path: str = "/") -> Stream:
    """Load the page and answer its stream with 200; a cut would be followed by a reconnect after 1 ms."""
    page.goto(site.url + path)
    stream = site.stream()
    stream.open()
    stream.send("retry: 1\n\n")
    return stream


def test_words_appear_one_after_another(page: Page, site: FakeSite) -> None:
    """Each word is on the page before the next one is sent, and the state follows the stream."""
    page.goto(site.url)
    stream = site.stream()
    shows(page, story="", state="Connecting", words=0)

    stream.open()
    shows(page, story="", state="Streaming", words=0)

    stream.word(1, "Once")
    shows(page, story="Once", state="Streaming", words=1)

    stream.word(2, "upon")
    shows(page, story="Once upon", state="Streaming", words=2)

    stream.word(3, "a")
    shows(page, story="Once upon a", state="Streaming", words=3)


def test_what_was_read_is_never_rendered_again(page: Page, site: FakeSite) -> None:
    """New words are added behind the old ones: no node that was there is removed or changed."""
    stream = opened(page, site)
    stream.word(1, "Once")
    shows(page, story="Once", state="Streaming", words=1)
    page.evaluate(
        """() => {
          window.changes = [];
          new MutationObserver((records) => records.forEach(({type, removedNodes}) => {
            if (type !== "childList" || removedNodes.length) window.changes.push(type);
          })).observe(document.querySelector("#story"), {childList: true, characterData: true, subtree: true});
        }"""
    )
    stream.word(2, "upon")
    stream.word(3, "a")
    shows(page, story="Once upon a", state="Streaming", words=3)

    assert page.evaluate("window.changes") == []


def test_end_of_stream_closes_for_good(page: Page, site: FakeSite) -> None:
    """On the end event it is the page that closes, and it does not come back by itself."""
    stream = opened(page, site)
    stream.word(1, "Fin.")
    stream.end_of_stream(2)
    stream.wait_closed()
    shows(page, story="Fin.", state="The end", words=1)
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()

    # A reconnect would have come before this request, and with the last id.
    page.get_by_role("button", name="Again").click()
    assert site.stream().last_event_id is None
    assert len(site.streams) == 2


def test_stop_closes_the_stream_and_keeps_the_words(page: Page, site: FakeSite) -> None:
    """Stop ends the connection; what had arrived stays."""
    stream = opened(page, site)
    stream.word(1, "Once")
    shows(page, story="Once", state="Streaming", words=1)
    page.get_by_role("button", name="Stop").click()
    stream.wait_closed()

    shows(page, story="Once", state="Stopped", words=1)
    assert len(site.streams) == 1


def test_stop_works_before_the_server_has_answered(page: Page, site: FakeSite) -> None:
    """A reader need not wait for a slow server in order to stop."""
    page.goto(site.url)
    stream = site.stream()
    page.get_by_role("button", name="Stop").click()
    stream.wait_closed()

    shows(page, story="", state="Stopped", words=0)


def test_again_in_mid_story_begins_anew(page: Page, site: FakeSite) -> None:
    """Again closes the running stream, clears the page and asks for the story from its first word."""
    first = opened(page, site)
    first.word(1, "Once")
    shows(page, story="Once", state="Streaming", words=1)
    page.get_by_role("button", name="Again").click()
    first.wait_closed()
    second = site.stream()
    shows(page, story="", state="Connecting", words=0)

    second.open()
    second.word(1, "Once")
    shows(page, story="Once", state="Streaming", words=1)
    assert second.last_event_id is None


def test_a_cut_stream_is_resumed_with_nothing_lost_or_repeated(
    page: Page, site: FakeSite, complaints: list[str]
) -> None:
    """The browser asks again with the last id it saw, and a word that comes twice is shown once."""
    first = opened(page, site)
    first.word(1, "Once")
    first.word(2, "upon")
    shows(page, story="Once upon", state="Streaming", words=2)
    first.cut()
    second = site.stream()
    shows(page, story="Once upon", state="Reconnecting", words=2)
    assert second.last_event_id == "2"

    second.open()
    second.word(2, "upon")
    second.word(3, "a")
    second.word(4, "time.")
    second.end_of_stream(5)
    second.wait_closed()
    shows(page, story="Once upon a time.", state="The end", words=4)
    assert complaints == [CUT]
    complaints.clear()


def test_a_stream_that_ends_early_is_resumed(page: Page, site: FakeSite) -> None:
    """A body without the end event is a part of the story: so the function ends one that would pass its timeout."""
    first = opened(page, site)
    first.word(1, "Once")
    first.finish()
    second = site.stream()
    assert second.last_event_id == "1"

    second.open()
    second.word(2, "upon")
    shows(page, story="Once upon", state="Streaming", words=2)


def test_stop_while_reconnecting(page: Page, site: FakeSite) -> None:
    """A reader can also stop the attempts to reconnect."""
    first = opened(page, site)
    first.word(1, "Once")
    first.finish()
    second = site.stream()
    shows(page, story="Once", state="Reconnecting", words=1)
    page.get_by_role("button", name="Stop").click()
    second.wait_closed()

    shows(page, story="Once", state="Stopped", words=1)


@pytest.mark.parametrize("status", [204, 400, 500])
def test_a_refused_stream_has_failed_until_again(
    page: Page, site: FakeSite, complaints: list[str], status: int
) -> None:
    """Any status but 200 makes the browser give up: the page says so, and Again asks once more."""
    page.goto(site.url)
    site.stream().refuse(status)
    shows(page, story="", state="Failed: the server refused the stream", words=0)
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()
    page.get_by_role("button", name="Again").click()
    second = site.stream()
    second.open()
    second.word(1, "Once")

    shows(page, story="Once", state="Streaming", words=1)
    assert len([text for text in complaints if f"status of {status}" in text]) == (status >= 400)
    complaints.clear()


def test_only_the_known_part_of_the_query_is_passed_on(page: Page, site: FakeSite) -> None:
    """story, seed, min_ms and max_ms reach the function as they are; anything else stays in the page's address."""
    stream = opened(page, site, "/?story=moon&utm=mail&seed=7&min_ms=0&max_ms=5&api=evil")

    assert stream.query == "story=moon&seed=7&min_ms=0&max_ms=5"
    command = f"curl -N '{site.url}/sse?story=moon&seed=7&min_ms=0&max_ms=5'"
    expect(page.locator("#command")).to_have_text(command)


def test_a_word_is_text_and_nothing_else(page: Page, site: FakeSite) -> None:
    """Markup in a word is shown, not obeyed."""
    stream = opened(page, site)
    stream.word(1, "<img/src=x/onerror=alert(1)>&amp;")

    shows(page, story="<img/src=x/onerror=alert(1)>&amp;", state="Streaming", words=1)
    assert site.missing == []


def test_events_without_an_id_are_all_shown(page: Page, site: FakeSite) -> None:
    """A stream that numbers nothing is still read: no id is no repetition."""
    stream = opened(page, site)
    stream.send("data: Once\n\ndata: upon\n\n")

    shows(page, story="Once upon", state="Streaming", words=2)


def test_the_panel_tells_how_the_stream_runs(page: Page, site: FakeSite) -> None:
    """Last id, time to the first word and the last pause are there as soon as they are known."""
    stream = opened(page, site)
    expect(page.locator("#first")).to_have_text("–")
    stream.word(1, "Once")
    expect(page.locator("#first")).to_have_text(re.compile(r"^\d+ ms$"))
    expect(page.locator("#pause")).to_have_text("–")
    stream.word(2, "upon")
    expect(page.locator("#pause")).to_have_text(re.compile(r"^\d+ ms$"))

    expect(page.locator("#last-id")).to_have_text("2")
    expect(page.locator("#tape i")).to_have_count(2)
