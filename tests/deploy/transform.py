"""Makes plain CloudFormation of template.yaml, as AWS does.

`python -m tests.deploy.transform [NAME=VALUE ...]` prints it, with these parameters as defaults.

cfn-lint knows SAM's own resources only loosely. Linted after the transform, a template shows many a fault that passes
before it: a runtime that does not exist, a circular reference, an attribute that no resource has.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

REPOSITORY = Path(__file__).resolve().parents[2]
CODE_PROPERTIES = ("CodeUri", "ContentUri")


def parsed(text: str | None = None) -> dict[str, Any]:
    """template.yaml, or *text*, as a dict, its short functions (`!Ref x`) in their long form (`{"Ref": "x"}`)."""
    template: dict[str, Any] = yaml_parse(text or (REPOSITORY / "template.yaml").read_text(encoding="utf-8"))
    return template


def transformed(text: str | None = None, parameters: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The same as plain CloudFormation, *parameters* as the defaults of its own.

    Raises the translator's `InvalidDocumentException` for bad SAM.
    """
    template = parsed(text)
    for name, value in (parameters or {}).items():
        template["Parameters"][name]["Default"] = value
    for resource in template["Resources"].values():
        for name in CODE_PROPERTIES:
            if name in resource["Properties"]:
                # The translator takes uploaded code only; what `sam package` would have put there does not matter.
                resource["Properties"][name] = "s3://uploaded/code.zip"
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name="us-east-1"))
    document: dict[str, Any] = translator.translate(template, parameter_values={})
    return document


if __name__ == "__main__":
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    print(json.dumps(transformed(parameters=given), indent=1))
