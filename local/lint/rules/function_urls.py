"""S2: how a function URL is set up, and what it says to browsers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from local.lint import links
from local.lint.finding import Fault, Rule, Severity, rule
from local.lint.functions import ADAPTER_MODE
from local.lint.template import Template

_SAM_PROPERTIES = ("AuthType", "Cors", "InvokeMode")
_PLAIN_PROPERTIES = (*_SAM_PROPERTIES, "Qualifier", "TargetFunctionArn")
_MERGED = "<<"  # YAML's own name for what an anchor brings in
_LONGEST_METHOD = 6
_WEB_ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*://[^/\s]+", re.IGNORECASE)


@rule("S201", Severity.ERROR, "InvokeMode that does not exist", link=links.URL_TYPE)
def unknown_mode(template: Template) -> Iterator[Fault]:
    """The two modes are BUFFERED and RESPONSE_STREAM; SAM passes anything on, and the deployment fails."""
    for url in template.urls:
        if url.invoke_mode not in ("BUFFERED", "RESPONSE_STREAM", None):
            yield Fault(
                url.value.get("InvokeMode"),
                f"InvokeMode is {url.invoke_mode}, which does not exist; write RESPONSE_STREAM, or BUFFERED.",
            )


@rule("S202", Severity.ERROR, "Property that a function URL does not have", link=links.FUNCTION_URL_PROPERTY)
def unknown_property(template: Template) -> Iterator[Fault]:
    """SAM drops a property it does not know without a word, so a misspelled InvokeMode is a URL that buffers."""
    source = template.document.source
    for url in template.urls:
        by_hand = source.written(url.value.place.logical_id)
        properties = _PLAIN_PROPERTIES if by_hand else _SAM_PROPERTIES
        for name in source.names(url.value.place):
            if name not in properties and name != _MERGED:
                folded = {_folded(known): known for known in properties}
                close = get_close_matches(_folded(name), [*folded, "mode"], n=1)
                meant = {**folded, "mode": "InvokeMode"}[close[0]] if close else ", ".join(properties)
                yield Fault(url.value.get(name), f"A function URL has no property {name}; write {meant}, or remove it.")


@rule("S203", Severity.ERROR, "Adapter and URL of different minds", link=links.ADAPTER)
def adapter_mode(template: Template) -> Iterator[Fault]:
    """The Lambda Web Adapter streams only when told to, and its setting has to match the URL's InvokeMode: else the
    reply is buffered, or sent in a form that a buffering URL does not understand."""
    for url in template.urls:
        function = url.function
        adapted = function is not None and (
            any(name.startswith("AWS_LWA_") for name in function.variables())
            or any("LambdaAdapterLayer" in layer for layer in function.foreign_layers)
        )
        if function is None or not adapted:
            continue
        mode = function.variable(ADAPTER_MODE)
        setting = "buffered" if mode.absent else (mode.text or "").lower()
        if url.streams and setting == "buffered":
            yield Fault(
                mode,
                f"The URL streams and the Lambda Web Adapter buffers; set {ADAPTER_MODE} to response_stream.",
            )
        if url.invoke_mode == "BUFFERED" and setting == "response_stream":
            yield Fault(
                url.value.get("InvokeMode"),
                f"{ADAPTER_MODE} is response_stream and the URL buffers; set InvokeMode to RESPONSE_STREAM.",
            )


@rule("S204", Severity.WARNING, "Streaming runtime behind a buffering URL", link=links.INVOKE_MODES)
def unused_runtime(template: Template) -> Iterator[Fault]:
    """The URL waits for the whole reply and then refuses more than 6 MB of it."""
    for url in template.urls:
        if url.invoke_mode == "BUFFERED" and url.function is not None and url.function.has_streaming_layer:
            yield Fault(
                url.value.get("InvokeMode"),
                "The function has the streaming layer and its URL buffers; set InvokeMode to RESPONSE_STREAM, "
                "or remove the layer if it is not meant to stream.",
            )


@rule("S205", Severity.ERROR, "Streaming URL of a function in a VPC", link=links.STREAMING_IN_VPC)
def in_a_vpc(template: Template) -> Iterator[Fault]:
    """Function URLs do not support response streaming within a VPC; InvokeWithResponseStream does."""
    for url in template.urls:
        if url.streams and url.function is not None:
            network = url.function.value.get("VpcConfig")
            if network.get("SubnetIds").items():
                yield Fault(
                    network,
                    "Function URLs do not stream for a function in a VPC; remove VpcConfig, or have the function "
                    "invoked with InvokeWithResponseStream instead.",
                )


@rule("S206", Severity.ERROR, "URL of a function with tenants", link=links.TENANCY)
def with_tenants(template: Template) -> Iterator[Fault]:
    """A function in tenant isolation mode can have no function URL: a request carries no tenant."""
    for url in template.urls:
        if url.function is not None and not (tenancy := url.function.value.get("TenancyConfig")).absent:
            yield Fault(tenancy, "A function with TenancyConfig can have no URL; remove one of the two.")


@rule("S207", Severity.ERROR, "CORS method that is too long", link=links.CORS)
def long_method(template: Template) -> Iterator[Fault]:
    """A method in AllowMethods has at most six letters, so OPTIONS is none; the URL answers preflights by itself."""
    for url in template.urls:
        for text, method in url.value.get("Cors", "AllowMethods").texts().items():
            if len(text) > _LONGEST_METHOD:
                yield Fault(
                    method,
                    f"AllowMethods takes at most {_LONGEST_METHOD} letters, which {text} has not; "
                    'remove it (preflights need no entry), or write "*".',
                )


@rule("S208", Severity.WARNING, "CORS origin that no browser sends", link=links.WEB_ORIGIN)
def impossible_origin(template: Template) -> Iterator[Fault]:
    """A browser's Origin header is scheme, host and port, without a path and without a slash at the end, and it is
    compared as text. That is the web's rule, not AWS's."""
    for url in template.urls:
        for text, origin in url.value.get("Cors", "AllowOrigins").texts().items():
            if text and not _WEB_ORIGIN.fullmatch(text):
                yield Fault(
                    origin,
                    f"No browser sends the origin {text}, so it never matches; "
                    "write scheme, host and port alone, as in https://www.example.com.",
                )


@rule("S209", Severity.WARNING, "CORS credentials for everybody", link=links.CREDENTIALS)
def credentials_for_all(template: Template) -> Iterator[Fault]:
    """Browsers refuse a reply with credentials whose allowed origin is "*". That is the web's rule, not AWS's."""
    for url in template.urls:
        cors = url.value.get("Cors")
        if cors.get("AllowCredentials").flag and "*" in cors.get("AllowOrigins").texts():
            yield Fault(
                cors.get("AllowCredentials"),
                'AllowCredentials with AllowOrigins "*" is refused by browsers; '
                "name the origins, or allow no credentials.",
            )


@rule("S210", Severity.ERROR, "CORS origin in a circle with the distribution", link=links.CIRCLES)
def circular_origin(template: Template) -> Iterator[Fault]:
    """The distribution needs the URL's domain and the URL's CORS needs the distribution's: CloudFormation can make
    neither first. A page served by that distribution needs no CORS at all."""
    for origin in template.origins:
        if origin.url is not None:
            cors = origin.url.value.get("Cors")
            if origin.distribution in cors.needs():
                yield Fault(
                    cors,
                    f"Cors refers to {origin.distribution}, whose origin is this URL, and neither can be made first; "
                    "remove it, as a page of the same distribution needs no CORS, or name the domain in a parameter.",
                )


RULES: tuple[Rule, ...] = (
    unknown_mode,
    unknown_property,
    adapter_mode,
    unused_runtime,
    in_a_vpc,
    with_tenants,
    long_method,
    impossible_origin,
    credentials_for_all,
    circular_origin,
)


def _folded(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())
