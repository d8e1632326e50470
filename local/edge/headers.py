"""The headers that change at the edge, on the way to the origin and on the way back to the viewer.

Request: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html
Response headers policy, where "override" decides whose value wins:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-response-headers-policies.html
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from collections.abc import Iterable

from local.asgi import Scope, end_to_end
from local.config import Behavior, Origin
from local.wire.headers import HOP_BY_HOP, Header, encode_header

Policy = tuple[tuple[bytes, bytes, bool], ...]  # name in lower case, value, override

_SET_FOR_ORIGIN = frozenset((b"via", b"x-amz-cf-id", b"x-forwarded-for"))
_SET_FOR_VIEWER = frozenset((b"via", b"x-amz-cf-id", b"x-cache"))


def new_request_id() -> bytes:
    """A value for `x-amz-cf-id`: 56 opaque characters, the same towards origin and viewer."""
    return urlsafe_b64encode(os.urandom(40))


def encoded_policy(behavior: Behavior) -> Policy:
    """The behavior's response headers policy, ready for `response_headers`."""
    return tuple((*encode_header(name, value), override) for name, value, override in behavior.response_headers)


def added(origin: Origin) -> tuple[Header, ...]:
    """The headers that the origin gets from the distribution."""
    return tuple(encode_header(name, value) for name, value in origin.headers)


def withheld(behavior: Behavior, origin: Origin) -> frozenset[bytes]:
    """The headers of a viewer that the origin does not get as they came."""
    names = {*HOP_BY_HOP, *_SET_FOR_ORIGIN}
    if not behavior.forwards_viewer_host:
        names.add(b"host")
    names.update(name for name, _ in added(origin))
    if origin.origin_access_control is not None:
        names.add(b"authorization")  # signing behavior "always": the edge's own signature takes its place
    if origin.origin_access_control == "s3":
        names.add(b"cookie")
    return frozenset(names)


def request_headers(
    scope: Scope, *, host: bytes | None, withheld: frozenset[bytes], via: bytes, request_id: bytes
) -> list[Header]:
    """The viewer's headers as the origin sees them, with another *host* unless that is None."""
    viewer = scope["headers"]
    there = dict(viewer)
    if b"connection" in there:
        viewer = end_to_end(viewer)
        there = dict(viewer)
    headers = [header for header in viewer if header[0] not in withheld]
    if host is not None:
        headers.insert(0, (b"host", host))
    hops = {b"x-forwarded-for": scope["client"][0].encode()} if scope.get("client") else {}
    hops[b"via"] = scope.get("http_version", "1.1").encode() + b" " + via
    for name, hop in hops.items():
        headers.append((name, _appended(viewer, name, hop) if name in there else hop))
    headers.append((b"x-amz-cf-id", request_id))
    return headers


def response_headers(
    headers: Iterable[Header], policy: Policy, *, status: int, via: bytes, request_id: bytes
) -> list[Header]:
    """The origin's headers as the viewer sees them."""
    origin = end_to_end(headers)
    present = dict(origin)
    added = [(name, value) for name, value, override in policy if override or name not in present]
    replaced = _SET_FOR_VIEWER.union(dict(added))
    kept = [header for header in origin if header[0] not in replaced]
    cache = b"Error from cloudfront" if status >= 400 else b"Miss from cloudfront"
    hop = b"1.1 " + via
    if b"via" in present:
        hop = _appended(origin, b"via", hop)
    return [*kept, *added, (b"via", hop), (b"x-cache", cache), (b"x-amz-cf-id", request_id)]


def _appended(headers: list[Header], name: bytes, value: bytes) -> bytes:
    return b", ".join([*[earlier for key, earlier in headers if key == name], value])
