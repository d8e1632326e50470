"""The page as a user gets it: from the bucket, through the edge, with the story of the real function."""

from __future__ import annotations

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
    page.goto(f"{site_url}/?seed=3&min_ms=60&max_ms=60")
    lengths = []
    while len(lengths) < 5:
        count = len((page.locator("#story").text_content() or "").split())
        if count and (not lengths or count > lengths[-1]):
            lengths.append(count)
    assert lengths[0] < lengths[-1] < 45

    expect(page.locator("#story")).to_contain_text("Every evening the old lighthouse")
    expect(page.get_by_role("status")).to_have_text("The end")
    assert len((page.locator("#story").text_content() or "").split()) == 45
    cloud.wait_for("GET /api/sse 200")


def test_stop_leaves_the_stream(page: Page, site_url: str, cloud: LocalCloud) -> None:
    """Stop closes the connection; the function runs on, as on AWS, and the emulator says so."""
    page.goto(f"{site_url}/?min_ms=60&max_ms=60")
    expect(page.locator("#story")).to_contain_text("Every")
    page.get_by_role("button", name="Stop").click()

    cloud.wait_for("GET /api/sse 200 .* viewer left at event \\d+, the function runs on")
    cloud.wait_for("ran on for")
