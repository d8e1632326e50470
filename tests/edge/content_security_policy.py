"""Reads a content security policy and says what is weak in it.

What the spec says that we follow: https://www.w3.org/TR/CSP3/. `default-src` stands in for the directives that fetch
something, but not for `base-uri`, `form-action` and `frame-ancestors`: left out, these allow everything.
"""

from __future__ import annotations

from collections.abc import Mapping

_FETCHING = ("script-src", "style-src", "object-src", "connect-src")
_NOT_FETCHING = ("base-uri", "form-action", "frame-ancestors")
_OPEN = ("*", "http:", "https:", "ws:", "wss:")
_UNSAFE = ("'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'", "'wasm-unsafe-eval'")


def directives(policy: str) -> dict[str, list[str]]:
    """The sources of each directive. The first one of a name counts, as in browsers."""
    found: dict[str, list[str]] = {}
    for part in policy.split(";"):
        name, *sources = part.split() or [""]
        if name:
            found.setdefault(name.lower(), [source.lower() for source in sources])
    return found


def weaknesses(policy: str) -> list[str]:
    """Sentences, none for a strict policy: nothing inline, nothing from everywhere, no directive left open."""
    found = directives(policy)
    weak = [f"{name} allows {source}" for name, sources in found.items() for source in sources if _is_weak(source)]
    weak += [f"{name} is missing" for name in _NOT_FETCHING if name not in found]
    weak += [f"{name} is missing, and so is default-src" for name in _FETCHING if _sources(found, name) is None]
    if _sources(found, "object-src") not in ([], ["'none'"], None):
        weak.append("object-src is not 'none'")
    return weak


def _sources(found: Mapping[str, list[str]], name: str) -> list[str] | None:
    return found.get(name, found.get("default-src"))


def _is_weak(source: str) -> bool:
    return source in _OPEN or source in _UNSAFE or source.startswith(("http://", "*.")) or "//*" in source
