"""S4: CloudFront's origins that are function URLs."""

from __future__ import annotations

from collections.abc import Iterator

from local.lint import links
from local.lint.edge import DEFAULT_READ_TIMEOUT_SECONDS, Origin
from local.lint.finding import Fault, Rule, Severity, rule
from local.lint.template import Template

_HEARTBEAT_SECONDS = 15


@rule("S401", Severity.ERROR, "Unsigned requests to a URL that wants signatures", link=links.ORIGIN_ACCESS)
def unsigned(template: Template) -> Iterator[Fault]:
    """A URL with AuthType AWS_IAM answers 403 to a request that nobody signed."""
    signed_by_function = {
        behavior.origin.value.place
        for behavior in template.behaviors
        if behavior.origin is not None and behavior.value.get("LambdaFunctionAssociations").items()
    }
    for origin in template.origins:
        wants = origin.url is not None and origin.url.auth_type == "AWS_IAM"
        if wants and not origin.signs and origin.value.place not in signed_by_function:
            yield Fault(
                origin.value,
                f"The {_named(origin)} has no OriginAccessControlId, and its URL has AuthType AWS_IAM, so every "
                "request gets 403; add an AWS::CloudFront::OriginAccessControl of type lambda.",
            )


@rule("S402", Severity.ERROR, "Origin access control of another type", link=links.ORIGIN_ACCESS)
def other_type(template: Template) -> Iterator[Fault]:
    """CloudFront signs for the service that OriginAccessControlOriginType names: lambda for a function URL."""
    for origin in template.origins:
        kind = origin.access.get("OriginAccessControlOriginType") if origin.access is not None else None
        if kind is None or kind.text is None:
            continue
        if origin.is_function_url and kind.text != "lambda":
            yield Fault(
                kind,
                f"The {_named(origin)} is a function URL, and its access control is for {kind.text}; write lambda.",
            )
        if not origin.value.get("S3OriginConfig").absent and kind.text == "lambda":
            yield Fault(
                origin.value.get("OriginAccessControlId"),
                f"The {_named(origin)} is a bucket, and its access control is for lambda; attach one of type s3.",
            )


@rule("S403", Severity.ERROR, "Origin access control that never signs", link=links.ORIGIN_ACCESS)
def never_signs(template: Template) -> Iterator[Fault]:
    """SigningBehavior `never` turns the access control off, and the URL refuses unsigned requests."""
    for origin in template.origins:
        behavior = origin.access.get("SigningBehavior") if origin.access is not None else None
        wants = origin.url is not None and origin.url.auth_type == "AWS_IAM"
        if wants and behavior is not None and behavior.text == "never":
            yield Fault(behavior, f"The {_named(origin)} is never signed for, so its URL answers 403; write always.")


@rule("S404", Severity.ERROR, "Origin that is a URL, not a domain", link=links.ORIGINS)
def url_for_domain(template: Template) -> Iterator[Fault]:
    """An origin is named by its domain; the FunctionUrl attribute is https://<domain>/."""
    for origin in template.origins:
        domain = origin.value.get("DomainName")
        if "/" in (domain.reference or "") and origin.is_function_url:
            yield Fault(
                domain,
                f"DomainName of the {_named(origin)} is a whole URL; take the domain out of it: "
                '!Select [2, !Split ["/", !GetAtt <url>.FunctionUrl]].',
            )


@rule("S405", Severity.ERROR, "Function URL asked without TLS", link=links.URL_CONFIGURATION)
def without_tls(template: Template) -> Iterator[Fault]:
    """Function URLs are HTTPS endpoints and nothing else."""
    for origin in template.origins:
        protocol = origin.value.get("CustomOriginConfig", "OriginProtocolPolicy")
        if origin.is_function_url and protocol.text == "http-only":
            yield Fault(protocol, f"The {_named(origin)} is a function URL and speaks HTTPS only; write https-only.")


@rule("S406", Severity.WARNING, "Stream given up while it is silent", link=links.ORIGINS)
def short_read_timeout(template: Template) -> Iterator[Fault]:
    """The response timeout runs between two packets, too: a stream that is silent for longer is cut off, and asked
    for again where the request is a GET. How often a stream shows life is its own affair; 15 seconds is usual."""
    for origin in _streaming(template):
        timeout = origin.value.get("CustomOriginConfig", "OriginReadTimeout")
        if timeout.absent:
            yield Fault(
                timeout,
                f"The {_named(origin)} streams and has no OriginReadTimeout, so CloudFront gives up after "
                f"{DEFAULT_READ_TIMEOUT_SECONDS} s of silence; set it, to 60 for example, and send a comment line "
                f"at least every {_HEARTBEAT_SECONDS} s.",
            )
        elif timeout.whole is not None and timeout.whole <= _HEARTBEAT_SECONDS:
            yield Fault(
                timeout,
                f"CloudFront gives up on the {_named(origin)} after {timeout.whole} s of silence, no longer than "
                f"the usual heartbeat of {_HEARTBEAT_SECONDS} s; set OriginReadTimeout well above it.",
            )


@rule("S407", Severity.WARNING, "Stream that may not last as long as its function", link=links.ORIGINS)
def short_completion_timeout(template: Template) -> Iterator[Fault]:
    """The response completion timeout bounds the whole reply, while the function runs on and is billed."""
    for origin in _streaming(template):
        limit = origin.value.get("ResponseCompletionTimeout")
        function = origin.url.function if origin.url is not None else None
        seconds = function.timeout_seconds if function is not None else None
        if limit.whole is not None and seconds is not None and limit.whole < seconds:
            yield Fault(
                limit,
                f"CloudFront ends every reply of the {_named(origin)} after {limit.whole} s, and the function may run "
                f"for {seconds} s; remove ResponseCompletionTimeout, or shorten the function's Timeout.",
            )


RULES: tuple[Rule, ...] = (
    unsigned,
    other_type,
    never_signs,
    url_for_domain,
    without_tls,
    short_read_timeout,
    short_completion_timeout,
)


def _streaming(template: Template) -> Iterator[Origin]:
    return (origin for origin in template.origins if origin.url is not None and origin.url.streams)


def _named(origin: Origin) -> str:
    origin_id = origin.value.get("Id").text
    return f"origin {origin_id}" if origin_id else "origin"
