"""What a template says about CloudFront: origins that are function URLs, and the behaviors that lead to them.

What the real service does: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/
distribution-web-values-specify.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from local.lint.document import Document
from local.lint.functions import FunctionUrl
from local.lint.value import Value
from local.template.cloudfront_policies import CACHING_DISABLED, MANAGED_WITH_VIEWER_HOST, forwards_viewer_host

DEFAULT_READ_TIMEOUT_SECONDS = 30
_DEFAULT_TTL_SECONDS = 86400
_FUNCTION_URL_DOMAIN = re.compile(r"\.lambda-url\.[a-z0-9-]+\.on\.aws$")

# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
_CACHES_AS_THE_ORIGIN_SAYS = frozenset(
    {
        "83da9c7e-98b4-4e11-a168-04f0df8e2c65",  # UseOriginCacheControlHeaders
        "4cc15a8a-d715-48a4-82b8-cc0b614638fe",  # UseOriginCacheControlHeaders-QueryStrings
    }
)
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html
ALL_BUT_HOST = "AllViewerExceptHostHeader (b689b0a8-53d0-40ab-baf2-68738e2966ac)"


@dataclass(frozen=True, slots=True)
class Origin:
    """One origin; *url* is the function URL of this template that it is, *access* its access control's properties."""

    value: Value
    origin_id: str | None
    host: str
    url: FunctionUrl | None
    access: Value | None  # None where it is not a resource of this template
    distribution: str  # logical id
    distribution_id: str

    @property
    def is_function_url(self) -> bool:
        """Whether it is a function URL, of this template or of another."""
        return self.url is not None or _FUNCTION_URL_DOMAIN.search(self.host) is not None

    @property
    def signs(self) -> bool:
        """Whether an origin access control is attached, or may be."""
        control = self.value.get("OriginAccessControlId")
        return not control.absent and control.reference != ""


@dataclass(frozen=True, slots=True)
class Behavior:
    """One behavior; *origin* is None when it leads to an origin group, or nowhere."""

    value: Value
    origin: Origin | None
    origin_ids: tuple[str, ...]  # of its distribution, with those of the groups; empty where one is not known

    @property
    def name(self) -> str:
        """How to tell it from the others in a sentence."""
        pattern = self.value.get("PathPattern").text
        return f"behavior {pattern}" if pattern else "default behavior"

    @property
    def streams(self) -> bool:
        """Whether it certainly leads to a streaming function URL."""
        return self.origin is not None and self.origin.url is not None and self.origin.url.streams


def read_origins(document: Document, urls: Sequence[FunctionUrl]) -> tuple[Origin, ...]:
    """The origins of all distributions."""
    by_domain = {url.domain: url for url in urls}
    controls = {
        document.attribute(control.place.logical_id): control.get("OriginAccessControlConfig")
        for control in document.of_type("AWS::CloudFront::OriginAccessControl")
    }
    origins = []
    for distribution in document.of_type("AWS::CloudFront::Distribution"):
        for value in distribution.get("DistributionConfig", "Origins").items():
            host = (value.get("DomainName").reference or "").rpartition("://")[2].partition("/")[0]
            origins.append(
                Origin(
                    value=value,
                    origin_id=value.get("Id").reference,
                    host=host,
                    url=by_domain.get(host),
                    access=controls.get(value.get("OriginAccessControlId").reference or ""),
                    distribution=distribution.place.logical_id,
                    distribution_id=document.attribute(distribution.place.logical_id),
                )
            )
    return tuple(origins)


def read_behaviors(document: Document, origins: Sequence[Origin]) -> tuple[Behavior, ...]:
    """The behaviors of all distributions."""
    behaviors = []
    for distribution in document.of_type("AWS::CloudFront::Distribution"):
        config = distribution.get("DistributionConfig")
        own = {origin.origin_id: origin for origin in origins if origin.distribution == distribution.place.logical_id}
        groups = [group.get("Id").reference for group in config.get("OriginGroups", "Items").items()]
        ids = tuple(name for name in (*own, *groups) if name is not None)
        known = ids if None not in (*own, *groups) else ()
        for value in (*config.get("CacheBehaviors").items(), config.get("DefaultCacheBehavior")):
            target = value.get("TargetOriginId").reference
            behaviors.append(Behavior(value, own.get(target) if target else None, known))
    return tuple(behaviors)


def caches(behavior: Behavior, document: Document) -> bool:
    """Whether the edge keeps replies that the origin did not ask it to keep; False where it is not known."""
    policy_id = behavior.value.get("CachePolicyId")
    if policy_id.absent:
        return _keeps(behavior.value)
    if policy_id.reference in (None, CACHING_DISABLED) or policy_id.reference in _CACHES_AS_THE_ORIGIN_SAYS:
        return False
    for policy in document.of_type("AWS::CloudFront::CachePolicy"):
        if document.attribute(policy.place.logical_id) == policy_id.reference:
            return _keeps(policy.get("CachePolicyConfig"))
    return policy_id.text is not None


def viewer_host_policy(behavior: Behavior, document: Document) -> Value | None:
    """What makes the edge send the viewer's `Host` to the origin; None when nothing certainly does."""
    listed = behavior.value.get("ForwardedValues", "Headers")
    if any(name in ("*", "host") for name in map(str.lower, listed.texts())):
        return listed
    policy_id = behavior.value.get("OriginRequestPolicyId")
    if policy_id.text in MANAGED_WITH_VIEWER_HOST:
        return policy_id
    for policy in document.of_type("AWS::CloudFront::OriginRequestPolicy"):
        if document.attribute(policy.place.logical_id) == policy_id.reference and _sends_viewer_host(policy):
            return policy_id
    return None


def _keeps(times: Value) -> bool:
    if times.get("MaxTTL").whole == 0:
        return False
    default = times.get("DefaultTTL")
    kept = _DEFAULT_TTL_SECONDS if default.absent else default.whole
    return kept not in (None, 0) or times.get("MinTTL").whole not in (None, 0)


def _sends_viewer_host(policy: Value) -> bool:
    headers = policy.get("OriginRequestPolicyConfig", "HeadersConfig")
    return forwards_viewer_host(headers.get("HeaderBehavior").text, headers.get("Headers").texts())
