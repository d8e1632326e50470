"""A distribution's origins, behaviors and response headers are read as CloudFront would act on them."""

from __future__ import annotations

import pytest

from local.config import Behavior, Origin
from local.errors import TemplateError
from local.template.addresses import Addresses
from local.template.distribution import read_distribution
from local.template.parameters import pseudo_parameters
from local.template.resources import Resources
from local.template.unhonoured import unhonoured

PAGES = {"Id": "pages", "DomainName": {"Fn::GetAtt": ["Pages", "RegionalDomainName"]}}
TELLER = {
    "Id": "teller",
    "DomainName": {"Fn::Select": [2, {"Fn::Split": ["/", {"Fn::GetAtt": ["Url", "FunctionUrl"]}]}]},
}
TO_PAGES = {"TargetOriginId": "pages"}


def resource(type_name: str, **properties: object) -> dict[str, object]:
    return {"Type": type_name, "Properties": properties}


def resources(config: dict[str, object], **more: object) -> Resources:
    written = {
        "Pages": resource("AWS::S3::Bucket"),
        "Url": resource("AWS::Lambda::Url", TargetFunctionArn="f"),
        "Site": resource("AWS::CloudFront::Distribution", DistributionConfig=config),
        **more,
    }
    addresses = Addresses(edge_port=8123)
    return Resources({"Resources": written}, parameters=pseudo_parameters(addresses), addresses=addresses)


def behavior(written: dict[str, object], **more: object) -> Behavior:
    """The default behavior, read from *written*."""
    config = {"Origins": [PAGES], "DefaultCacheBehavior": {**TO_PAGES, **written}}
    distribution = read_distribution(resources(config, **more))
    assert distribution is not None
    return distribution.behaviors[-1]


def test_no_distribution() -> None:
    """A template without a distribution has none."""
    addresses = Addresses()
    without = Resources({"Resources": {}}, parameters=pseudo_parameters(addresses), addresses=addresses)

    assert read_distribution(without) is None


def test_origins() -> None:
    """An origin is known by its domain, without the port that a local function URL carries."""
    access = resource(
        "AWS::CloudFront::OriginAccessControl", OriginAccessControlConfig={"OriginAccessControlOriginType": "lambda"}
    )
    signed = {
        **TELLER,
        "OriginAccessControlId": {"Ref": "Access"},
        "OriginPath": "/v1",
        "CustomOriginConfig": {"OriginReadTimeout": 60},
        "OriginCustomHeaders": [
            {"HeaderName": "X-Region", "HeaderValue": {"Ref": "AWS::Region"}},
            {"HeaderName": "X-Secret", "HeaderValue": "{{resolve:ssm:secret}}"},
        ],
    }
    found = resources({"Origins": [PAGES, signed], "DefaultCacheBehavior": TO_PAGES}, Access=access)
    distribution = read_distribution(found)

    assert distribution is not None
    assert distribution.domain == "localhost"
    assert distribution.arn == found.resolver.resolve(
        {"Fn::Sub": "arn:aws:cloudfront::${AWS::AccountId}:distribution/${Site}"}
    )
    assert distribution.origins == (
        Origin("pages", "local-pages-123456789012.s3.us-east-1.amazonaws.com"),
        Origin(
            "teller",
            "cv6otc42g4g4oeskzgri43nu4ud562he.lambda-url.us-east-1.localhost",
            origin_access_control="lambda",
            path="/v1",
            response_timeout_seconds=60,
            attempts=3,
            headers=(("X-Region", "us-east-1"), ("X-Secret", "{{resolve:ssm:secret}}")),
        ),
    )
    [sentence] = unhonoured(found)
    assert sentence == "Site: not emulated: OriginCustomHeaders.HeaderValue of X-Secret (a dynamic reference)"


@pytest.mark.parametrize(
    ("written", "attempts"),
    [
        ({**TELLER, "CustomOriginConfig": {}}, 3),
        ({**TELLER, "CustomOriginConfig": {}, "ConnectionAttempts": 1}, 1),
        ({**PAGES, "ConnectionAttempts": 3}, 1),
    ],
)
def test_how_often_a_silent_origin_is_asked(written: dict[str, object], attempts: int) -> None:
    """A bucket is no custom origin: its connection attempts are about connecting alone."""
    distribution = read_distribution(
        resources({"Origins": [written], "DefaultCacheBehavior": {**TO_PAGES, "TargetOriginId": written["Id"]}})
    )

    assert distribution is not None
    assert [origin.attempts for origin in distribution.origins] == [attempts]


def test_behaviors_keep_their_order() -> None:
    """Behaviors are tried in the order they are listed in, the default one last."""
    config = {
        "DefaultCacheBehavior": TO_PAGES,
        "CacheBehaviors": [{"PathPattern": "/b*", **TO_PAGES}, {"PathPattern": "/a", **TO_PAGES}],
        "Origins": [PAGES],
    }
    distribution = read_distribution(resources(config))

    assert distribution is not None
    assert [behavior.path_pattern for behavior in distribution.behaviors] == ["/b*", "/a", "*"]


def test_behavior_defaults() -> None:
    """A behavior that says no more than it must answers GET and HEAD and keeps the viewer's Host to itself."""
    assert behavior({}) == Behavior("*", "pages", ("GET", "HEAD"), forwards_viewer_host=False)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("216adef6-5c7f-47e4-b989-5492eafa07d3", True),
        ("33f36d7e-f396-46d9-90e0-52428a34d9dc", True),
        ("bf0718e1-ba1e-49d1-88b1-f726733018ba", True),
        ("b689b0a8-53d0-40ab-baf2-68738e2966ac", False),
        ("88a5eaf4-2fd4-4709-b370-b4c650ea3fcf", False),
    ],
)
def test_managed_origin_request_policy(policy: str, expected: bool) -> None:
    """AllViewer, AllViewerAndCloudFrontHeaders and HostHeaderOnly let the Host through; the others do not."""
    assert behavior({"OriginRequestPolicyId": policy}).forwards_viewer_host is expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"HeaderBehavior": "none"}, False),
        ({"HeaderBehavior": "allViewer"}, True),
        ({"HeaderBehavior": "allViewerAndWhitelistCloudFront", "Headers": ["CloudFront-Viewer-City"]}, True),
        ({"HeaderBehavior": "whitelist", "Headers": ["Accept", "Host"]}, True),
        ({"HeaderBehavior": "whitelist", "Headers": ["Accept"]}, False),
        ({"HeaderBehavior": "allExcept", "Headers": ["host"]}, False),
        ({"HeaderBehavior": "allExcept", "Headers": ["Accept"]}, True),
    ],
)
def test_own_origin_request_policy(headers: dict[str, object], expected: bool) -> None:
    """A policy of the template itself says by its headers whether the Host goes through."""
    policy = resource("AWS::CloudFront::OriginRequestPolicy", OriginRequestPolicyConfig={"HeadersConfig": headers})

    assert behavior({"OriginRequestPolicyId": {"Ref": "Policy"}}, Policy=policy).forwards_viewer_host is expected


def test_response_headers() -> None:
    """Each part of a response headers policy is one header with CloudFront's spelling of the value."""
    policy = resource(
        "AWS::CloudFront::ResponseHeadersPolicy",
        ResponseHeadersPolicyConfig={
            "Name": "n",
            "SecurityHeadersConfig": {
                "StrictTransportSecurity": {
                    "AccessControlMaxAgeSec": 60,
                    "IncludeSubdomains": True,
                    "Preload": True,
                    "Override": True,
                },
                "ContentTypeOptions": {"Override": True},
                "FrameOptions": {"FrameOption": "DENY", "Override": False},
                "ReferrerPolicy": {"ReferrerPolicy": "no-referrer", "Override": True},
                "XSSProtection": {"Protection": True, "ModeBlock": True, "Override": False},
                "ContentSecurityPolicy": {"ContentSecurityPolicy": "default-src 'self'", "Override": True},
            },
            "CustomHeadersConfig": {"Items": [{"Header": "X-Told-By", "Value": "us", "Override": "false"}]},
        },
    )
    read = behavior({"ResponseHeadersPolicyId": {"Fn::GetAtt": ["Policy", "Id"]}}, Policy=policy)

    assert read.response_headers == (
        ("content-security-policy", "default-src 'self'", True),
        ("x-content-type-options", "nosniff", True),
        ("x-frame-options", "DENY", False),
        ("referrer-policy", "no-referrer", True),
        ("strict-transport-security", "max-age=60; includeSubDomains; preload", True),
        ("x-xss-protection", "1; mode=block", False),
        ("x-told-by", "us", False),
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"Protection": False}, "0"),
        ({"Protection": True}, "1"),
        ({"Protection": True, "ReportUri": "https://r.example"}, "1; report=https://r.example"),
    ],
)
def test_xss_protection(written: dict[str, object], expected: str) -> None:
    """The four forms of X-XSS-Protection."""
    config = {"SecurityHeadersConfig": {"XSSProtection": {**written, "Override": True}}}
    policy = resource("AWS::CloudFront::ResponseHeadersPolicy", ResponseHeadersPolicyConfig=config)
    read = behavior({"ResponseHeadersPolicyId": {"Ref": "Policy"}}, Policy=policy)

    assert read.response_headers == (("x-xss-protection", expected, True),)


@pytest.mark.parametrize(
    ("value", "reason"),
    [("one\ntwo", "has a control character"), ("\ud800", "has half a surrogate pair")],
)
def test_what_can_be_no_header_is_refused(value: str, reason: str) -> None:
    """A value over several lines, for example, as YAML makes them; each answer would have been a 500."""
    items = [{"Header": "X-Y", "Value": value, "Override": True}]
    policy = resource(
        "AWS::CloudFront::ResponseHeadersPolicy",
        ResponseHeadersPolicyConfig={"CustomHeadersConfig": {"Items": items}},
    )
    with pytest.raises(TemplateError, match=f"^Policy: the value of header x-y {reason}$"):
        behavior({"ResponseHeadersPolicyId": {"Ref": "Policy"}}, Policy=policy)

    signed = {**PAGES, "OriginCustomHeaders": [{"HeaderName": "X-Y", "HeaderValue": value}]}
    with pytest.raises(TemplateError, match=f"the value of header X-Y {reason}$"):
        read_distribution(resources({"Origins": [signed], "DefaultCacheBehavior": TO_PAGES}))


def test_target_that_is_a_group_of_origins() -> None:
    """Leads to the first of its members; that the others are never asked is told."""
    config = {
        "Origins": [PAGES, {**PAGES, "Id": "spare"}],
        "OriginGroups": {
            "Quantity": 1,
            "Items": [
                {
                    "Id": "either",
                    "FailoverCriteria": {"StatusCodes": {"Quantity": 1, "Items": [500]}},
                    "Members": {"Quantity": 2, "Items": [{"OriginId": "spare"}, {"OriginId": "pages"}]},
                }
            ],
        },
        "DefaultCacheBehavior": {"TargetOriginId": "either"},
    }
    found = resources(config)
    distribution = read_distribution(found)

    assert distribution is not None
    assert [behavior.origin_id for behavior in distribution.behaviors] == ["spare"]
    assert unhonoured(found) == ["Site: not emulated: the failover of the origin group either"]


def test_target_that_is_no_origin() -> None:
    """A behavior that leads nowhere is refused; linters let it pass."""
    config = {"Origins": [PAGES], "DefaultCacheBehavior": {"TargetOriginId": "page"}}

    with pytest.raises(TemplateError) as caught:
        read_distribution(resources(config))

    assert str(caught.value) == (
        "Site.DistributionConfig: the behavior for * has TargetOriginId 'page', which is not the Id of an origin"
    )


def test_warnings() -> None:
    """What CloudFront would do and the edge does not is named with the part it stands in, once."""
    plain_cached = {"TargetOriginId": "pages", "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6"}
    rewriting = {"EventType": "viewer-request", "FunctionARN": "arn"}
    config = {
        "Enabled": True,
        "HttpVersion": "http3",
        "PriceClass": "PriceClass_100",
        "WebACLId": "arn:waf",
        "Origins": [PAGES, {"Id": "far", "DomainName": "example.com", "CustomOriginConfig": {"HTTPPort": 80}}],
        "CacheBehaviors": [
            {"PathPattern": "/a", **plain_cached, "Compress": False, "FunctionAssociations": [rewriting]},
            {"PathPattern": "/b", **TO_PAGES, "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"},
        ],
        "DefaultCacheBehavior": {**plain_cached, "Compress": True, "ResponseHeadersPolicyId": "managed"},
        "CustomErrorResponses": [
            {"ErrorCode": 502, "ErrorCachingMinTTL": 0},
            {"ErrorCode": 404, "ResponsePagePath": "/404.html", "ResponseCode": 200},
        ],
    }
    second = resource("AWS::CloudFront::Distribution", DistributionConfig={"WebACLId": "arn:waf"})
    found = resources(config, Second=second)
    read_distribution(found)

    assert unhonoured(found) == [
        "Site: not emulated: CacheBehaviors.CachePolicyId, CacheBehaviors.FunctionAssociations, "
        "DefaultCacheBehavior.CachePolicyId, DefaultCacheBehavior.Compress, "
        "DefaultCacheBehavior.ResponseHeadersPolicyId, DistributionConfig.WebACLId, "
        "origin far (neither a bucket nor a function URL of this template)",
        "Second: not emulated: a second distribution",
    ]
