"""What a template asks for together with the values of its parameters: text -> [blueprint] -> resources.

What the real service does: a SAM template is transformed before anything is compared or made; faults are told in the
change set (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/transform-aws-serverless.html).

What differs here, on purpose:
1. what the emulator's readers cannot understand is refused as well, before anything is made.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.cloudformation.buckets import is_made
from local.cloudformation.tables_and_queues import is_made_by_moto
from local.errors import TemplateError
from local.template.addresses import Addresses
from local.template.attributes import Attributes
from local.template.code import LOCAL_BUCKET
from local.template.document import transformed
from local.template.intrinsics import mapping
from local.template.parameters import parameter_values
from local.template.properties import Resource
from local.template.resources import Resources
from local.template.rules import check_rules
from local.template.stack import compose_stack, read_outputs
from local.template.unhonoured import is_known, unread_names

SAM_TRANSFORM = "AWS::Serverless-2016-10-31"
_IAM = "AWS::IAM::"
_IAM_NAMES = ("GroupName", "InstanceProfileName", "ManagedPolicyName", "RoleName", "UserName")
_PRETENDED = {
    "AWS::CloudFront::Distribution": "Answers at once: nothing propagates, nothing is cached",
    "AWS::IAM::Policy": "Recorded: IAM is not evaluated here",
    "AWS::IAM::ManagedPolicy": "Recorded: IAM is not evaluated here",
    "AWS::IAM::Role": "Recorded: IAM is not evaluated here",
    "AWS::Logs::LogGroup": "Recorded: logs are written to the emulator's output",
    "AWS::S3::BucketPolicy": "Statements with a condition are left out, but for what CloudFront may list",
}


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A template, as it was *written* and as it is after the transform, with the parameters *given*."""

    written: str
    document: Mapping[str, object]
    given: Mapping[str, str]
    notes: Mapping[str, str]  # logical id -> what is pretended or left out

    def resources(self, addresses: Addresses, made: Mapping[str, Attributes]) -> Resources:
        """The resources; *made* has the attributes of those that exist."""
        return _resources(self.document, self.given, addresses, made)

    def values(self, addresses: Addresses) -> dict[str, str]:
        """The values of all parameters, stars for those that nobody should see."""
        declared = mapping(self.document.get("Parameters"))
        values = parameter_values(declared, self.given, addresses)
        return {
            name: "****" if _is_hidden(mapping(rules)) else _shown(values[name]) for name, rules in declared.items()
        }

    def processed(self) -> str:
        """The template after the transform, as JSON."""
        return json.dumps(self.document, indent=2)

    def capabilities(self) -> list[str]:
        """What the one who deploys this has to agree to."""
        resources = mapping(self.document.get("Resources")).values()
        iam = [mapping(resource) for resource in resources if str(mapping(resource).get("Type")).startswith(_IAM)]
        if not iam:
            return []
        named = any(name in mapping(resource.get("Properties")) for resource in iam for name in _IAM_NAMES)
        return ["CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"]


async def read_blueprint(written: str, given: Mapping[str, str], addresses: Addresses) -> Blueprint:
    """Raises TemplateError, in CloudFormation's words where it has some, for everything that is wrong with it."""
    document = await _transformed(written, given, addresses.region)
    _check_parameters(mapping(document.get("Parameters")), given)
    resources = _resources(document, given, addresses, {})
    check_rules(mapping(document.get("Rules")), resources.resolver)
    for resource in resources:
        resource.properties.everything()
    compose_stack(resources, _some_folder)
    read_outputs(mapping(document.get("Outputs")), resources)
    return Blueprint(written, document, dict(given), _notes(resources))


async def outline(written: str, region: str) -> Blueprint:
    """What can be told of a template without its parameters. Raises TemplateError."""
    return Blueprint(written, await _transformed(written, {}, region), {}, {})


async def _transformed(written: str, given: Mapping[str, str], region: str) -> dict[str, object]:
    try:
        return await asyncio.to_thread(transformed, written, parameters=given, region=region)
    except TemplateError as error:
        raise TemplateError(_transform_failure(str(error).splitlines())) from error


def _resources(
    document: Mapping[str, object], given: Mapping[str, str], addresses: Addresses, made: Mapping[str, Attributes]
) -> Resources:
    declared = mapping(document.get("Parameters"))
    parameters = parameter_values(declared, given, addresses)
    return Resources(document, parameters=parameters, addresses=addresses, made=made)


def _transform_failure(faults: list[str]) -> str:
    if not faults[0].startswith("Resource with id ["):
        return f"Template format error: {'; '.join(faults)}"
    return (
        f"Transform {SAM_TRANSFORM} failed with: Invalid Serverless Application Specification document. "
        f"Number of errors found: {len(faults)}. {' '.join(faults)}"
    )


def _check_parameters(declared: Mapping[str, object], given: Mapping[str, str]) -> None:
    unknown = [name for name in given if name not in declared]
    if unknown:
        raise TemplateError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    missing = [name for name, rules in declared.items() if name not in given and "Default" not in mapping(rules)]
    if missing:
        raise TemplateError(f"Parameters: [{', '.join(missing)}] must have values")


def _some_folder(location: object, owner: str) -> Path | None:
    """Stands for code that is not fetched before it is deployed."""
    match location:
        case {"S3Bucket": bucket} if bucket == LOCAL_BUCKET:
            raise TemplateError(f"{owner}: the code is a path on somebody's machine: deploy with `sam deploy`")
        case {"S3Bucket": str(), "S3Key": str()}:
            return Path()
    return None


def _notes(resources: Resources) -> dict[str, str]:
    """Asked for when all readers have read."""
    unread = unread_names(resources)
    notes = {}
    for resource in resources:
        emulated = is_known(resource) or is_made_by_moto(resource.type)
        pretended = _PRETENDED.get(resource.type) or ("" if emulated else "Recorded: not emulated")
        runtime = _other_runtime(resource) if resource.type == "AWS::Lambda::Function" else ""
        names = [name for name in unread.get(resource.logical_id, ()) if not is_made(resource.type, name)]
        left_out = f"Not emulated: {', '.join(names)}" if names else ""
        if note := "; ".join(filter(None, (pretended, runtime, left_out))):
            notes[resource.logical_id] = note
    return notes


def _other_runtime(function: Resource) -> str:
    wanted, here = function.properties.text("Runtime") or "", f"python{sys.version_info.major}.{sys.version_info.minor}"
    return f"Runs on {here} here, not on {wanted}" if wanted.startswith("python") and wanted != here else ""


def _is_hidden(rules: Mapping[str, object]) -> bool:
    return str(rules.get("NoEcho", "")).lower() == "true"


def _shown(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
