"""One edition of the page: its files as they are to be stored, under names that change with their content.

What this is: `page/ -> [edition] -> bucket`. The files that HTML and scripts ask for lie in a folder whose name is the
fingerprint of them all. What a browser has kept of it is never stale, so it need not ask again, and an old script never
meets a new one. Inside of the folder paths stay as they were; only HTML, which keeps its name, is told the folder.

What the web does that we follow: `immutable` spares a browser the question whether a file has changed
(https://www.rfc-editor.org/rfc/rfc8246).

What differs here, on purpose:
1. one change renames every file of the folder: a page is small, and files that name each other in a circle are no case
   of their own;
2. of HTML only `src="..."` and `href="..."` are looked at; nothing else may name a file of the folder.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from posixpath import normpath

# A table of our own: what `mimetypes` answers depends on the machine, and it knows no charset.
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
# Known by it elsewhere: to browsers, to robots, and favicon.svg to the API's page.
KEEP_THEIR_NAME = re.compile(r"\.(html|ico|txt)$|^favicon\.svg$")
NAMED_CACHE_CONTROL = "public, max-age=60"
FINGERPRINTED_CACHE_CONTROL = "public, max-age=31536000, immutable"
FINGERPRINT_DIGITS = 12

_LINK = re.compile(rb"""(\s(?:src|href)=["'])([^"'?#:]+)""", re.IGNORECASE)


class PageError(Exception):
    """The page cannot be published as it is; the text names the file and what to do."""


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file of the page, as it is to be stored."""

    key: str
    body: bytes
    content_type: str
    cache_control: str

    @property
    def etag(self) -> str:
        """The ETag S3 gives to this body, quotes included."""
        return f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


def read_page(folder: Path) -> list[PageFile]:
    """Every file under *folder* but hidden ones, HTML last: what it names must be there when somebody loads it.

    Raises `PageError` when there is no index.html, or a file whose content type is not known.
    """
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    bodies = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    if "index.html" not in bodies:
        raise PageError(f"There is no index.html in {folder.name}/: add the page to the function's code.")
    assets = {key: body for key, body in bodies.items() if not KEEP_THEIR_NAME.search(key)}
    keys = {key: f"{fingerprint(assets)}/{key}" for key in assets}
    files = [_page_file(key, body, keys) for key, body in bodies.items()]
    return sorted(files, key=lambda file: file.key.endswith(".html"))


def fingerprint(files: Mapping[str, bytes]) -> str:
    """Twelve hexadecimal digits that stand for these names with these contents."""
    digest = hashlib.sha256()
    for key, body in sorted(files.items()):
        digest.update(hashlib.sha256(key.encode()).digest() + hashlib.sha256(body).digest())
    return digest.hexdigest()[:FINGERPRINT_DIGITS]


def _page_file(key: str, body: bytes, keys: Mapping[str, str]) -> PageFile:
    content_type = CONTENT_TYPES.get(_suffix(key))
    if content_type is None:
        raise PageError(f"{key} has no known content type: add {_suffix(key)!r} to CONTENT_TYPES in edition.py.")
    if key in keys:
        return PageFile(keys[key], body, content_type, FINGERPRINTED_CACHE_CONTROL)
    return PageFile(
        key, _linked(key, body, keys) if _suffix(key) == ".html" else body, content_type, NAMED_CACHE_CONTROL
    )


def _linked(key: str, html: bytes, keys: Mapping[str, str]) -> bytes:
    """*html*, the file *key*, with every link to one of *keys* leading to where that file is stored."""
    folder = PurePosixPath("/", key).parent

    def link(found: re.Match[bytes]) -> bytes:
        before, target = found.groups()
        named = normpath(folder / target.decode()).lstrip("/")
        return before + (f"/{keys[named]}".encode() if named in keys else target)

    return _LINK.sub(link, html)


def _suffix(key: str) -> str:
    return PurePosixPath(key).suffix
