"""Which paths a behavior is for: CloudFront's path patterns, and the form of a path that they are compared with.

CloudFront "normalizes URI paths consistent with RFC 3986" before it looks for the behavior, and sends the raw path on:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html
"""

from __future__ import annotations

import re

_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
_UNRESERVED = re.compile("[A-Za-z0-9._~-]")
_WILDCARDS = {"*": ".*", "?": "."}


def compile_pattern(path_pattern: str) -> re.Pattern[str]:
    """The pattern as an expression for `fullmatch`: `*` any characters, `?` one, the leading slash is optional."""
    absolute = "/" + path_pattern.removeprefix("/")
    return re.compile("".join(_WILDCARDS.get(char) or re.escape(char) for char in absolute), re.DOTALL)


def normalized(path: str) -> str:
    """A raw path as it is matched: escapes that need none undone, runs of slashes merged, dot segments resolved.

    RFC 3986, 6.2.2: https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2
    """
    if "%" not in path and "//" not in path and "/." not in path:
        return path
    return _without_dot_segments(re.sub("//+", "/", _ESCAPE.sub(_plain, path)))


def _plain(escape: re.Match[str]) -> str:
    char = chr(int(escape[0][1:], 16))
    return char if _UNRESERVED.fullmatch(char) else escape[0].upper()


def _without_dot_segments(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1:] in (["."], [".."]):
        kept.append("")  # "/a/b/.." names the folder /a/, not a file /a
    return "/" + "/".join(kept)
