"""The wire as the page shows it: every event in a table, the gaps in a plot, and what they add up to."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.fake_site import FakeSite, Stream

pytestmark = pytest.mark.browser

MANY = 10_000
IN_A_CHUNK = 50
MOST_ROWS = 60  # in the document: those in view, and a few
MOST_WET = 12  # words of the story that are elements of their own, of those that come in one frame
WATCH = """() => {
  window.added = 0;
  new MutationObserver((records) => {
    for (const record of records) window.added += record.addedNodes.length;
  }).observe(document.querySelector("#rows"), {childList: true});
  window.frames = 0;
  (function count() { window.frames += 1; requestAnimationFrame(count); })();
}"""


def rows(page: Page) -> Locator:
    return page.locator("#rows > [role=row]")


def cells(row: Locator) -> list[str]:
    """Id, type and data of a row; its times are the clock's."""
    return row.get_by_role("gridcell").all_inner_texts()[:3]


@pytest.fixture
def stream(page: Page, site: FakeSite) -> Stream:
    """A stream that is open, with 1 ms until a reconnect."""
    page.goto(f"{site.url}/?seed=7")
    stream = site.stream()
    stream.open(environment="cold")
    return stream


def test_every_event_has_a_row(page: Page, stream: Stream) -> None:
    """Request, answer, words, comments and the end, each with what it is made of."""
    stream.send("retry: 1\n")
    stream.word(1, "Once")
    stream.send(": heartbeat\n")
    stream.end_of_stream(2)
    expect(rows(page)).to_have_count(6)

    assert [cells(row) for row in rows(page).all()] == [
        ["", "request", ""],
        ["", "open", "200 cold"],
        ["1", "message", "Once"],
        ["", "comment", "heartbeat"],
        ["2", "end-of-stream", "Stream ended"],
        ["", "closed", "by the page, at the end"],
    ]
    times = rows(page).nth(4).get_by_role("gridcell").all_inner_texts()[3:]
    assert re.fullmatch(r"\d+\.\d{3}", times[0])
    assert re.fullmatch(r"[\d,]+", times[1])


def test_what_it_adds_up_to(page: Page, stream: Stream) -> None:
    """Time to the first event, events, bytes of the body, the last id, reconnects, and the environment."""
    expect(page.locator("#environment")).to_have_text("cold")
    expect(page.locator("#first")).to_have_text("–")
    stream.word(1, "Once")
    expect(page.locator("#first")).to_have_text(re.compile(r"^[\d,]+ ms$"))
    expect(page.locator("#gap")).to_have_text("–")
    stream.word(2, "ümit")
    expect(page.locator("#gap")).to_have_text(re.compile(r"^[\d,]+ ms$"))

    expect(page.locator("#count")).to_have_text("2")
    expect(page.locator("#last-id")).to_have_text("2")
    expect(page.locator("#reconnects")).to_have_text("0")
    expect(page.locator("#bytes")).to_have_text(str(len("id: 1\ndata: Once\n\nid: 2\ndata: ümit\n\n".encode())))


def test_raw_lines_follow_the_stream_until_a_row_is_chosen(page: Page, stream: Stream) -> None:
    """A click keeps those of one row, as they were sent; the answer's row has its headers."""
    raw = page.locator("#raw")
    stream.send("retry: 1\nid: 1\ndata:Once\ndata: upon\nunknown\n\n")
    expect(raw).to_have_text("retry: 1\nid: 1\ndata:Once\ndata: upon\nunknown")
    rows(page).filter(has_text="open").click()
    expect(raw).to_contain_text("200\n")
    expect(raw).to_contain_text("x-environment: cold")
    stream.word(2, "a")
    expect(rows(page)).to_have_count(4)
    expect(raw).to_contain_text("x-environment: cold")

    rows(page).filter(has_text="request").click()
    expect(raw).to_have_text("GET /api/sse?seed=7\naccept: text/event-stream\n")
    expect(page.get_by_role("row", selected=True)).to_contain_text("request")


def test_the_table_by_keyboard(page: Page, stream: Stream) -> None:
    """Arrows, Home and End choose a row and bring it into view; the grid says which one is active."""
    for position in range(1, 101):
        stream.word(position, f"w{position}")
    expect(page.locator("#count")).to_have_text("100")
    grid = page.get_by_role("grid", name="Events")
    grid.press("ArrowUp")
    expect(page.locator("#raw")).to_have_text("id: 100\ndata: w100")
    grid.press("PageUp")
    expect(page.locator("#raw")).to_have_text("id: 90\ndata: w90")
    grid.press("Home")
    expect(page.locator("#raw")).to_contain_text("GET /api/sse")
    first = page.get_by_role("row", selected=True)
    expect(first).to_be_in_viewport(ratio=1)
    expect(grid).to_have_attribute("aria-activedescendant", first.get_attribute("id") or "")
    grid.press("End")
    expect(page.get_by_role("row", selected=True)).to_contain_text("w100")
    expect(page.get_by_role("row", selected=True)).to_be_in_viewport(ratio=1)


def test_the_newest_row_is_in_view_unless_the_reader_scrolls_up(page: Page, stream: Stream) -> None:
    """As with the story: who looks at older rows is left in peace."""
    for position in range(1, 101):
        stream.word(position, f"w{position}")
    expect(rows(page).last).to_contain_text("w100")
    expect(rows(page).last).to_be_in_viewport(ratio=1)

    page.get_by_role("grid").evaluate("(grid) => grid.scrollTo(0, 100)")
    expect(rows(page).first).to_contain_text("request")
    stream.word(101, "w101")
    expect(page.locator("#count")).to_have_text("101")
    assert page.get_by_role("grid").evaluate("(grid) => grid.scrollTop") == 100


def test_the_plot_has_a_stem_for_each_gap_and_a_line_for_each_loss(page: Page, site: FakeSite, stream: Stream) -> None:
    """Over a band of the pauses that were asked for; the newest gap stands out."""
    stream.send("retry: 1\n")
    for position in range(1, 5):
        stream.word(position, "w")
        expect(page.locator("#count")).to_have_text(str(position))
    stream.finish()
    second = site.stream()
    second.open()
    second.word(5, "w")
    expect(page.locator("#count")).to_have_text("5")

    drawn = {
        name: (page.locator(f"#plot .{name}").get_attribute("d") or "").count("M")
        for name in ("band", "stems", "gaps", "newest", "losses")
    }
    assert drawn == {"band": 1, "stems": 4, "gaps": 3, "newest": 1, "losses": 1}
    expect(page.locator("#plot span")).to_have_text(["200", "800"])


def test_ten_thousand_events_stay_smooth(page: Page, stream: Stream) -> None:
    """The work of a frame does not grow with the number of events: rows in the document, rows made, words laid out."""
    page.evaluate(WATCH)
    for start in range(1, MANY, IN_A_CHUNK):
        positions = range(start, start + IN_A_CHUNK)
        stream.send("".join(f"id: {position}\ndata: w{position}\n\n" for position in positions))
    expect(page.locator("#count")).to_have_text(f"{MANY:,}", timeout=60_000)
    expect(rows(page).last).to_contain_text(f"w{MANY}")
    expect(page.locator("#story span").last).to_contain_text(f"w{MANY}")
    made, frames, words = page.evaluate(
        "[window.added, window.frames, document.querySelectorAll('#story span').length]"
    )

    assert rows(page).count() <= MOST_ROWS
    assert made <= MOST_ROWS * frames
    assert words <= MOST_WET * frames

    grid = page.get_by_role("grid")
    expect(grid).to_have_attribute("aria-rowcount", str(MANY + 3))
    grid.evaluate("(grid) => grid.scrollTo(0, grid.scrollHeight / 2)")
    expect(rows(page).filter(has_text=f"w{MANY // 2}").first).to_be_in_viewport()
    assert rows(page).count() <= MOST_ROWS
    assert [int(row.get_attribute("aria-rowindex") or 0) for row in rows(page).all()] == sorted(
        int(row.get_attribute("aria-rowindex") or 0) for row in rows(page).all()
    )
