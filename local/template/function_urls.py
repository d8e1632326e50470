"""How a function is reached from outside: function URLs, permissions, aliases and versions, by the function's name.

What the real service does: https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html and .../urls-auth.html
What differs here, on purpose: 1. a URL or permission for an alias counts for the function, of which one version runs.
"""

from __future__ import annotations

from local.config import Cors, FunctionUrl, Permission
from local.template.attributes import function_name
from local.template.properties import Properties
from local.template.resources import Resources


def read_function_urls(resources: Resources) -> dict[str, FunctionUrl]:
    """The function URL of each function that has one: function name -> URL."""
    urls: dict[str, FunctionUrl] = {}
    for resource in resources.of_type("AWS::Lambda::Url"):
        name = function_name(resource.properties.text("TargetFunctionArn") or "")
        if name in urls:
            resource.properties.dismiss(f"a second URL for the function {name}")
            continue
        domain = resources.ref(resource, "FunctionUrl").split("/")[2].partition(":")[0]
        urls[name] = FunctionUrl(
            url_id=domain.partition(".")[0],
            domain=domain,
            auth_type=resource.properties.text("AuthType") or "NONE",
            invoke_mode=resource.properties.text("InvokeMode") or "BUFFERED",
            cors=_cors(resource.properties.section("Cors")),
        )
    return urls


def read_permissions(resources: Resources) -> dict[str, tuple[Permission, ...]]:
    """What each function's policy allows: function name -> permissions, in the template's order."""
    permissions: dict[str, tuple[Permission, ...]] = {}
    for resource in resources.of_type("AWS::Lambda::Permission"):
        name = function_name(resource.properties.text("FunctionName") or "")
        permissions[name] = (*permissions.get(name, ()), _permission(resource.properties))
    return permissions


def read_qualifiers(resources: Resources) -> dict[str, tuple[str, ...]]:
    """What may stand behind each function's name: function name -> its versions and aliases."""
    qualifiers: dict[str, tuple[str, ...]] = {}
    for resource in (*resources.of_type("AWS::Lambda::Version"), *resources.of_type("AWS::Lambda::Alias")):
        name = function_name(resource.properties.text("FunctionName") or "")
        qualifier = resource.properties.text("Name") or resources.ref(resource, "Version")
        qualifiers[name] = tuple(dict.fromkeys([*qualifiers.get(name, ()), qualifier]))
    return qualifiers


def _permission(written: Properties) -> Permission:
    return Permission(
        action=written.text("Action") or "",
        principal=written.text("Principal") or "",
        source_arn=written.text("SourceArn"),
        function_url_auth_type=written.text("FunctionUrlAuthType"),
        invoked_via_function_url=written.flag("InvokedViaFunctionUrl"),
    )


def _cors(written: Properties) -> Cors | None:
    if not written.names():
        return None
    return Cors(
        allow_origins=written.texts("AllowOrigins"),
        allow_methods=written.texts("AllowMethods"),
        allow_headers=written.texts("AllowHeaders"),
        expose_headers=written.texts("ExposeHeaders"),
        allow_credentials=written.flag("AllowCredentials") or False,
        max_age_seconds=written.whole("MaxAge"),
    )
