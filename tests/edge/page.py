"""What the page is made of, read from the page itself.

What this is: `test -> [page] -> edge`: follows the references of HTML, style sheets and scripts within the site.

What the spec says that we follow: which elements and attributes load something
(https://html.spec.whatwg.org/multipage/indices.html#attributes-3), and what a content security policy without
`unsafe-inline` forbids (https://www.w3.org/TR/CSP3/#directive-script-src).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx

MOST_FILES = 50
_LOADING = {"script": "src", "link": "href", "img": "src", "source": "src", "audio": "src", "video": "src"}
_IN_STYLE = re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"')\s;]+)""")
_IN_SCRIPT = re.compile(r"""\b(?:from|import)\s*\(?\s*["'](\.{0,2}/[^"']+)["']""")


class PageError(Exception):
    """The page has more files than a page has."""


@dataclass(slots=True)
class Parts:
    """What one document refers to, as it is written there, and what stands in it that a strict policy forbids."""

    references: list[str] = field(default_factory=list)
    inline: list[str] = field(default_factory=list)


def parts_of(content_type: str, text: str) -> Parts:
    """Of a document of *content_type*; nothing for types that refer to nothing."""
    match content_type.partition(";")[0].strip():
        case "text/html":
            reader = _Html()
            reader.feed(text)
            reader.close()
            return reader.parts
        case "text/css":
            return Parts([found for found in _IN_STYLE.findall(text) if not found.startswith(("data:", "#"))])
        case "text/javascript":
            return Parts(_IN_SCRIPT.findall(text))
    return Parts()


def files_of(client: httpx.Client) -> tuple[dict[str, httpx.Response], list[str]]:
    """Every file of the page by its path, beginning with `/`, and the references that lead to other web origins.

    Raises `PageError` for more than 50 files.
    """
    files: dict[str, httpx.Response] = {}
    elsewhere: list[str] = []
    paths = ["/"]
    while paths:
        path = paths.pop(0)
        if path in files:
            continue
        if len(files) == MOST_FILES:
            raise PageError(f"The page has more than {MOST_FILES} files.")
        files[path] = response = client.get(path)
        for reference in parts_of(response.headers.get("content-type", ""), response.text).references:
            target = urlsplit(urljoin(f"https://page.invalid{path}", reference))
            if target.netloc == "page.invalid":
                paths.append(target.path)
            else:
                elsewhere.append(reference)
    return files, elsewhere


class _Html(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts = Parts()
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if reference := attributes.get(_LOADING.get(tag, "")):
            self.parts.references.append(reference)
        self._in_script = tag == "script" and "src" not in attributes
        forbidden = [name for name in attributes if name == "style" or name.startswith("on")]
        self.parts.inline += [f"{tag} {name}=" for name in forbidden] + (["style element"] if tag == "style" else [])

    def handle_data(self, data: str) -> None:
        if self._in_script and data.strip():
            self.parts.inline.append("script element")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False
