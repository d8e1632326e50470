"""AWS's query protocol: a form with dotted names -> nested parameters, and an answer -> XML. No I/O.

What is followed: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
What differs here, on purpose: 1. maps (`entry.1.key`) are not read, CloudFormation takes none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeAlias
from urllib.parse import parse_qsl
from xml.etree import ElementTree

Parameter: TypeAlias = "str | list[Parameter] | dict[str, Parameter]"

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_parameters(body: bytes) -> dict[str, Parameter]:
    """`Tags.member.1.Key=a` -> `{"Tags": [{"Key": "a"}]}`. Raises ValueError for what is no form."""
    tree: dict[str, object] = {}
    for name, value in parse_qsl(body.decode(), keep_blank_values=True):
        *path, last = name.split(".")
        place = tree
        for part in path:
            below = place.setdefault(part, {})
            if not isinstance(below, dict):
                raise ValueError(f"{name} contradicts another parameter")
            place = below
        place[last] = value
    return {name: _parameter(value) for name, value in tree.items()}


def write_answer(action: str, result: Mapping[str, object], *, namespace: str, request_id: str) -> bytes:
    """The answer to *action*: None is left out, a list's items are its members."""
    root = ElementTree.Element(f"{action}Response", xmlns=namespace)
    _add(root, f"{action}Result", result)
    _add(root, "ResponseMetadata", {"RequestId": request_id})
    return _document(root)


def write_error(code: str, message: str, *, namespace: str, request_id: str) -> bytes:
    """The answer to a request that is refused."""
    root = ElementTree.Element("ErrorResponse", xmlns=namespace)
    _add(root, "Error", {"Type": "Sender", "Code": code, "Message": message})
    _add(root, "RequestId", request_id)
    return _document(root)


def _document(root: ElementTree.Element) -> bytes:
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _parameter(value: object) -> Parameter:
    if not isinstance(value, dict):
        return str(value)
    members = value.get("member")
    if isinstance(members, dict) and len(value) == 1 and all(name.isdecimal() for name in members):
        return [_parameter(members[name]) for name in sorted(members, key=int)]
    return {name: _parameter(below) for name, below in value.items()}


def _add(parent: ElementTree.Element, name: str, value: object) -> None:
    if value is None:
        return
    element = ElementTree.SubElement(parent, name)
    if isinstance(value, Mapping):
        for below, item in value.items():
            _add(element, below, item)
    elif isinstance(value, list | tuple):
        for item in value:
            _add(element, "member", item)
    else:
        element.text = _NOT_XML.sub("\ufffd", _text(value))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    return str(value)
