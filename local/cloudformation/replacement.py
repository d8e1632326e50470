"""Which changes cannot be made in place.

What the real service does: "Update requires" of each property, in
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/

What differs here, on purpose:
1. only the types that are emulated, and the names of some others, are known; all else is changed in place.
"""

from __future__ import annotations

from collections.abc import Iterable

_ALWAYS = frozenset({"AWS::Lambda::LayerVersion", "AWS::Lambda::Permission", "AWS::Lambda::Version"})
_NAMES = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SSM::Parameter": "Name",
}
_OTHERS = {
    "AWS::IAM::Role": {"Path"},
    "AWS::Lambda::Alias": {"FunctionName", "Name"},
    "AWS::Lambda::Function": {"PackageType"},
    "AWS::Lambda::Url": {"Qualifier", "TargetFunctionArn"},
    "AWS::S3::BucketPolicy": {"Bucket"},
    "AWS::SNS::Topic": {"FifoTopic"},
    "AWS::SQS::Queue": {"FifoQueue"},
}


def replacing(type_name: str, changed: Iterable[str]) -> list[str]:
    """Those of the *changed* properties for which the resource has to be made anew."""
    if type_name in _ALWAYS:
        return list(changed)
    return [name for name in changed if name == _NAMES.get(type_name) or name in _OTHERS.get(type_name, ())]


def name_property(type_name: str) -> str | None:
    """The property that names resources of that type."""
    return _NAMES.get(type_name)
