"""The page reads a stream that the test writes: each word, the end, a cut, a refusal."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.fake_site import FakeSite, Stream

pytestmark = pytest.mark.browser

PLACE = "(word) => [word.offsetLeft, word.offsetTop, word.offsetWidth]"
CUT = "error: Failed to load resource: net::ERR_INCOMPLETE_CHUNKED_ENCODING"


def shows(page: Page, *, story: str, state: str) -> None:
    """The page shows exactly this story and state, now or within the deadline."""
    expect(page.locator("#story")).to_have_text(story, use_inner_text=True)
    expect(page.get_by_role("status")).to_have_text(state)


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
    shows(page, story="", state="Connecting")

    stream.open()
    shows(page, story="", state="Streaming")

    stream.word(1, "Once")
    shows(page, story="Once", state="Streaming")

    stream.word(2, "upon")
    shows(page, story="Once upon", state="Streaming")

    stream.word(3, "a")
    shows(page, story="Once upon a", state="Streaming")


def test_what_was_read_is_never_rendered_again(page: Page, site: FakeSite) -> None:
    """New words are added behind the old ones: no node that was there is removed or changed."""
    stream = opened(page, site)
    stream.word(1, "Once")
    shows(page, story="Once", state="Streaming")
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
    shows(page, story="Once upon a", state="Streaming")

    assert page.evaluate("window.changes") == []


@pytest.mark.parametrize("width", [320, 1280])
def test_what_was_read_never_moves(page: Page, site: FakeSite, width: int) -> None:
    """Each word is still where it first appeared when many lines have come after it, and at the end."""
    page.set_viewport_size({"width": width, "height": 2000})
    stream = opened(page, site)
    places = []
    for position in range(1, 41):
        stream.word(position, "word," * (1 + position % 3))
        expect(page.locator("#story span")).to_have_count(position)
        places.append(page.locator("#story span").last.evaluate(PLACE))
    stream.end_of_stream(41)
    expect(page.get_by_role("status")).to_have_text("The end")

    assert [word.evaluate(PLACE) for word in page.locator("#story span").all()] == places


def test_end_of_stream_closes_for_good(page: Page, site: FakeSite) -> None:
    """On the end event it is the page that closes, and it does not come back by itself."""
    stream = opened(page, site)
    stream.word(1, "Fin.")
    stream.end_of_stream(2)
    stream.wait_closed()
    shows(page, story="Fin.", state="The end")
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()

    # A reconnect would have come before this request, and with the last id.
    page.get_by_role("button", name="Again").click()
    assert site.stream().last_event_id is None
    assert len(site.streams) == 2


def test_stop_closes_the_stream_and_keeps_the_words(page: Page, site: FakeSite) -> None:
    """Stop ends the connection; what had arrived stays."""
    stream = opened(page, site)
    stream.word(1, "Once")
    shows(page, story="Once", state="Streaming")
    page.get_by_role("button", name="Stop").click()
    stream.wait_closed()

    shows(page, story="Once", state="Stopped")
    assert len(site.streams) == 1


def test_stop_works_before_the_server_has_answered(page: Page, site: FakeSite) -> None:
    """A reader need not wait for a slow server in order to stop."""
    page.goto(site.url)
    stream = site.stream()
    page.get_by_role("button", name="Stop").click()
    stream.wait_closed()

    shows(page, story="", state="Stopped")


def test_again_in_mid_story_begins_anew(page: Page, site: FakeSite) -> None:
    """Again closes the running stream, clears the page and asks for the story from its first word."""
    first = opened(page, site)
    first.word(1, "Once")
    shows(page, story="Once", state="Streaming")
    page.get_by_role("button", name="Again").click()
    first.wait_closed()
    second = site.stream()
    shows(page, story="", state="Connecting")

    second.open()
    second.word(1, "Once")
    shows(page, story="Once", state="Streaming")
    assert second.last_event_id is None


def test_a_cut_stream_is_resumed_with_nothing_lost_or_repeated(
    page: Page, site: FakeSite, complaints: list[str]
) -> None:
    """The browser asks again with the last id it saw, and a word that comes twice is shown once."""
    first = opened(page, site)
    first.word(1, "Once")
    first.word(2, "upon")
    shows(page, story="Once upon", state="Streaming")
    first.cut()
    second = site.stream()
    shows(page, story="Once upon", state="Reconnecting")
    assert second.last_event_id == "2"

    second.open()
    second.word(2, "upon")
    second.word(3, "a")
    second.word(4, "time.")
    second.end_of_stream(5)
    second.wait_closed()
    shows(page, story="Once upon a time.", state="The end")
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
    shows(page, story="Once upon", state="Streaming")


def test_stop_while_reconnecting(page: Page, site: FakeSite) -> None:
    """A reader can also stop the attempts to reconnect."""
    first = opened(page, site)
    first.word(1, "Once")
    first.finish()
    second = site.stream()
    shows(page, story="Once", state="Reconnecting")
    page.get_by_role("button", name="Stop").click()
    second.wait_closed()

    shows(page, story="Once", state="Stopped")


def test_stop_can_be_taken_back(page: Page, site: FakeSite) -> None:
    """Go on asks for the rest, from the last id that was seen."""
    first = opened(page, site)
    first.word(1, "Once")
    shows(page, story="Once", state="Streaming")
    page.get_by_role("button", name="Stop").click()
    first.wait_closed()
    page.get_by_role("button", name="Go on").click()
    second = site.stream()
    assert second.last_event_id == "1"

    second.open()
    second.word(2, "upon")
    shows(page, story="Once upon", state="Streaming")


@pytest.mark.parametrize(
    ("status", "detail", "reason"),
    [
        (400, "seed must be one whole number.", "seed must be one whole number."),
        (400, None, "the server answered 400"),
        (502, None, "the server answered 502"),
    ],
)
def test_a_refused_stream_has_failed_until_tried_again(
    page: Page, site: FakeSite, complaints: list[str], status: int, detail: str | None, reason: str
) -> None:
    """Any status but 200 ends it, as it ends an EventSource; the page says why, in the server's words if there are."""
    page.goto(site.url)
    site.stream().refuse(status, detail=detail)
    shows(page, story="", state=f"Failed: {reason}")
    page.get_by_role("button", name="Try again").click()
    second = site.stream()
    second.open()
    second.word(1, "Once")

    shows(page, story="Once", state="Streaming")
    assert ["status of" in complaint for complaint in complaints] == [True]
    complaints.clear()


def test_again_while_a_refusal_is_on_its_way(page: Page, site: FakeSite, complaints: list[str]) -> None:
    """What the first connection would have said is of no interest to the second."""
    page.goto(site.url)
    first = site.stream()
    with page.expect_response("**/api/sse*"):
        first.begin_to_refuse(400)
    page.get_by_role("button", name="Again").click()
    first.wait_closed()
    second = site.stream()
    second.open()
    second.word(1, "Once")

    shows(page, story="Once", state="Streaming")
    complaints.clear()


def test_an_answer_of_another_kind_is_refused(page: Page, site: FakeSite) -> None:
    """A page of HTML with status 200, as a site without the function would send, is no story."""
    page.goto(site.url)
    stream = site.stream()
    stream.open(content_type="text/html")

    shows(page, story="", state="Failed: the answer is no event stream")


def test_204_is_the_end(page: Page, site: FakeSite) -> None:
    """A story that was cut off after its last event has nothing left: the page asks no more."""
    first = opened(page, site)
    first.word(1, "Fin.")
    first.finish()
    site.stream().refuse(204)
    shows(page, story="Fin.", state="The end")

    # A reconnect would have come before this request.
    page.get_by_role("button", name="Again").click()
    assert site.stream().last_event_id is None
    assert len(site.streams) == 3


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

    shows(page, story="<img/src=x/onerror=alert(1)>&amp;", state="Streaming")
    assert site.missing == []


def test_events_without_an_id_are_all_shown(page: Page, site: FakeSite) -> None:
    """A stream that numbers nothing is still read: no id is no repetition."""
    stream = opened(page, site)
    stream.send("data: Once\n\ndata: upon\n\n")

    shows(page, story="Once upon", state="Streaming")
