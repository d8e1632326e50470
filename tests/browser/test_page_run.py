"""What is asked for: story, seed and pace in the page's address and in its controls."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.fake_site import CATALOGUE, PAGE, FakeSite

pytestmark = pytest.mark.browser

MOST_BYTES = 40 * 1024


def query_of(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


def test_the_address_tells_the_same_run_again(page: Page, site: FakeSite, new_page: NewPage) -> None:
    """A seed by chance stands in it at once; whoever opens that address asks the function for exactly the same."""
    page.goto(site.url)
    first = site.stream()
    assert list(query_of(f"?{first.query}")) == ["seed"]
    expect(page).to_have_url(f"{site.url}/?{first.query}")
    expect(page.get_by_label("seed")).to_have_value(query_of(page.url)["seed"][0])

    new_page().goto(page.url)
    assert site.stream().query == first.query


def test_every_choice_begins_another_run(page: Page, site: FakeSite) -> None:
    """Story, pace and seed each go into address, stream and command; the rest of the run stays as it is."""
    page.goto(f"{site.url}/?seed=7&utm=mail")
    site.stream()
    page.get_by_role("combobox", name="Story").select_option("הילדה והירח")
    assert site.stream().query == "seed=7&story=moon"
    page.get_by_label("pace").select_option("quick")
    assert site.stream().query == "seed=7&story=moon&min_ms=40&max_ms=160"
    page.get_by_label("seed").fill("8")
    page.get_by_label("seed").press("Enter")
    assert site.stream().query == "seed=8&story=moon&min_ms=40&max_ms=160"
    page.get_by_label("pace").select_option("as told")
    assert site.stream().query == "seed=8&story=moon"

    assert query_of(page.url) == {"seed": ["8"], "story": ["moon"], "utm": ["mail"]}
    expect(page.locator("#command")).to_have_text(f"curl -N '{site.url}/sse?seed=8&story=moon'")


def test_the_seed_can_be_left_to_chance_again(page: Page, site: FakeSite) -> None:
    """An empty field gets a new one."""
    page.goto(f"{site.url}/?seed=7")
    site.stream()
    page.get_by_label("seed").fill("")
    page.get_by_label("seed").press("Enter")

    assert re.fullmatch(r"seed=\d+", site.stream().query)
    expect(page.get_by_label("seed")).to_have_value(re.compile(r"^\d+$"))


def test_back_tells_the_run_before(page: Page, site: FakeSite) -> None:
    """Each choice is a step in the browser's history."""
    page.goto(f"{site.url}/?seed=7")
    site.stream()
    page.get_by_label("pace").select_option("slow")
    assert site.stream().query == "seed=7&min_ms=800&max_ms=2000"
    page.go_back()

    assert site.stream().query == "seed=7"
    expect(page.get_by_label("pace")).to_have_value(",")


def test_pauses_that_are_no_pace_are_named(page: Page, site: FakeSite) -> None:
    """An address may ask for any; the plot's band goes with them."""
    page.goto(f"{site.url}/?seed=7&min_ms=10")
    site.stream()

    expect(page.get_by_label("pace").locator("option:checked")).to_have_text("10 to 800 ms")
    expect(page.locator("#plot span")).to_have_text(["10", "800"])


@pytest.mark.parametrize("story", CATALOGUE["stories"], ids=lambda story: story["slug"])
def test_language_and_direction_are_the_storys(page: Page, site: FakeSite, story: dict[str, str]) -> None:
    """As the catalogue has them, for the story and for what is spoken."""
    page.goto(f"{site.url}/?story={story['slug']}")
    site.stream()

    expect(page.get_by_role("combobox", name="Story").locator("option:checked")).to_have_text(story["title"])
    for place in ("#story", "#spoken"):
        expect(page.locator(place)).to_have_attribute("lang", story["lang"])
        expect(page.locator(place)).to_have_attribute("dir", story["dir"])


def test_without_the_api_there_is_one_story(page: Page, site: FakeSite, complaints: list[str]) -> None:
    """The page says what is missing, and tells the story that was asked for all the same."""
    site.has_api = False
    page.goto(f"{site.url}/?story=moon&seed=7")
    stream = site.stream()
    stream.open()
    stream.word(1, "בלילה")

    expect(page.locator("#story")).to_have_text("בלילה")
    expect(page.locator("#story")).to_have_css("direction", "rtl")
    expect(page.locator("#note")).to_contain_text("the JSON API is not there (the server answered 404)")
    expect(page.get_by_role("combobox", name="Story").locator("option")).to_have_text(["moon"])
    expect(page.get_by_label("beside polling")).to_be_disabled()
    complaints.clear()


def test_copy(new_page: NewPage, site: FakeSite) -> None:
    """The story goes to the clipboard; where that is not allowed, it is selected."""
    for permissions, label in ((["clipboard-read", "clipboard-write"], "Copied"), ([], "Selected")):
        page = new_page(permissions=permissions)
        page.goto(site.url)
        stream = site.stream()
        stream.open()
        stream.word(1, "Once")
        stream.word(2, "upon")
        expect(page.locator("#story")).to_have_text("Once upon")
        if not permissions:
            page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error()); }")
        page.get_by_role("button", name="Copy").click()
        expect(page.locator("#copy")).to_have_text(label)
        text = "navigator.clipboard.readText()" if permissions else "getSelection().toString().trim()"
        assert page.evaluate(text) == "Once upon"


def test_the_page_is_small() -> None:
    """All of it, as it is in the repository: no build makes it smaller."""
    assert sum(file.stat().st_size for file in PAGE.iterdir()) < MOST_BYTES
