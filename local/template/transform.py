"""The SAM transform, in a child process: template text -> [transform] -> plain CloudFormation as JSON.

`python -m local.template.transform` reads `{"text", "parameters", "region"}` from stdin and writes
`{"template"}` or `{"faults": [sentence, ...]}` to stdout. The emulator's own process never imports this module:
aws-sam-translator with boto3 under it costs over half a second and 50 MB, PyYAML some more.

What the real service does: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/
sam-specification-template-anatomy.html - and aws-sam-translator is the code that does it.

What differs here, on purpose:
1. code stays where it lies: a local path becomes an S3 location in the bucket `LOCAL_BUCKET`, which no real bucket
   can be called, and `local.template.code` turns it back into a folder; an image that `sam build` would make
   of a Dockerfile has no address yet and is given one that names nothing;
2. nothing asks AWS: applications from the Serverless Application Repository stay unresolved nested stacks;
3. the SAM transform and the language extensions are all there is; other macros run in somebody's account.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import yaml

from local.errors import TemplateError
from local.template.code import LOCAL_BUCKET
from local.template.language_extensions import LANGUAGE_EXTENSIONS, expanded, used

SAM_TRANSFORM = "AWS::Serverless-2016-10-31"

# Where a template may name a local path, and the two words of an S3 location there. `aws cloudformation package` and
# `sam build` take the same places: https://docs.aws.amazon.com/cli/latest/reference/cloudformation/package.html
_SAM_LOCATION = ("Bucket", "Key")
_LAMBDA_LOCATION = ("S3Bucket", "S3Key")
_UNBUILT_IMAGE = "not-built-yet"
_UNREAD = ("Body", "DefinitionBody", "Definition")  # of APIs, which often include an OpenAPI document, and the like
_CODE = frozenset({"CodeUri", "ImageUri", "InlineCode"})  # of a SAM function, of which there is one
_PATHS = {
    "AWS::Serverless::Function": ("CodeUri", _SAM_LOCATION),
    "AWS::Serverless::WebFunction": ("CodeUri", _SAM_LOCATION),
    "AWS::Serverless::LayerVersion": ("ContentUri", _SAM_LOCATION),
    "AWS::Serverless::Api": ("DefinitionUri", _SAM_LOCATION),
    "AWS::Serverless::HttpApi": ("DefinitionUri", _SAM_LOCATION),
    "AWS::Serverless::StateMachine": ("DefinitionUri", _SAM_LOCATION),
    "AWS::Lambda::Function": ("Code", _LAMBDA_LOCATION),
    "AWS::Lambda::LayerVersion": ("Content", _LAMBDA_LOCATION),
}


class FaultError(Exception):
    """The template cannot be transformed; one sentence per fault."""

    def __init__(self, *sentences: str) -> None:
        super().__init__(*sentences)
        self.sentences = sentences


def transform(text: str, *, parameters: Mapping[str, str], region: str) -> dict[str, Any]:
    """The template in *text* (YAML or JSON) as plain CloudFormation.

    Raises `FaultError` for text that is no template, for another transform, and for what the translator refuses.
    """
    template = _parsed(text)
    transforms = _checked_transforms(template)
    if LANGUAGE_EXTENSIONS in transforms:
        template = _expanded(template, parameters, region)
    _check_resources(template, is_sam=SAM_TRANSFORM in transforms)
    localize(template)
    if SAM_TRANSFORM not in transforms:
        return template
    return _translated(template, parameters={**parameters, "AWS::Region": region, "AWS::Partition": "aws"})


def localize(template: dict[str, Any]) -> None:
    """Replace every local path in *template* by a location in `LOCAL_BUCKET`, in place."""
    globals_of_functions = _mapping(_mapping(template.get("Globals")).get("Function"))
    _localize_property(globals_of_functions, "CodeUri", _SAM_LOCATION)
    for resource in template["Resources"].values():
        properties = _mapping(_mapping(resource).get("Properties"))
        kind = _mapping(resource).get("Type")
        if kind == "AWS::Serverless::Function" and properties.get("PackageType") == "Image":
            properties.setdefault("ImageUri", _UNBUILT_IMAGE)
            continue
        if kind == "AWS::Serverless::Function" and _CODE.isdisjoint((*properties, *globals_of_functions)):
            properties = resource["Properties"] = {**properties, "CodeUri": "."}  # as SAM CLI has it
        if kind in _PATHS:
            _localize_property(properties, *_PATHS[kind])
        elif kind == "AWS::Serverless::Application":
            # The translator would look the application up in AWS, over the network.
            resource["Type"] = "AWS::CloudFormation::Stack"


def _localize_property(properties: dict[str, Any], name: str, words: tuple[str, str]) -> None:
    value = properties.get(name)
    if value is None or (isinstance(value, dict) and not _is_intrinsic(value)):
        return
    if isinstance(value, str) and value.startswith("s3://"):
        return  # packaged: the translator makes a location of it
    properties[name] = {words[0]: LOCAL_BUCKET, words[1]: value}


def _is_intrinsic(value: dict[str, Any]) -> bool:
    return all(key == "Ref" or key.startswith("Fn::") for key in value)


def _parsed(text: str) -> dict[str, Any]:
    loaded = _loaded(text)
    if not isinstance(loaded, dict):
        raise FaultError("a template is a mapping with a Resources section, and this is not one")
    # A round trip makes every key a string and gives each use of a YAML anchor its own copy.
    try:
        template: dict[str, Any] = json.loads(json.dumps(loaded))
    except (TypeError, ValueError) as error:  # sets, say, or an anchor that holds itself
        raise FaultError(f"holds what JSON cannot: {error}") from error
    return template


def _expanded(template: dict[str, Any], parameters: Mapping[str, str], region: str) -> dict[str, Any]:
    try:
        return expanded(template, parameters=parameters, region=region)
    except TemplateError as error:
        raise FaultError(str(error)) from error


def _check_resources(template: dict[str, Any], *, is_sam: bool) -> None:
    resources = template.get("Resources")
    if not isinstance(resources, dict) or not resources:
        raise FaultError("the template has no Resources section with a resource in it")
    for logical_id, resource in resources.items():
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise FaultError(f"resource {logical_id} is not a mapping with a Type")
        if resource["Type"].startswith("AWS::Serverless::") and not is_sam:
            raise FaultError(f"{logical_id} is {resource['Type']}, which needs `Transform: {SAM_TRANSFORM}`")


def _loaded(text: str) -> object:
    with suppress(json.JSONDecodeError):
        return json.loads(text)  # tried first: YAML, which JSON nearly is, refuses tabs
    try:
        return yaml.load(text, Loader=_loader())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise FaultError(f"not YAML: {error.problem or error.context}{place}") from error
    except yaml.YAMLError as error:
        raise FaultError("not YAML: " + " ".join(str(error).split())) from error


def _loader() -> type[yaml.SafeLoader]:
    """PyYAML's safe loader with CloudFormation's short tags (`!Ref`), and without dates, which JSON does not have."""
    from samtranslator.yaml_helper import intrinsics_multi_constructor

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {
            first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    Loader.add_multi_constructor("!", intrinsics_multi_constructor)
    return Loader


def _checked_transforms(template: dict[str, Any]) -> list[str]:
    named = template.get("Transform") or []
    transforms = named if isinstance(named, list) else [named]
    for transform_name in transforms:
        if transform_name not in (SAM_TRANSFORM, LANGUAGE_EXTENSIONS):
            known = f"only {LANGUAGE_EXTENSIONS} and {SAM_TRANSFORM} are"
            raise FaultError(f"transform {json.dumps(transform_name)} is not emulated, {known}")
    if _has_macro(template):
        raise FaultError("Fn::Transform is not emulated: macros run in an AWS account")
    if LANGUAGE_EXTENSIONS not in transforms:
        if function := used(template):
            raise FaultError(f"{function} needs `{LANGUAGE_EXTENSIONS}` in the list of Transform")
    elif transforms[-1] == LANGUAGE_EXTENSIONS != transforms[0]:
        raise FaultError(f"{LANGUAGE_EXTENSIONS} has to come before {SAM_TRANSFORM} in the list of Transform")
    return transforms


def _has_macro(value: object) -> bool:
    """Whether an `Fn::Transform` makes any of *value*, other than what nothing here reads."""
    if isinstance(value, dict):
        return "Fn::Transform" in value or any(_has_macro(item) for key, item in value.items() if key not in _UNREAD)
    return isinstance(value, list) and any(map(_has_macro, value))


def _translated(template: dict[str, Any], *, parameters: dict[str, str]) -> dict[str, Any]:
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    # All that the translator wants of a boto3 session is its region; a real one would read the user's AWS profile.
    session: Any = SimpleNamespace(region_name=parameters["AWS::Region"])
    translator = Translator(None, Parser(), boto_session=session)
    try:
        translated: dict[str, Any] = translator.translate(template, parameters)
    except InvalidDocumentException as error:
        raise FaultError(*(cause.message for cause in error.causes)) from error
    return translated


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def main() -> None:
    """Answer the one request on stdin."""
    try:
        reply: dict[str, Any] = {"template": transform(**json.load(sys.stdin))}
    except FaultError as fault:
        reply = {"faults": fault.sentences}
    json.dump(reply, sys.stdout)


if __name__ == "__main__":
    main()
