"""The page that shows the OpenAPI document and tries its operations: our own, small, and all of it from here.

What this is: `application -> [docs_page] -> docs/`.

What FastAPI does that we replace: its page loads Swagger UI from another host and starts it with an inline script
(https://fastapi.tiangolo.com/how-to/custom-docs-ui-assets/). This site's content security policy forbids both. With
its assets at home Swagger UI is 1.8 MB of script and style, and asks for images from `data:` addresses, too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import FastAPI, Response

from catalogue import CACHE_CONTROL

PATH = "/api/docs"
FOLDER = Path(__file__).with_name("docs")
FILES = {
    PATH: ("index.html", "text/html; charset=utf-8"),
    f"{PATH}/docs.js": ("docs.js", "text/javascript; charset=utf-8"),
    f"{PATH}/docs.css": ("docs.css", "text/css; charset=utf-8"),
}


def add_docs_page(app: FastAPI) -> None:
    """Make *app* answer at PATH, and at those of the page's own files."""
    for path, (name, media_type) in FILES.items():
        app.add_api_route(path, _file(name, media_type), include_in_schema=False)


def _file(name: str, media_type: str) -> Callable[[], Awaitable[Response]]:
    async def file() -> Response:
        return _read(name, media_type)

    return file


def _read(name: str, media_type: str) -> Response:
    headers = {"cache-control": CACHE_CONTROL}
    return Response((FOLDER / name).read_bytes(), headers=headers, media_type=media_type)
