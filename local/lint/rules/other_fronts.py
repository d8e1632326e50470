"""S6: what else stands in front of a streaming function, and buffers."""

from __future__ import annotations

from collections.abc import Iterator

from local.lint import links
from local.lint.finding import Fault, Rule, Severity, rule
from local.lint.functions import ADAPTER_MODE, Function
from local.lint.template import Template
from local.lint.value import Value
from local.template.attributes import function_name

_STREAMING_PATH = "/response-streaming-invocations"
_BUFFERED_PATH = "/invocations"


@rule("S601", Severity.WARNING, "HTTP API before a streaming function", link=links.API_STREAMING)
def http_api(template: Template) -> Iterator[Fault]:
    """Of API Gateway's APIs only REST APIs stream; an HTTP API waits for the whole reply."""
    apis = (api.get("Body") for api in template.document.of_type("AWS::ApiGatewayV2::Api"))
    for function in _called_by(template, [*apis, *template.document.of_type("AWS::ApiGatewayV2::Integration")]):
        yield Fault(
            function.value,
            "An HTTP API or WebSocket API calls this streaming function and buffers its reply; use its function URL, "
            "or a REST API with response streaming.",
        )


@rule("S602", Severity.WARNING, "REST API that buffers a streaming function", link=links.API_STREAMING_FROM_LAMBDA)
def rest_api(template: Template) -> Iterator[Fault]:
    """A REST API streams only an integration that asks for it; the default is to wait for the whole reply."""
    apis = (api.get("Body") for api in template.document.of_type("AWS::ApiGateway::RestApi"))
    for function in _called_by(template, [*apis, *template.document.of_type("AWS::ApiGateway::Method")]):
        yield Fault(
            function.value,
            "A REST API calls this streaming function and buffers its reply; set ResponseTransferMode "
            "(SAM: RESPONSE_STREAM on the event; CloudFormation: STREAM and the response-streaming-invocations URI).",
        )


@rule("S603", Severity.WARNING, "Load balancer before a streaming function", link=links.ADAPTER)
def load_balancer(template: Template) -> Iterator[Fault]:
    """An Application Load Balancer waits for the whole reply and takes 1 MB of it. The guide of AWS's web adapter says
    so; the load balancer's own documentation gives the size only."""
    groups = template.document.of_type("AWS::ElasticLoadBalancingV2::TargetGroup")
    for function in _called_by(template, [group.get("Targets") for group in groups]):
        yield Fault(
            function.value,
            "A load balancer has this streaming function as a target and buffers its reply; use its function URL.",
        )


RULES: tuple[Rule, ...] = (http_api, rest_api, load_balancer)


def _called_by(template: Template, callers: list[Value]) -> Iterator[Function]:
    """The streaming functions that are invoked, buffered, by an ARN somewhere in *callers*."""
    targets = {
        function_name(value.reference.removesuffix(_BUFFERED_PATH))
        for caller in callers
        for value in caller.everything()
        if value.reference and ":function:" in value.reference and not value.reference.endswith(_STREAMING_PATH)
    }
    return (function for function in template.functions if function.name in targets and _streams(function, template))


def _streams(function: Function, template: Template) -> bool:
    by_url = any(url.streams and url.function_name == function.name for url in template.urls)
    return by_url or (function.variable(ADAPTER_MODE).text or "").lower() == "response_stream"
