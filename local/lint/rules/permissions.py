"""S1: who may call a function URL."""

from __future__ import annotations

from collections.abc import Iterator

from local.lint import links
from local.lint.calls import CALL_URL, CLOUDFRONT, INVOKE, Misfit, refused_edge_calls, refused_public_actions
from local.lint.finding import Fault, Rule, Severity, rule
from local.lint.functions import Permission
from local.lint.template import Template


@rule("S101", Severity.ERROR, "CloudFront may not call the function URL", link=links.ORIGIN_ACCESS)
def edge_may_not_call(template: Template) -> Iterator[Fault]:
    """A URL with AuthType AWS_IAM answers 403 to a distribution without a permission for lambda:InvokeFunctionUrl,
    and SAM writes none for AWS_IAM."""
    yield from _missing(template, CALL_URL, "FunctionUrlAuthType: AWS_IAM")


@rule("S102", Severity.ERROR, "CloudFront may not invoke the function behind the URL", link=links.URL_AUTH)
def edge_may_not_invoke(template: Template) -> Iterator[Fault]:
    """Since October 2025 lambda:InvokeFunctionUrl is half of it: a URL also needs a permission for
    lambda:InvokeFunction, or it answers 403 and logs nothing."""
    yield from _missing(template, INVOKE, "InvokedViaFunctionUrl: true")


@rule("S103", Severity.ERROR, "Permission for another principal than CloudFront", link=links.ORIGIN_ACCESS)
def wrong_principal(template: Template) -> Iterator[Fault]:
    """A request signed by an origin access control comes from the service principal cloudfront.amazonaws.com."""
    for permission in _misfits(template, Misfit.PRINCIPAL):
        principal = permission.value.get("Principal")
        yield Fault(principal, f"Principal is {principal.text}, but CloudFront calls as {CLOUDFRONT}; write that.")


@rule("S104", Severity.ERROR, "Permission for another source than the distribution", link=links.ORIGIN_ACCESS)
def wrong_source(template: Template) -> Iterator[Fault]:
    """The source of the call is the distribution, by its ARN, which has no region in it."""
    for permission in _misfits(template, Misfit.SOURCE):
        yield Fault(
            permission.value.get("SourceArn"),
            "SourceArn is not the distribution that calls; write "
            '!Sub "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${<distribution>}".',
        )


@rule("S105", Severity.ERROR, "Permission for another auth type than the URL's", link=links.PERMISSION_TYPE)
def wrong_auth_type(template: Template) -> Iterator[Fault]:
    """FunctionUrlAuthType makes a permission hold only while the URL's AuthType is the same."""
    for permission in _misfits(template, Misfit.AUTH_TYPE):
        written = permission.value.get("FunctionUrlAuthType")
        yield Fault(
            written, f"FunctionUrlAuthType is {written.text}, but the URL's AuthType is AWS_IAM; write AWS_IAM."
        )


@rule("S106", Severity.WARNING, "Permission to call the URL whatever its auth type", link=links.PERMISSION_TYPE)
def any_auth_type(template: Template) -> Iterator[Fault]:
    """Without FunctionUrlAuthType the permission goes on to hold when somebody changes the URL's AuthType.
    AWS does not require the condition, so this may be meant."""
    for permission in template.permissions:
        written = permission.value.get("FunctionUrlAuthType")
        if permission.value.get("Action").text == CALL_URL and written.absent:
            yield Fault(
                written,
                "The permission has no FunctionUrlAuthType, so it outlives a change of the URL's AuthType; "
                "set it to the AuthType of the URL.",
            )


@rule("S107", Severity.ERROR, "Function open to everybody, not only through its URL", link=links.URL_AUTH)
def open_beyond_the_url(template: Template) -> Iterator[Fault]:
    """lambda:InvokeFunction for everybody lets any AWS account invoke the function with events of its own making;
    InvokedViaFunctionUrl limits that to requests through the URL."""
    for permission in template.permissions:
        written = permission.value
        limits = [written.get(name) for name in ("SourceArn", "SourceAccount", "PrincipalOrgID")]
        everybody = written.get("Principal").text == "*" and all(limit.absent for limit in limits)
        via_url = written.get("InvokedViaFunctionUrl")
        if everybody and written.get("Action").text == INVOKE and (via_url.absent or via_url.flag is False):
            yield Fault(
                written,
                "Everybody may invoke the function, and not only through its URL; add InvokedViaFunctionUrl: true.",
            )


@rule("S108", Severity.ERROR, "Permission for the function, URL for its alias", link=links.FUNCTION_POLICIES)
def other_qualifier(template: Template) -> Iterator[Fault]:
    """Each alias has a policy of its own: a permission on the function as such does not hold for a URL that leads to
    an alias (as SAM's do with AutoPublishAlias), nor the other way round."""
    for call in refused_edge_calls(template):
        for permission, misfit in call.misfits:
            if misfit is Misfit.QUALIFIER:
                target = f"alias {call.url.qualifier}" if call.url.qualifier else "function without an alias"
                yield Fault(
                    permission.value.get("FunctionName"),
                    f"The URL leads to the {target}, and the permission is for another one; "
                    "set FunctionName to what the URL targets (with AutoPublishAlias: !Ref <function>.Alias).",
                )


@rule("S109", Severity.ERROR, "Public URL that the public may not call", link=links.URL_AUTH)
def public_without_leave(template: Template) -> Iterator[Fault]:
    """AuthType NONE alone lets nobody in: the function's policy has to allow everybody both actions. The console and
    SAM write those permissions; CloudFormation does not, nor SAM for an AuthType that is not the plain word NONE."""
    for url in template.urls:
        missing = refused_public_actions(url, template) if url.auth_type == "NONE" else []
        if missing:
            yield Fault(
                url.value.get("AuthType"),
                f"AuthType is NONE, but no permission allows everybody {' and '.join(missing)}; add an "
                'AWS::Lambda::Permission for each, with Principal "*", and FunctionUrlAuthType: NONE for the first, '
                "InvokedViaFunctionUrl: true for the second.",
            )


@rule("S110", Severity.WARNING, "AuthType that SAM cannot read", link=links.FUNCTION_URL_PROPERTY)
def computed_auth_type(template: Template) -> Iterator[Fault]:
    """SAM writes the public permissions for the plain word NONE only. AWS's documentation does not say so; it is how
    the transform behaves."""
    for url in template.urls:
        auth_type = url.value.get("AuthType")
        made_by_sam = not template.document.source.written(url.value.place.logical_id)
        unknown = auth_type.computed and auth_type.text is None
        if made_by_sam and unknown and refused_public_actions(url, template):
            yield Fault(
                auth_type,
                "AuthType is computed, so SAM writes no permission even where it turns out to be NONE; "
                "write the word, or both public permissions by hand under a condition.",
            )


@rule("S111", Severity.WARNING, "Streaming URL open to the public behind CloudFront", link=links.ORIGIN_ACCESS)
def bypass(template: Template) -> Iterator[Fault]:
    """Whoever learns the URL goes round the distribution, its firewall and its limits, and every stream is billed."""
    for origin in template.origins:
        if origin.url is not None and origin.url.auth_type == "NONE" and origin.url.streams:
            yield Fault(
                origin.url.value.get("AuthType"),
                "The URL is public, so viewers can go round CloudFront; set AuthType to AWS_IAM, "
                "and add an origin access control with both permissions.",
            )


@rule("S112", Severity.WARNING, "Permission for every distribution there is", link=links.PERMISSION_TYPE)
def any_source(template: Template) -> Iterator[Fault]:
    """A service principal without a source stands for that service in every account: anybody's distribution could
    call the function."""
    for permission in template.permissions:
        sources = [permission.value.get(name) for name in ("SourceArn", "SourceAccount")]
        if permission.value.get("Principal").text == CLOUDFRONT and all(source.absent for source in sources):
            yield Fault(
                permission.value,
                "The permission is for every distribution in every account; "
                "add the ARN of the one distribution as SourceArn.",
            )


RULES: tuple[Rule, ...] = (
    edge_may_not_call,
    edge_may_not_invoke,
    wrong_principal,
    wrong_source,
    wrong_auth_type,
    any_auth_type,
    open_beyond_the_url,
    other_qualifier,
    public_without_leave,
    computed_auth_type,
    bypass,
    any_source,
)


def _missing(template: Template, action: str, condition: str) -> Iterator[Fault]:
    for call in refused_edge_calls(template):
        if call.action == action and not call.misfits:
            yield Fault(
                call.url.value.get("AuthType"),
                f"{call.origin.distribution} signs its requests to this URL, but no permission allows it {action}; "
                f"add an AWS::Lambda::Permission with that Action, Principal {CLOUDFRONT}, {condition}, "
                "and the distribution's ARN as SourceArn.",
            )


def _misfits(template: Template, wanted: Misfit) -> Iterator[Permission]:
    """The permissions that were meant for CloudFront and do not fit in that way, each once."""
    seen = set()
    for call in refused_edge_calls(template):
        for permission, misfit in call.misfits:
            if misfit is wanted and permission.value.place not in seen:
                seen.add(permission.value.place)
                yield permission
