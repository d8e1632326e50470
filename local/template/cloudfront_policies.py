"""What CloudFront's policies mean: those that AWS manages, by their ids, and which let the viewer's `Host` through.

What the real service does: an origin sees the viewer's `Host` where the origin request policy says so, and otherwise
its own name (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/origin-request-create-origin-request-policy.html).
"""

from __future__ import annotations

from collections.abc import Iterable

# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html
MANAGED_WITH_VIEWER_HOST = frozenset(
    {
        "216adef6-5c7f-47e4-b989-5492eafa07d3",  # AllViewer
        "33f36d7e-f396-46d9-90e0-52428a34d9dc",  # AllViewerAndCloudFrontHeaders-2022-06
        "bf0718e1-ba1e-49d1-88b1-f726733018ba",  # HostHeaderOnly
    }
)


def forwards_viewer_host(header_behavior: str | None, headers: Iterable[str]) -> bool:
    """Whether an origin request policy with this `HeaderBehavior`, and these `Headers`, lets `Host` through."""
    listed = "host" in map(str.lower, headers)
    match header_behavior:
        case "allViewer" | "allViewerAndWhitelistCloudFront":
            return True
        case "whitelist":
            return listed
        case "allExcept":
            return not listed
    return False
