"""The outputs of a stack, with addresses that work on this machine.

What the real service does: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/outputs-section-structure.html

What differs here, on purpose:
1. templates put `https://` before the domain of a distribution; here that domain is `localhost` with a port that speaks
   plain HTTP, so the output says `http://`.
"""

from __future__ import annotations

import re

from local.cloudformation.blueprint import Blueprint
from local.cloudformation.record import Output
from local.template.intrinsics import mapping
from local.template.properties import Properties
from local.template.resources import Resources
from local.template.stack import read_outputs


def read_outputs_of(blueprint: Blueprint, resources: Resources) -> list[Output]:
    """Those whose condition holds. Raises TemplateError."""
    written = mapping(blueprint.document.get("Outputs"))
    here = re.compile(rf"https://((?:[\w-]+\.)*localhost:{resources.addresses.edge_port}\b)")
    return [
        Output(
            name,
            here.sub(r"http://\1", value),
            description=_text(mapping(written[name]).get("Description")),
            export_name=Properties(f"Outputs.{name}", mapping(written[name]), resources.resolver)
            .section("Export")
            .text("Name"),
        )
        for name, value in read_outputs(written, resources).items()
    ]


def _text(value: object) -> str | None:
    return None if value is None else str(value)
