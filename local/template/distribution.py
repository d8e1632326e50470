"""The CloudFront distribution of a template: origins, and the behaviors that lead to them.

What the real service does: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/
distribution-web-values-specify.html; an origin request policy decides whether the origin sees the viewer's `Host`.

What differs here, on purpose:
1. one distribution, the first: the edge has one address;
2. nothing is cached or compressed;
3. origins are buckets and function URLs of the same template;
4. of a group of origins only the first is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from local.config import Behavior, Distribution, ErrorPage, Origin
from local.errors import TemplateError
from local.template.attributes import distribution_arn
from local.template.cloudfront_policies import CACHING_DISABLED, MANAGED_WITH_VIEWER_HOST, forwards_viewer_host
from local.template.properties import Properties, Resource
from local.template.resources import Resources
from local.template.response_headers import Header, read_response_headers

_ORIGIN_TYPE = "OriginAccessControlOriginType"


def read_distribution(resources: Resources) -> Distribution | None:
    """The first distribution of the template.

    Raises TemplateError for a behavior whose origin does not exist, which no linter of templates tells.
    """
    distributions = resources.of_type("AWS::CloudFront::Distribution")
    for other in distributions[1:]:
        other.properties.dismiss("a second distribution")
    return _distribution(distributions[0], resources) if distributions else None


def _distribution(written: Resource, resources: Resources) -> Distribution:
    config = written.properties.section("DistributionConfig")
    origins = _origins(written, config, resources)
    return Distribution(
        logical_id=written.logical_id,
        arn=distribution_arn(resources.ref(written), resources.addresses),
        domain=_without_port(resources.ref(written, "DomainName")),
        own_domain=resources.addresses.distribution_domain(resources.ref(written)),
        default_root_object=config.text("DefaultRootObject") or "",
        origins=origins,
        behaviors=_behaviors(
            config, resources, {**_groups(written, config), **{each.origin_id: each.origin_id for each in origins}}
        ),
        error_pages=_error_pages(config),
    )


def _error_pages(config: Properties) -> dict[int, ErrorPage]:
    """Those that have a page; how long an error is cached needs no reading where nothing is."""
    pages = {}
    for written in config.sections("CustomErrorResponses"):
        code, path, status = written.whole("ErrorCode"), written.text("ResponsePagePath"), written.whole("ResponseCode")
        if code and path:
            pages[code] = ErrorPage(path, status or 0)
    return pages


def _origins(distribution: Resource, config: Properties, resources: Resources) -> tuple[Origin, ...]:
    access_controls = {
        resources.ref(control): control.properties.section("OriginAccessControlConfig").text(_ORIGIN_TYPE)
        for control in resources.of_type("AWS::CloudFront::OriginAccessControl")
    }
    reachable = _domains(resources)
    origins = []
    for written in config.sections("Origins"):
        attempts = written.whole("ConnectionAttempts") or 3
        origin = Origin(
            origin_id=written.text("Id") or "",
            domain=_without_port(written.text("DomainName") or ""),
            origin_access_control=access_controls.get(written.text("OriginAccessControlId") or ""),
            path=written.text("OriginPath") or "",
            response_timeout_seconds=written.section("CustomOriginConfig").whole("OriginReadTimeout") or 30,
            attempts=attempts if "CustomOriginConfig" in written.names() else 1,
            headers=_headers(written),
        )
        if origin.domain not in reachable:
            distribution.properties.refuse(
                f"origin {origin.origin_id} (neither a bucket nor a function URL of this template)"
            )
        origins.append(origin)
    return tuple(origins)


def _headers(origin: Properties) -> tuple[tuple[str, str], ...]:
    """Those that the distribution adds: such as a secret that tells the origin who calls."""
    headers = []
    for written in origin.sections("OriginCustomHeaders"):
        name, value = written.text("HeaderName") or "", written.text("HeaderValue") or ""
        if "{{resolve:" in value:
            written.refuse(f"HeaderValue of {name} (a dynamic reference)")
        written.check_header(name, value)
        headers.append((name, value))
    return tuple(headers)


def _groups(distribution: Resource, config: Properties) -> dict[str, str]:
    """The Id of each group of origins -> that of its first member."""
    groups = {}
    for group in config.section("OriginGroups").sections("Items"):
        group_id, members = group.text("Id") or "", group.section("Members").sections("Items")
        groups[group_id] = (members[0].text("OriginId") or "") if members else ""
        distribution.properties.refuse(f"the failover of the origin group {group_id}")
    return groups


def _domains(resources: Resources) -> set[str]:
    """Every domain that an origin may have: those of this template's buckets and function URLs."""
    domains = {
        resources.ref(bucket, name)
        for bucket in resources.of_type("AWS::S3::Bucket")
        for name in ("DomainName", "DualStackDomainName", "RegionalDomainName")
    }
    urls = (resources.ref(url, "FunctionUrl") for url in resources.of_type("AWS::Lambda::Url"))
    return domains | {_without_port(url.split("/")[2]) for url in urls}


def _behaviors(config: Properties, resources: Resources, origin_ids: Mapping[str, str]) -> tuple[Behavior, ...]:
    header_policies = {
        resources.ref(policy): read_response_headers(policy.properties)
        for policy in resources.of_type("AWS::CloudFront::ResponseHeadersPolicy")
    }
    with_viewer_host = set(MANAGED_WITH_VIEWER_HOST)
    for policy in resources.of_type("AWS::CloudFront::OriginRequestPolicy"):
        headers = policy.properties.section("OriginRequestPolicyConfig").section("HeadersConfig")
        if forwards_viewer_host(headers.text("HeaderBehavior"), headers.texts("Headers")):
            with_viewer_host.add(resources.ref(policy))
    listed = [*config.sections("CacheBehaviors"), config.section("DefaultCacheBehavior")]
    behaviors = tuple(_behavior(written, header_policies, with_viewer_host) for written in listed)
    for behavior in behaviors:
        if behavior.origin_id not in origin_ids:
            raise TemplateError(
                f"{config.path}: the behavior for {behavior.path_pattern} has TargetOriginId "
                f"{behavior.origin_id!r}, which is not the Id of an origin"
            )
    return tuple(replace(behavior, origin_id=origin_ids[behavior.origin_id]) for behavior in behaviors)


def _behavior(
    written: Properties, header_policies: Mapping[str, tuple[Header, ...]], with_viewer_host: Collection[str]
) -> Behavior:
    if written.text("CachePolicyId") not in (None, CACHING_DISABLED):
        written.refuse("CachePolicyId")
    headers_policy = written.text("ResponseHeadersPolicyId")
    if headers_policy is not None and headers_policy not in header_policies:
        written.refuse("ResponseHeadersPolicyId")
    return Behavior(
        path_pattern=written.text("PathPattern") or "*",
        origin_id=written.text("TargetOriginId") or "",
        allowed_methods=written.texts("AllowedMethods") or ("GET", "HEAD"),
        forwards_viewer_host=written.text("OriginRequestPolicyId") in with_viewer_host,
        response_headers=header_policies.get(headers_policy or "", ()),
    )


def _without_port(domain: str) -> str:
    return domain.partition(":")[0]
