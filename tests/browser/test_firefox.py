"""The page in a real Firefox: the story, the wire, a connection that breaks, another script, ten thousand events."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.browser.fake_site import FakeSite, Stream
from tests.browser.firefox import Firefox, find_firefox, running

pytestmark = pytest.mark.browser

NO_FIREFOX = "no Firefox found: install one (Debian: apt install firefox-esr)"
MANY = 10_000
MOST_ROWS = 60


@pytest.fixture(scope="module")
def browser() -> Iterator[Firefox]:
    """A headless Firefox. Without one the test is skipped, and in CI it fails."""
    path = find_firefox()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(NO_FIREFOX, pytrace=False)
        pytest.skip(NO_FIREFOX)
    with running(path) as firefox:
        yield firefox


@pytest.fixture
def firefox(browser: Firefox, site: FakeSite) -> Iterator[Firefox]:
    """The same Firefox for each test, which fails for what it complained about; it leaves the site before it goes."""
    browser.complaints.clear()
    yield browser
    browser.goto("about:blank")
    assert browser.complaints == []


def opened(firefox: Firefox, site: FakeSite, query: str = "?seed=7") -> Stream:
    """The page with an open stream, which would be asked for again after 1 ms."""
    firefox.goto(f"{site.url}/{query}")
    stream = site.stream()
    stream.open(environment="cold")
    stream.send("retry: 1\n")
    return stream


def test_words_appear_one_after_another_until_the_end(firefox: Firefox, site: FakeSite) -> None:
    """Each is there before the next is sent, and the page closes at the end event."""
    stream = opened(firefox, site)
    stream.word(1, "Once")
    firefox.shows(story="Once", state="Streaming", environment="cold", last_id="1")
    stream.word(2, "upon")
    firefox.shows(story="Once upon", count="2", raw="id: 2\ndata: upon")
    stream.end_of_stream(3)
    stream.wait_closed()
    firefox.shows(state="The end")


def test_a_dropped_connection_is_resumed(firefox: Firefox, site: FakeSite) -> None:
    """With the last id that was seen; the word that was thrown away comes again."""
    first = opened(firefox, site)
    first.word(1, "Once")
    firefox.shows(story="Once")
    firefox.evaluate("document.getElementById('drop').click()")
    first.word(2, "upon")
    first.wait_closed()
    second = site.stream()
    assert second.last_event_id == "1"

    second.open()
    second.word(2, "upon")
    firefox.shows(story="Once upon", state="Streaming", reconnects="1")


def test_stop_and_again(firefox: Firefox, site: FakeSite) -> None:
    """Stop ends the connection; Again tells the same run from its first word."""
    first = opened(firefox, site)
    first.word(1, "Once")
    firefox.shows(story="Once")
    firefox.evaluate("document.getElementById('stop').click()")
    first.wait_closed()
    firefox.shows(story="Once", state="Stopped", stop="Go on")
    firefox.evaluate("document.getElementById('again').click()")
    second = site.stream()
    assert (second.last_event_id, second.query) == (None, "seed=7")
    second.open()
    second.word(1, "Once")
    firefox.shows(story="Once", state="Streaming")


def test_another_script_runs_its_own_way(firefox: Firefox, site: FakeSite) -> None:
    """With language and direction of the catalogue, and no large initial."""
    stream = opened(firefox, site, "?story=moon")
    stream.word(1, "בלילה")
    firefox.shows(story="בלילה")
    firefox.wait_until("document.getElementById('story').lang === 'he'")

    style = "getComputedStyle(document.getElementById('story')).direction"
    assert firefox.evaluate(style) == "rtl"
    assert firefox.evaluate("document.querySelector('.latin')") is None


def test_ten_thousand_events(firefox: Firefox, site: FakeSite) -> None:
    """Only the rows in view are in the document, wherever the table is scrolled to."""
    stream = opened(firefox, site)
    for start in range(1, MANY, 50):
        stream.send("".join(f"id: {position}\ndata: w\n\n" for position in range(start, start + 50)))
    firefox.shows(count=f"{MANY:,}")
    firefox.wait_until(f"document.getElementById('row-{MANY + 1}')")
    assert firefox.evaluate("document.querySelectorAll('#rows > *').length") <= MOST_ROWS

    firefox.evaluate("document.getElementById('events').scrollTo(0, 0)")
    firefox.wait_until("document.getElementById('row-0')")
    assert firefox.evaluate("document.querySelectorAll('#rows > *').length") <= MOST_ROWS
