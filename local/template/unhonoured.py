"""What the template asks for and the emulator does not do, told in one sentence a resource.

A property that a reader asked for is honoured. One that no reader asked for is named, unless it changes nothing that
can be seen on one machine: those are listed here, by type. So are the types that the emulator knows at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from local.template.custom_resources import is_custom
from local.template.properties import Resource
from local.template.resources import Resources

_HARMLESS: Mapping[str, frozenset[str]] = {
    "AWS::CloudFront::Distribution": frozenset(
        {
            "Aliases",
            "CachedMethods",
            "Comment",
            "ConnectionTimeout",
            "Enabled",
            "FailoverCriteria",
            "ErrorCachingMinTTL",
            "ErrorCode",
            "HTTPPort",
            "HTTPSPort",
            "HttpVersion",
            "IPV6Enabled",
            "OriginKeepaliveTimeout",
            "OriginProtocolPolicy",
            "OriginSSLProtocols",
            "OriginId",
            "PriceClass",
            "Quantity",
            "S3OriginConfig",
            "Tags",
            "ViewerCertificate",
            "ViewerProtocolPolicy",
        }
    ),
    "AWS::CloudFront::OriginAccessControl": frozenset({"Description", "Name", "SigningBehavior", "SigningProtocol"}),
    # Which headers, cookies and query strings reach the origin: here all of them, whatever the policy says.
    "AWS::CloudFront::OriginRequestPolicy": frozenset({"Comment", "CookiesConfig", "Name", "QueryStringsConfig"}),
    "AWS::CloudFront::ResponseHeadersPolicy": frozenset({"Comment", "Name"}),
    "AWS::Lambda::Alias": frozenset({"Description", "FunctionName", "FunctionVersion", "Name"}),
    "AWS::Lambda::Function": frozenset(
        {"CodeSigningConfigArn", "Description", "KmsKeyArn", "PackageType", "RecursiveLoop", "Role", "Tags"}
    ),
    "AWS::Lambda::LayerVersion": frozenset(
        {"CompatibleArchitectures", "CompatibleRuntimes", "Description", "LayerName", "LicenseInfo"}
    ),
    "AWS::Lambda::Permission": frozenset(),
    "AWS::Lambda::Url": frozenset({"Qualifier"}),
    "AWS::Lambda::Version": frozenset({"CodeSha256", "Description", "FunctionName"}),
    "AWS::S3::Bucket": frozenset({"BucketEncryption", "OwnershipControls", "PublicAccessBlockConfiguration", "Tags"}),
}


def unhonoured(resources: Resources) -> list[str]:
    """The sentences, to be asked for when every reader has read; the last one counts types without a counterpart."""
    unknown = Counter(resource.type for resource in resources if not is_known(resource))
    sentences = [f"{name}: not emulated: {', '.join(names)}" for name, names in unread_names(resources).items()]
    if unknown:
        counted = ", ".join(f"{type_name} ({count})" for type_name, count in sorted(unknown.items()))
        sentences.append(f"not emulated: {counted}")
    return sentences


def unread_names(resources: Resources) -> dict[str, list[str]]:
    """Logical id -> what of its properties no reader has asked for, of the types that are emulated."""
    found = {
        resource.logical_id: resource.properties.unread(_HARMLESS.get(resource.type, frozenset()))
        for resource in resources
        if is_known(resource)
    }
    return {name: names for name, names in found.items() if names}


def is_known(resource: Resource) -> bool:
    """Whether *resource* is of a type that is emulated."""
    return resource.type in _HARMLESS or is_custom(resource)
