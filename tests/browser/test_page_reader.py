"""The page for everyone: by keyboard, by ear, in the dark, on a small phone, on paper."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.fake_site import FakeSite

pytestmark = pytest.mark.browser

CONTROLS = ["slug", "pace", "seed", "both", "stop", "again", "copy", "drop", "events", "raw"]
CONTRAST_AA = 4.5  # WCAG 2.2, success criterion 1.4.3
COLORS_OF_TEXT = """() => [...document.querySelectorAll("body *")]
  .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
  .map((element) => [element.tagName, getComputedStyle(element).color])"""
HIDDEN_PIXELS = """document.querySelector("#story").lastElementChild.getBoundingClientRect().bottom
  - document.querySelector("#desk").getBoundingClientRect().top"""
BACKGROUNDS = """() => ["--paper", "--glow", "--panel"].map((name) => {
  const probe = document.body.appendChild(document.createElement("b"));
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
})"""


def luminance(color: str) -> float:
    """The relative luminance of a CSS `rgb(r, g, b)`, as WCAG defines it."""
    channels = [int(number) / 255 for number in re.findall(r"\d+", color)[:3]]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two CSS colors, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("refused", [False, True], ids=["streaming", "failed"])
def test_every_text_has_enough_contrast(
    new_page: NewPage, site: FakeSite, complaints: list[str], scheme: str, refused: bool
) -> None:
    """Every color of text stands out by 4.5 to 1 from whatever may be behind it."""
    page = new_page(color_scheme=scheme, reduced_motion="reduce")
    page.goto(site.url)
    stream = site.stream()
    if refused:
        stream.refuse(500)
        expect(page.get_by_role("status")).to_contain_text("Failed")
        complaints.clear()
    else:
        stream.open()
        stream.word(1, "Once")
        expect(page.locator("#count")).to_have_text("1")
    backgrounds = page.evaluate(BACKGROUNDS)
    texts = page.evaluate(COLORS_OF_TEXT)
    poor = [(tag, color) for tag, color in texts for back in backgrounds if contrast(color, back) < CONTRAST_AA]

    assert len(texts) > 10
    assert (luminance(backgrounds[0]) < 0.1) == (scheme == "dark")
    assert poor == []


def test_the_keyboard_is_enough(page: Page, site: FakeSite) -> None:
    """Tab reaches every control, visibly and in the order of the page."""
    page.goto(site.url)
    site.stream().open()
    expect(page.get_by_role("status")).to_have_text("Streaming")
    names = []
    while len(names) < len(CONTROLS):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        expect(focused).to_have_css("outline-style", "solid")
        names.append(focused.get_attribute("id"))

    assert names == CONTROLS


def test_stop_keeps_the_focus_and_the_end_hands_it_on(page: Page, site: FakeSite) -> None:
    """One button stops and goes on; when there is nothing left to stop, the focus moves to Again."""
    page.goto(site.url)
    first = site.stream()
    first.open()
    page.locator("#stop").press("Enter")
    first.wait_closed()
    expect(page.get_by_role("button", name="Go on")).to_be_focused()

    page.keyboard.press("Space")
    second = site.stream()
    second.open()
    expect(page.get_by_role("button", name="Stop")).to_be_focused()
    second.end_of_stream(1)
    expect(page.get_by_role("button", name="Again")).to_be_focused()


def test_the_story_is_spoken_by_the_sentence(page: Page, site: FakeSite) -> None:
    """A screen reader hears whole sentences, and what is left over when the story is stopped."""
    page.goto(site.url)
    stream = site.stream()
    stream.open()
    spoken = page.locator("[aria-live=polite]")
    stream.word(1, "“Who")
    stream.word(2, "knocks?”")
    expect(spoken).to_have_text("“Who knocks?”")
    stream.word(3, "Nobody")
    stream.word(4, "answered")
    expect(page.locator("#count")).to_have_text("4")
    expect(spoken).to_have_text("“Who knocks?”")
    page.get_by_role("button", name="Stop").click()

    expect(spoken).to_have_text("Nobody answered")


def test_the_page_has_its_landmarks(page: Page, site: FakeSite) -> None:
    """Heading, story, stream and wire can be found by role and name."""
    page.goto(site.url)
    site.stream().open()

    expect(page.get_by_role("heading", level=1)).to_have_text("A story, word by word")
    expect(page.get_by_role("main").get_by_role("article", name="Story")).to_be_attached()
    expect(page.get_by_role("region", name="Stream").get_by_role("button")).to_have_text(["Stop", "Again", "Copy"])
    expect(page.get_by_role("complementary", name="The wire").get_by_role("grid", name="Events")).to_be_visible()
    expect(page.locator("#unscripted")).to_be_hidden()
    assert site.missing == []


@pytest.mark.parametrize(
    ("word", "direction", "latin"),
    [("„Einst", "ltr", True), ("בלילה", "rtl", False), ("昔々", "ltr", False), ("📮", "ltr", False)],
)
def test_the_first_word_sets_direction_and_initial(
    page: Page, site: FakeSite, word: str, direction: str, latin: bool
) -> None:
    """Of a story that is in no catalogue, too: it runs the way its script does; only Latin letters get an initial."""
    page.goto(f"{site.url}/?story=unknown")
    stream = site.stream()
    stream.open()
    stream.word(1, word)
    story = page.locator("#story")
    expect(story).to_have_text(word)

    expect(story).to_have_css("direction", direction)
    assert ("latin" in (story.get_attribute("class") or "").split()) == latin


@pytest.mark.parametrize("word", ["little", "Donaudampfschifffahrtsgesellschaftskapitänsmütze" * 2])
def test_a_small_phone_never_scrolls_sideways(new_page: NewPage, site: FakeSite, word: str) -> None:
    """At 320 px everything fits, long words and long states included, and the buttons are in view."""
    page = new_page(viewport={"width": 320, "height": 568})
    page.goto(f"{site.url}/?story=moon&seed=123456789&min_ms=200&max_ms=800")
    stream = site.stream()
    stream.open()
    for position in range(1, 101):
        stream.word(position, word)
    expect(page.locator("#count")).to_have_text("100")
    sizes = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")

    assert sizes[0] <= sizes[1] <= 320
    expect(page.get_by_role("button", name="Stop")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="Again")).to_be_in_viewport(ratio=1)


def test_the_view_follows_the_story_unless_the_reader_scrolls_up(new_page: NewPage, site: FakeSite) -> None:
    """At the bottom new words stay in view; someone who reads further up is left in peace."""
    page = new_page(viewport={"width": 320, "height": 400})
    page.goto(site.url)
    stream = site.stream()
    stream.open()
    for position in range(1, 201):
        stream.word(position, "word")
    expect(page.locator("#count")).to_have_text("200")
    expect(page.locator("#desk")).to_be_in_viewport(ratio=1)
    assert page.evaluate(HIDDEN_PIXELS) <= 0

    page.evaluate("scrollTo(0, 10)")
    for position in range(201, 251):
        stream.word(position, "word")
    expect(page.locator("#count")).to_have_text("250")
    assert page.evaluate("scrollY") == 10


def test_nothing_moves_for_those_who_asked_for_less_motion(new_page: NewPage, site: FakeSite) -> None:
    """With reduced motion neither words nor caret are animated; without it both are."""
    for preference, word, caret in (("reduce", "none", "none"), ("no-preference", "dry", "breathe")):
        page = new_page(reduced_motion=preference)
        page.goto(site.url)
        stream = site.stream()
        stream.open()
        stream.word(1, "Once")
        expect(page.locator("#story span")).to_have_css("animation-name", word)
        expect(page.locator("#story")).to_have_css("animation-name", caret, pseudo="after")


def test_paper_gets_the_story_alone(page: Page, site: FakeSite) -> None:
    """What only makes sense on a screen is not printed."""
    page.goto(site.url)
    stream = site.stream()
    stream.open()
    stream.word(1, "Once")
    expect(page.locator("#story")).to_have_text("Once")
    page.emulate_media(media="print")

    expect(page.get_by_role("article", name="Story")).to_be_visible()
    expect(page.locator("#desk")).to_be_hidden()
    expect(page.get_by_role("complementary", name="The wire")).to_be_hidden()


def test_without_scripts_the_page_says_what_is_missing(new_page: NewPage, site: FakeSite) -> None:
    """A browser that runs no scripts is told why there is no story, and offered nothing that would not work."""
    page = new_page(java_script_enabled=False)
    page.goto(site.url)

    expect(page.get_by_text("please allow it for this page")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("")
    expect(page.get_by_role("button", disabled=True)).to_have_text(["Stop", "Again", "Copy"])
