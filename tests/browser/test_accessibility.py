"""What axe-core finds on the page: nothing, in either scheme, in every state, on a phone and at 200 %.

axe-core is a program from npm, installed by `make test` where npm is there (.ci/npm/axe).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.fake_site import FakeSite

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / ".tools/npm/axe/node_modules/axe-core/axe.min.js"
NO_AXE = "no axe-core found: install npm (Debian, Ubuntu: apt install npm), and `make test` gets it"
# Every rule that axe has, best practices included; reviewed by eye are those it cannot decide.
RUN = """() => axe.run(document, {resultTypes: ["violations"]}).then(({violations, passes}) => ({
  violations: violations.map(({id, nodes}) => `${id}: ${nodes.map((node) => node.html).join(" ")}`),
  passes: passes.length,
}))"""
WINDOWS = {
    "laptop": {"width": 1280, "height": 800},
    "at 200 %": {"width": 640, "height": 400},
    "phone": {"width": 320, "height": 568},
}


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core. Without it the test is skipped, and in CI it fails."""
    if not AXE.exists():
        if os.environ.get("CI"):
            pytest.fail(NO_AXE, pytrace=False)
        pytest.skip(NO_AXE)
    return AXE.read_text(encoding="utf-8")


def violations(page: Page, axe: str) -> list[str]:
    """What is wrong with the page as it stands."""
    page.evaluate(axe)
    found = page.evaluate(RUN)
    assert found["passes"] > 20
    wrong: list[str] = found["violations"]
    return wrong


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", WINDOWS)
def test_a_story_that_is_told(new_page: NewPage, site: FakeSite, axe: str, window: str, scheme: str) -> None:
    """With words, a chosen row, polling beside it, and at its end."""
    page = new_page(color_scheme=scheme, viewport=WINDOWS[window], reduced_motion="reduce")
    page.goto(f"{site.url}/?seed=7")
    stream = site.stream()
    stream.open()
    for position in range(1, 31):
        stream.word(position, "word")
    expect(page.locator("#count")).to_have_text("30")
    page.get_by_role("grid").press("ArrowUp")
    assert violations(page, axe) == []

    stream.end_of_stream(31)
    expect(page.get_by_role("status")).to_have_text("The end")
    assert violations(page, axe) == []


def test_a_story_that_is_refused(page: Page, site: FakeSite, axe: str, complaints: list[str]) -> None:
    """The sentence that says why, and the button that asks again."""
    page.goto(site.url)
    site.stream().refuse(500)
    expect(page.get_by_role("status")).to_contain_text("Failed")

    assert violations(page, axe) == []
    complaints.clear()


def test_a_story_in_another_script_and_beside_polling(
    page: Page, site: FakeSite, axe: str, complaints: list[str]
) -> None:
    """From right to left, with its language told; the other transport beside it, which is refused here."""
    page.goto(f"{site.url}/?story=moon")
    site.stream()
    page.get_by_label("beside polling").check()
    stream = site.stream()
    stream.open()
    stream.word(1, "בלילה")
    expect(page.locator("#story")).to_have_text("בלילה")
    expect(page.locator("#polled-state")).to_have_text("Failed: the server answered 404")

    assert violations(page, axe) == []
    complaints.clear()
