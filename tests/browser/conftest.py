"""A real Chromium, and pages in it that fail their test for anything the browser complains about."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.browser.fake_site import FakeSite, serving

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NO_CHROMIUM = (
    "no Chromium found: install one (Debian, Ubuntu: apt install chromium; Fedora: dnf install chromium; "
    "macOS: brew install --cask chromium), or name its executable in the variable CHROMIUM"
)
REPORT_CSP_VIOLATIONS = """addEventListener("securitypolicyviolation", (violation) =>
  console.error(`CSP: ${violation.violatedDirective} forbids ${violation.blockedURI}`))"""

NewPage = Callable[..., Page]


def find_chromium() -> str | None:
    """The path of a Chromium on this machine; CHROMIUM, where it is set, decides alone."""
    wanted = [os.environ["CHROMIUM"]] if os.environ.get("CHROMIUM") else NAMES
    return next((path for name in wanted if (path := shutil.which(name))), None)


# Of the module, not the session: while Playwright's synchronous interface runs, its event loop counts as running in
# this thread, and every asyncio test that came later would fail on it.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless Chromium. Without one the test is skipped, and in CI it fails."""
    path = find_chromium()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(NO_CHROMIUM, pytrace=False)
        pytest.skip(NO_CHROMIUM)
    expect.set_options(timeout=10_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about; a test that provokes a complaint asserts it and clears the list."""
    return []


# It needs no address, but the site must outlive its pages: a server that goes first is one more complaint.
@pytest.fixture
def new_page(chromium: Browser, complaints: list[str], site_url: str) -> Iterator[NewPage]:
    """Opens a page in a browser context of its own, with that context's options (`color_scheme`, ...)."""
    contexts: list[BrowserContext] = []

    def open_page(**options: Any) -> Page:
        context = chromium.new_context(**options)
        contexts.append(context)
        context.add_init_script(REPORT_CSP_VIOLATIONS)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: complaints.extend(_complaint(message)))
        page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A page in the light scheme, as wide as a laptop."""
    return new_page(color_scheme="light")


@pytest.fixture
def site() -> Iterator[FakeSite]:
    """The page on a server whose stream the test writes."""
    with serving() as site:
        yield site


@pytest.fixture
def site_url(site: FakeSite) -> str:
    """Where the page is, without a slash at the end; a module that has another site overrides this fixture."""
    return site.url


def _complaint(message: ConsoleMessage) -> list[str]:
    return [f"{message.type}: {message.text}"] if message.type in ("error", "warning") else []
