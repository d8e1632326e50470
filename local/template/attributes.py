"""What `Ref` and `Fn::GetAtt` give for a resource, by its type.

What the real service does: "Return values" of each type's page under
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/

What differs here, on purpose:
1. a published version is always number 1: one code runs, the one on disk;
2. function URLs and the distribution's domain are the addresses on this machine, and plain HTTP;
3. a resource that is not emulated has a placeholder, `<logical id>` or `<logical id>.<attribute>`, so that a function
   that merely mentions it can still start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from local.template.addresses import Addresses
from local.template.properties import Resource

Attributes = Mapping[str, str]
"""Attribute name -> value; under "Ref" what `Ref` gives."""


def attribute(resource: Resource, name: str | None, addresses: Addresses) -> str:
    """The attribute *name* of *resource*, or what `Ref` gives where *name* is None."""
    placeholder = f"{resource.logical_id}.{name}" if name else resource.logical_id
    return attributes(resource, addresses).get(name or "Ref", placeholder)


def attributes(resource: Resource, addresses: Addresses) -> Attributes:
    """All that is known of *resource*; nothing for a type that is not emulated."""
    return _KNOWN[resource.type](resource, addresses) if resource.type in _KNOWN else {}


def function_name(reference: str) -> str:
    """The bare name in any form that Lambda takes for a function: name, `name:alias`, or an ARN with or without one.

    https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestSyntax
    """
    _, _, qualified = reference.rpartition("function:")
    return qualified.partition(":")[0]


def distribution_arn(distribution_id: str, addresses: Addresses) -> str:
    """The ARN of a distribution; CloudFormation has no attribute for it, templates put it together."""
    return f"arn:aws:cloudfront::{addresses.account_id}:distribution/{distribution_id}"


def _function(resource: Resource, addresses: Addresses) -> Attributes:
    name = resource.properties.text("FunctionName") or addresses.physical_name(resource.logical_id)
    return {"Ref": name, "Arn": addresses.arn("lambda", f"function:{name}")}


def _target_arn(resource: Resource, property_name: str, addresses: Addresses) -> str:
    name = function_name(resource.properties.text(property_name) or "")
    return addresses.arn("lambda", f"function:{name}")


def _version(resource: Resource, addresses: Addresses) -> Attributes:
    arn = f"{_target_arn(resource, 'FunctionName', addresses)}:1"
    return {"Ref": arn, "FunctionArn": arn, "Version": "1"}


def _alias(resource: Resource, addresses: Addresses) -> Attributes:
    arn = f"{_target_arn(resource, 'FunctionName', addresses)}:{resource.properties.text('Name')}"
    return {"Ref": arn, "AliasArn": arn}


def _layer(resource: Resource, addresses: Addresses) -> Attributes:
    name = resource.properties.text("LayerName") or addresses.physical_name(resource.logical_id)
    arn = addresses.arn("lambda", f"layer:{name}:1")
    return {"Ref": arn, "LayerVersionArn": arn}


def _function_url(resource: Resource, addresses: Addresses) -> Attributes:
    domain = addresses.function_url_domain(addresses.derived_id(resource.logical_id, 32))
    arn = _target_arn(resource, "TargetFunctionArn", addresses)
    return {"Ref": arn, "FunctionArn": arn, "FunctionUrl": f"http://{domain}:{addresses.edge_port}/"}


def _bucket(resource: Resource, addresses: Addresses) -> Attributes:
    made_up = addresses.physical_name(resource.logical_id, 63).lower()
    if not addresses.unique:
        made_up += f"-{addresses.account_id}"
    name = resource.properties.text("BucketName") or made_up
    return {
        "Ref": name,
        "Arn": f"arn:aws:s3:::{name}",
        "DomainName": f"{name}.s3.amazonaws.com",
        "DualStackDomainName": f"{name}.s3.dualstack.{addresses.region}.amazonaws.com",
        "RegionalDomainName": f"{name}.s3.{addresses.region}.amazonaws.com",
    }


def _distribution(resource: Resource, addresses: Addresses) -> Attributes:
    distribution_id = f"E{addresses.derived_id(resource.logical_id, 13).upper()}"
    return {"Ref": distribution_id, "Id": distribution_id, "DomainName": f"localhost:{addresses.edge_port}"}


def _cloudfront_part(resource: Resource, addresses: Addresses) -> Attributes:
    part_id = f"E{addresses.derived_id(resource.logical_id, 13).upper()}"
    return {"Ref": part_id, "Id": part_id}


def _role(resource: Resource, addresses: Addresses) -> Attributes:
    name = resource.properties.text("RoleName") or addresses.physical_name(resource.logical_id)
    arn = f"arn:aws:iam::{addresses.account_id}:role/{name}"
    return {"Ref": name, "Arn": arn, "RoleId": f"AROA{addresses.derived_id(name, 17).upper()}"}


def _log_group(resource: Resource, addresses: Addresses) -> Attributes:
    name = resource.properties.text("LogGroupName") or addresses.physical_name(resource.logical_id)
    return {"Ref": name, "Arn": addresses.arn("logs", f"log-group:{name}:*")}


_KNOWN: Mapping[str, Callable[[Resource, Addresses], Attributes]] = {
    "AWS::CloudFront::CachePolicy": _cloudfront_part,
    "AWS::CloudFront::Distribution": _distribution,
    "AWS::CloudFront::OriginAccessControl": _cloudfront_part,
    "AWS::CloudFront::OriginRequestPolicy": _cloudfront_part,
    "AWS::CloudFront::ResponseHeadersPolicy": _cloudfront_part,
    "AWS::IAM::Role": _role,
    "AWS::Lambda::Alias": _alias,
    "AWS::Lambda::Function": _function,
    "AWS::Lambda::LayerVersion": _layer,
    "AWS::Lambda::Url": _function_url,
    "AWS::Lambda::Version": _version,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::S3::Bucket": _bucket,
}
