"""What the page does when the connection breaks: dropped on purpose, cut, offline, and a server that is gone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.fake_site import FakeSite, Stream

pytestmark = pytest.mark.browser


def drop(page: Page) -> Locator:
    return page.get_by_role("switch", name="Drop it at the next word")


def ids_of_messages(page: Page) -> list[str]:
    """The id column of the table, in the rows of words."""
    rows = page.locator("#rows > [role=row]").filter(has_text="message").all()
    return [row.get_by_role("gridcell").first.inner_text() for row in rows]


@pytest.fixture
def stream(page: Page, site: FakeSite) -> Stream:
    """A stream that has told one word, with 1 ms until a reconnect."""
    page.goto(site.url)
    stream = site.stream()
    stream.open()
    stream.send("retry: 1\n")
    stream.word(1, "Once")
    expect(page.locator("#story")).to_have_text("Once")
    return stream


def test_a_dropped_connection_loses_nothing_and_repeats_nothing(page: Page, site: FakeSite, stream: Stream) -> None:
    """The word at which it is dropped is thrown away, and comes again after the reconnect: the ids prove it."""
    drop(page).click()
    expect(drop(page)).to_be_checked()
    stream.word(2, "upon")
    stream.wait_closed()
    second = site.stream()
    assert second.last_event_id == "1"
    expect(page.get_by_role("status")).to_have_text("Reconnecting")
    expect(drop(page)).not_to_be_checked()

    second.open()
    second.word(2, "upon")
    second.word(3, "a")
    expect(page.locator("#story")).to_have_text("Once upon a")
    expect(page.locator("#reconnects")).to_have_text("1")
    assert ids_of_messages(page) == ["1", "2", "3"]
    page.locator("#rows").get_by_text("dropped on purpose").click()
    expect(page.locator("#raw")).to_contain_text("id: 2\ndata: upon")
    expect(page.locator("#rows")).to_contain_text("last-event-id: 1")


def test_the_switch_can_be_taken_back(page: Page, stream: Stream) -> None:
    """Off again before the next word, nothing is dropped; after the end there is nothing to drop."""
    drop(page).click()
    drop(page).click()
    expect(drop(page)).not_to_be_checked()
    stream.word(2, "upon")
    expect(page.locator("#story")).to_have_text("Once upon")
    drop(page).click()
    page.get_by_role("button", name="Stop").click()

    expect(drop(page)).to_be_disabled()
    expect(drop(page)).not_to_be_checked()


def test_a_server_that_is_gone_is_given_up_and_tried_again(
    page: Page, site: FakeSite, stream: Stream, complaints: list[str]
) -> None:
    """After five attempts in a row without an event it has failed; a button asks for the rest."""
    stream.cut()
    for _ in range(5):
        again = site.stream()
        assert again.last_event_id == "1"
        again.open()
        again.cut()
    expect(page.get_by_role("status")).to_have_text("Failed: the server cannot be reached")
    assert len(complaints) == 6
    complaints.clear()

    page.get_by_role("button", name="Try again").click()
    last = site.stream()
    assert last.last_event_id == "1"
    last.open()
    last.word(2, "upon")
    expect(page.locator("#story")).to_have_text("Once upon")
    expect(page.get_by_role("status")).to_have_text("Streaming")


def test_offline_and_back(page: Page, site: FakeSite, stream: Stream, complaints: list[str]) -> None:
    """Without a network the page says so and asks for nothing, and goes on by itself when the network is back."""
    page.context.set_offline(True)
    stream.cut()
    expect(page.get_by_role("status")).to_have_text("Offline: it goes on when the network is back")
    expect(page.locator("#rows > [role=row]").last).to_contain_text("lost")
    page.context.set_offline(False)
    second = site.stream()
    assert second.last_event_id == "1"

    second.open()
    second.word(2, "upon")
    expect(page.locator("#story")).to_have_text("Once upon")
    expect(page.get_by_role("status")).to_have_text("Streaming")
    complaints.clear()
