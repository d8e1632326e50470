"""The page and its files, as the edge gives them out."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import httpx
import pytest

from tests.edge.page import parts_of

pytestmark = pytest.mark.edge

CONTENT_TYPES = {
    "": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
}
LONGEST_STALE_SECONDS = 300  # for a name that stays the same when its content changes
FINGERPRINTED = re.compile(r"[.-][0-9a-f]{8,}\.\w+$|/[0-9a-f]{8,}/")  # the file, or a folder that it is in


def max_age(response: httpx.Response) -> int:
    """Seconds for which a browser may keep *response* without asking; fails when it is not said."""
    found = re.search(r"\bmax-age=(\d+)", response.headers.get("cache-control", ""))
    assert found is not None, f"{response.url} does not say how long it may be kept"
    return int(found[1])


def test_every_file_that_the_page_refers_to_is_there(page: dict[str, httpx.Response]) -> None:
    """The page has a script and a style sheet, and each file has a body."""
    assert {path: file.status_code for path, file in page.items()} == dict.fromkeys(page, 200)
    assert {path for path, file in page.items() if not file.content} == set()
    assert {".css", ".js"} <= {PurePosixPath(path).suffix for path in page}


def test_content_types(page: dict[str, httpx.Response]) -> None:
    """With a charset where there is text: `nosniff` forbids a browser to guess."""
    told = {path: file.headers["content-type"].lower() for path, file in page.items()}

    assert told == {path: CONTENT_TYPES.get(PurePosixPath(path).suffix, told[path]) for path in page}


def test_the_page_obeys_a_strict_policy(page: dict[str, httpx.Response]) -> None:
    """Nothing inline: a policy without `unsafe-inline` would leave the page without it."""
    assert parts_of("text/html", page["/"].text).inline == []


def test_browsers_may_keep_files_for_a_while(page: dict[str, httpx.Response]) -> None:
    """Short where the name stays when the content changes, and for ever only where it does not."""
    for path, file in page.items():
        if "immutable" in file.headers.get("cache-control", ""):
            assert FINGERPRINTED.search(path), f"{path} never changes, but its name says nothing of its content"
        else:
            assert 0 < max_age(file) <= LONGEST_STALE_SECONDS, path


def test_unchanged_page_is_not_sent_again(edge: httpx.Client, page: dict[str, httpx.Response]) -> None:
    """304 without a body for the ETag of the first answer."""
    response = edge.get("/", headers={"if-none-match": page["/"].headers["etag"]})

    assert (response.status_code, response.content) == (304, b"")


def test_head_of_the_page(edge: httpx.Client, page: dict[str, httpx.Response]) -> None:
    """The headers of the page, and nothing else."""
    response = edge.head("/")

    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"] == page["/"].headers["content-type"]


@pytest.mark.parametrize("path", ["/nothing.html", "/sse/nothing", "/.env"])
def test_unknown_path(edge: httpx.Client, path: str) -> None:
    """Not there, or not for strangers, and no word of what runs behind it."""
    response = edge.get(path)

    assert response.status_code in (403, 404)
    assert "Traceback" not in response.text


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_page_is_only_read(edge: httpx.Client, method: str) -> None:
    """Nobody writes through the edge."""
    assert edge.request(method, "/").status_code in (403, 405)
