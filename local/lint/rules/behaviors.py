"""S5: CloudFront's behaviors that lead to function URLs."""

from __future__ import annotations

from collections.abc import Iterator

from local.lint import links
from local.lint.edge import ALL_BUT_HOST, Behavior, caches, viewer_host_policy
from local.lint.finding import Fault, Rule, Severity, rule
from local.lint.template import Template
from local.template.cloudfront_policies import CACHING_DISABLED


@rule("S501", Severity.ERROR, "Behavior that leads nowhere", link=links.BEHAVIORS)
def no_such_origin(template: Template) -> Iterator[Fault]:
    """TargetOriginId is the Id of an origin or origin group of the same distribution; no other linter looks."""
    for behavior in template.behaviors:
        target = behavior.value.get("TargetOriginId")
        if behavior.origin_ids and target.text is not None and target.text not in behavior.origin_ids:
            yield Fault(
                target,
                f"TargetOriginId of the {behavior.name} is {target.text}, which is not the Id of an origin; "
                f"write one of {', '.join(behavior.origin_ids)}.",
            )


@rule("S502", Severity.ERROR, "Viewer's Host sent to a function URL", link=links.ORIGIN_REQUESTS)
def viewer_host(template: Template) -> Iterator[Fault]:
    """A function URL expects its own domain in the Host header and refuses the distribution's."""
    for behavior in template.behaviors:
        policy = viewer_host_policy(behavior, template.document)
        if policy is not None and behavior.origin is not None and behavior.origin.is_function_url:
            yield Fault(
                policy,
                f"The {behavior.name} sends the viewer's Host to a function URL, which refuses it; "
                f"use the policy {ALL_BUT_HOST}.",
            )


@rule("S503", Severity.WARNING, "Stream that is cached", link=links.CACHE_POLICIES)
def cached(template: Template) -> Iterator[Fault]:
    """A cache keeps a stream that is meant for one viewer, and makes others wait for the one that is running. Where
    the same stream is meant for all of them, that may be wanted."""
    for behavior in _streaming(template):
        if caches(behavior, template.document):
            yield Fault(
                behavior.value.get("CachePolicyId"),
                f"The {behavior.name} caches a stream; "
                f"set CachePolicyId to the policy CachingDisabled ({CACHING_DISABLED}).",
            )


@rule("S504", Severity.WARNING, "Stream that cannot be resumed", link=links.ORIGIN_REQUEST_CONTENT)
def nothing_passed_on(template: Template) -> Iterator[Fault]:
    """CloudFront passes on the headers and query strings that a policy names; without one the function sees neither
    Last-Event-ID, which a browser sends when it reconnects, nor any parameter."""
    for behavior in _streaming(template):
        policy = behavior.value.get("OriginRequestPolicyId")
        if policy.absent and behavior.value.get("CachePolicyId").text == CACHING_DISABLED:
            yield Fault(
                policy,
                f"The {behavior.name} has no OriginRequestPolicyId, so neither Last-Event-ID nor the query string "
                f"reaches the function; use the policy {ALL_BUT_HOST}.",
            )


@rule("S505", Severity.WARNING, "Compression on a stream", link=links.COMPRESSION)
def compressed(template: Template) -> Iterator[Fault]:
    """A compressor holds bytes back until its block is full. CloudFront compresses listed content types only, and
    text/event-stream is not one of them, so today this does nothing for server-sent events."""
    for behavior in _streaming(template):
        compress = behavior.value.get("Compress")
        if compress.flag:
            yield Fault(
                compress,
                f"The {behavior.name} asks for compression of a stream, which does nothing for server-sent events "
                "and would hold back anything else; set Compress to false.",
            )


@rule("S506", Severity.WARNING, "Uploads through an origin access control", link=links.ORIGIN_ACCESS)
def unsigned_bodies(template: Template) -> Iterator[Fault]:
    """Lambda takes no unsigned payload, and CloudFront does not hash bodies: the viewer has to send the SHA-256 of
    its body in x-amz-content-sha256, which no browser does by itself."""
    for behavior in template.behaviors:
        methods = behavior.value.get("AllowedMethods")
        signed = behavior.origin is not None and behavior.origin.is_function_url and behavior.origin.signs
        if signed and {"POST", "PUT"} & set(methods.texts()):
            yield Fault(
                methods,
                f"The {behavior.name} allows POST and PUT through an origin access control, which need the header "
                "x-amz-content-sha256 from the viewer; allow [GET, HEAD, OPTIONS] alone, or have the page send it.",
            )


RULES: tuple[Rule, ...] = (
    no_such_origin,
    viewer_host,
    cached,
    nothing_passed_on,
    compressed,
    unsigned_bodies,
)


def _streaming(template: Template) -> Iterator[Behavior]:
    return (behavior for behavior in template.behaviors if behavior.streams)
