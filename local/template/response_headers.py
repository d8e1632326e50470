"""A CloudFront response headers policy as the headers it adds.

What the real service does: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/
understanding-response-headers-policies.html#understanding-response-headers-policies-security
`Override: false` means that a header which the origin sent is left alone.

What differs here, on purpose:
1. only headers with one fixed value: those for CORS, for server timing and the ones to remove are left out, with a
   warning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from local.errors import TemplateError
from local.template.properties import Properties

Header = tuple[str, str, bool]  # name in lower case, value, override


def read_response_headers(policy: Properties) -> tuple[Header, ...]:
    """The headers of an `AWS::CloudFront::ResponseHeadersPolicy`, security headers first."""
    config = policy.section("ResponseHeadersPolicyConfig")
    security = config.section("SecurityHeadersConfig")
    headers: list[Header] = []
    for part, (name, value_of) in _SECURITY.items():
        if part in security.names():
            written = security.section(part)
            headers.append((name, value_of(written), written.flag("Override") or False))
    for item in config.section("CustomHeadersConfig").sections("Items"):
        name = _required(item, "Header").lower()
        headers.append((name, item.text("Value") or "", item.flag("Override") or False))
    for name, value, _ in headers:
        policy.check_header(name, value)
    return tuple(headers)


def _strict_transport_security(written: Properties) -> str:
    value = f"max-age={_required(written, 'AccessControlMaxAgeSec')}"
    if written.flag("IncludeSubdomains"):
        value += "; includeSubDomains"
    if written.flag("Preload"):
        value += "; preload"
    return value


def _xss_protection(written: Properties) -> str:
    if not written.flag("Protection"):
        return "0"
    report = written.text("ReportUri")
    if written.flag("ModeBlock"):
        return "1; mode=block"
    return f"1; report={report}" if report else "1"


def _required(written: Properties, name: str) -> str:
    value = written.text(name)
    if value is None:
        raise TemplateError(f"{written.path}.{name} is missing")
    return value


# Part of SecurityHeadersConfig -> header name and how its value is made.
_SECURITY: Mapping[str, tuple[str, Callable[[Properties], str]]] = {
    "ContentSecurityPolicy": (
        "content-security-policy",
        lambda written: _required(written, "ContentSecurityPolicy"),
    ),
    "ContentTypeOptions": ("x-content-type-options", lambda written: "nosniff"),
    "FrameOptions": ("x-frame-options", lambda written: _required(written, "FrameOption")),
    "ReferrerPolicy": ("referrer-policy", lambda written: _required(written, "ReferrerPolicy")),
    "StrictTransportSecurity": ("strict-transport-security", _strict_transport_security),
    "XSSProtection": ("x-xss-protection", _xss_protection),
}
