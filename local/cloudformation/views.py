"""Stacks, resources, events and change sets as CloudFormation describes them.

What the real service does: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Types.html

What differs here, on purpose:
1. drift is never looked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from local.cloudformation.blueprint import SAM_TRANSFORM, Blueprint
from local.cloudformation.difference import Change
from local.cloudformation.record import ChangeSet, Event, Output, StackRecord
from local.template.intrinsics import mapping

View: TypeAlias = dict[str, object]

_NO_DRIFT = {"StackDriftStatus": "NOT_CHECKED"}
_NO_RESOURCE_DRIFT = {"StackResourceDriftStatus": "NOT_CHECKED"}


def stack_view(stack: StackRecord) -> View:
    """A `Stack`; without outputs the member is missing, as on AWS."""
    return {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "ChangeSetId": next((each.arn for each in stack.change_sets.values() if each.executed), None),
        "Description": description_of(stack.blueprint),
        "Parameters": _parameters(stack.blueprint, stack),
        "CreationTime": stack.created,
        "LastUpdatedTime": stack.updated,
        "DeletionTime": stack.deleted,
        "RollbackConfiguration": {},
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason or None,
        "DisableRollback": False,
        "NotificationARNs": [],
        "Capabilities": list(stack.capabilities),
        "Outputs": [_output(output) for output in stack.outputs] or None,
        "Tags": tags_view(stack.tags),
        "EnableTerminationProtection": False,
        "DriftInformation": _NO_DRIFT,
    }


def summary_view(stack: StackRecord) -> View:
    """A `StackSummary`."""
    return {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "TemplateDescription": description_of(stack.blueprint),
        "CreationTime": stack.created,
        "LastUpdatedTime": stack.updated,
        "DeletionTime": stack.deleted,
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason or None,
        "DriftInformation": _NO_DRIFT,
    }


def event_view(stack: StackRecord, event: Event) -> View:
    """A `StackEvent`."""
    return {
        "StackId": stack.stack_id,
        "EventId": event.event_id,
        "StackName": stack.name,
        "LogicalResourceId": event.logical_id,
        "PhysicalResourceId": event.physical_id,
        "ResourceType": event.type,
        "Timestamp": event.time,
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason or None,
        "ResourceProperties": event.properties or None,
    }


def resource_view(stack: StackRecord, event: Event) -> View:
    """A `StackResource`, which is told by its last event."""
    return {
        "StackName": stack.name,
        "StackId": stack.stack_id,
        **_resource(event),
        "Timestamp": event.time,
    }


def resource_summary_view(event: Event) -> View:
    """A `StackResourceSummary`."""
    return {**_resource(event), "LastUpdatedTimestamp": event.time}


def change_set_view(stack: StackRecord, change_set: ChangeSet) -> View:
    """What DescribeChangeSet answers."""
    return {
        **change_set_summary_view(stack, change_set),
        "Parameters": _parameters(change_set.blueprint, stack),
        "NotificationARNs": [],
        "RollbackConfiguration": {},
        "Capabilities": list(change_set.capabilities),
        "Tags": tags_view(change_set.tags),
        "Changes": [{"Type": "Resource", "ResourceChange": _change(change)} for change in change_set.changes],
    }


def change_set_summary_view(stack: StackRecord, change_set: ChangeSet) -> View:
    """A `ChangeSetSummary`."""
    executable = "AVAILABLE" if change_set.status == "CREATE_COMPLETE" else "UNAVAILABLE"
    return {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "ChangeSetId": change_set.arn,
        "ChangeSetName": change_set.name,
        "ExecutionStatus": "EXECUTE_COMPLETE" if change_set.executed else executable,
        "Status": change_set.status,
        "StatusReason": change_set.reason or None,
        "CreationTime": change_set.created,
        "Description": change_set.description or None,
        "IncludeNestedStacks": False,
    }


def template_view(blueprint: Blueprint) -> View:
    """What GetTemplateSummary and ValidateTemplate answer together."""
    document, capabilities = blueprint.document, blueprint.capabilities()
    declared = mapping(document.get("Parameters"))
    resources = [str(mapping(resource).get("Type")) for resource in mapping(document.get("Resources")).values()]
    reason = "The following resource(s) require capabilities: [AWS::IAM::Role]" if capabilities else None
    return {
        "Parameters": [_declaration(name, mapping(rules)) for name, rules in declared.items()],
        "Description": description_of(blueprint),
        "Capabilities": capabilities,
        "CapabilitiesReason": reason,
        "ResourceTypes": list(dict.fromkeys(resources)),
        "Version": document.get("AWSTemplateFormatVersion"),
        "Metadata": json.dumps(document["Metadata"]) if "Metadata" in document else None,
        "DeclaredTransforms": [SAM_TRANSFORM] if SAM_TRANSFORM in blueprint.written else [],
    }


def tags_view(tags: Mapping[str, str]) -> list[View]:
    """A list of `Tag`."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def description_of(blueprint: Blueprint | None) -> str | None:
    """The template's own."""
    description = blueprint.document.get("Description") if blueprint else None
    return None if description is None else str(description)


def _resource(event: Event) -> View:
    return {
        "LogicalResourceId": event.logical_id,
        "PhysicalResourceId": event.physical_id,
        "ResourceType": event.type,
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason or None,
        "DriftInformation": _NO_RESOURCE_DRIFT,
    }


def _parameters(blueprint: Blueprint | None, stack: StackRecord) -> list[View]:
    values = blueprint.values(stack.addresses) if blueprint else {}
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]


def _output(output: Output) -> View:
    return {
        "OutputKey": output.name,
        "OutputValue": output.value,
        "Description": output.description,
        "ExportName": output.export_name,
    }


def _change(change: Change) -> View:
    view: View = {
        "Action": change.action,
        "LogicalResourceId": change.logical_id,
        "PhysicalResourceId": change.physical_id,
        "ResourceType": change.type,
    }
    if change.action == "Modify":
        view["Replacement"] = str(bool(change.replacing))
    view["Scope"] = ["Properties"] if change.properties else []
    view["Details"] = [_detail(name, change.replacing) for name in change.properties]
    return view


def _detail(name: str, replacing: Sequence[str]) -> View:
    target = {
        "Attribute": "Properties",
        "Name": name,
        "RequiresRecreation": "Always" if name in replacing else "Never",
    }
    return {"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"}


def _declaration(name: str, rules: Mapping[str, object]) -> View:
    allowed = rules.get("AllowedValues")
    return {
        "ParameterKey": name,
        "DefaultValue": None if "Default" not in rules else str(rules["Default"]),
        "ParameterType": rules.get("Type", "String"),
        "NoEcho": str(rules.get("NoEcho", "false")).lower() == "true",
        "Description": rules.get("Description"),
        "ParameterConstraints": {"AllowedValues": [str(item) for item in allowed]} if isinstance(allowed, list) else {},
    }
