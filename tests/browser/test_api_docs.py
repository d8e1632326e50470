"""The page at /api/docs in a real browser, under the content security policy of the site.

Whatever that policy forbids is a complaint of the browser's, and fails the test that provoked it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

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


@pytest.fixture
def docs(page: Page, site_url: str) -> Page:
    """The page, drawn."""
    page.goto(f"{site_url}/api/docs")
    expect(page.locator("#operations article")).to_have_count(4)
    return page


def operation(docs: Page, path: str) -> Locator:
    return docs.locator("#operations article").filter(has=docs.get_by_role("heading", name=f"GET {path}", exact=True))


def test_every_operation_and_every_document_is_drawn(docs: Page) -> None:
    """With the policy in force, and without a complaint."""
    headings = docs.locator("#operations h2")

    expect(headings).to_have_text(
        ["GET /api/stories", "GET /api/stories/{slug}", "GET /api/poll", "GET /api/health"],
    )
    expect(docs.locator("#documents h3")).to_contain_text(["Catalogue", "Event", "Health"])
    expect(operation(docs, "/api/poll").get_by_label("after")).to_have_attribute("inputmode", "numeric")
    assert docs.evaluate("document.querySelectorAll('[style], style, script:not([src])').length") == 0


def test_nothing_is_asked_of_another_host(page: Page, site_url: str) -> None:
    """Neither by the page nor by what is tried on it."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto(f"{site_url}/api/docs")
    operation(page, "/api/health").get_by_role("button", name="Try it").click()
    expect(operation(page, "/api/health").locator("pre")).to_contain_text('"status": "ok"')

    assert [url for url in asked if not url.startswith(f"{site_url}/")] == []
    assert {url.removeprefix(site_url) for url in asked} == {
        "/api/docs",
        "/api/docs/docs.css",
        "/api/docs/docs.js",
        "/api/openapi.json",
        "/api/health",
        "/favicon.svg",
    }


def test_an_operation_can_be_tried(docs: Page) -> None:
    """Fields that are left empty are not sent; the answer is shown with its status."""
    poll = operation(docs, "/api/poll")
    poll.get_by_label("story").select_option("moon")
    poll.get_by_label("seed").fill("3")
    poll.get_by_role("button", name="Try it").click()

    expect(poll.get_by_role("link", name="GET /api/poll?story=moon&seed=3", exact=True)).to_be_visible()
    expect(poll.locator(".status")).to_contain_text("200, application/json")
    expect(poll.locator("pre")).to_contain_text('"data": "בלילה"')


def test_enter_tries_it_too_and_a_path_is_filled_in(docs: Page) -> None:
    """The form is a form, for keyboards; it leads nowhere, as the policy demands."""
    story = operation(docs, "/api/stories/{slug}")
    story.get_by_label("slug").select_option("snail")
    story.get_by_role("button", name="Try it").press("Enter")

    expect(story.locator("pre")).to_contain_text("Die Schnecke und der Brief")
    assert docs.url.endswith("/api/docs")


def test_a_refusal_is_shown_as_it_is(docs: Page, complaints: list[str]) -> None:
    """The problem document, for who tries what is not allowed; the browser notes the status, and nothing else."""
    poll = operation(docs, "/api/poll")
    poll.get_by_label("min_ms").fill("900")
    poll.get_by_label("min_ms").press("Enter")

    expect(poll.locator(".status")).to_contain_text("400, application/problem+json")
    expect(poll.locator("pre")).to_contain_text('"field": "min_ms"')
    assert ["400" in complaint for complaint in complaints] == [True]
    complaints.clear()


def test_an_address_with_a_document_leads_to_it(page: Page, site_url: str) -> None:
    """What it points at is drawn only after the page was loaded."""
    page.goto(f"{site_url}/api/docs#PollAnswer")

    expect(page.locator("#PollAnswer")).to_be_in_viewport()
