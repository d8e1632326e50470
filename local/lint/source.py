"""The template file as somebody wrote it: on which line a value stands, and what only the writing shows.

The SAM transform makes new resources and moves properties, and knows no lines. So the file is parsed a second time,
for its nodes alone, and a place in the transformed template is looked for where it must have come from: in the
property it is named after, else in `Globals`, else at whatever encloses it.
"""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from local.lint.place import Place

SUPPRESSIONS = "StreamLint"
"""The name under a resource's `Metadata` that holds rule ids, each with the reason to be silent about it."""

# What the transform renames: property of the plain resource -> property of SAM's.
_RENAMED = {"Code": "CodeUri", "Content": "ContentUri"}
_SAM_FUNCTION = "AWS::Serverless::Function"
_URL_PROPERTY = "FunctionUrlConfig"
_PROPERTIES_DEPTH = 4  # nodes from the root to a resource's Properties: Resources, the resource, Properties

Path = tuple[str | int, ...]


class Source:
    """The nodes of *text*, a YAML or JSON template that could be transformed."""

    def __init__(self, text: str) -> None:
        # JSON may be indented with tabs, which YAML refuses; inside of its strings no tab can be.
        spaced = text.replace("\t", " ") if text.lstrip().startswith("{") else text
        self._root: yaml.Node = yaml.compose(spaced, Loader=yaml.SafeLoader) or yaml.MappingNode("", [])
        self._resources = _entries(_followed(self._root, ("Resources",))[-1])

    def resource(self, logical_id: str) -> str:
        """The logical id in the file that *logical_id* comes from: itself, or the resource SAM made it of."""
        starts = [name for name in self._resources if logical_id.startswith(name)]
        return logical_id if logical_id in self._resources else max(starts, key=len, default=logical_id)

    def written(self, logical_id: str) -> bool:
        """Whether the resource stands in the file, rather than being made by SAM."""
        return logical_id in self._resources

    def line(self, place: Place) -> int:
        """The line, from 1, of the value at *place*, or of what encloses the place where it is missing."""
        own, shared = self._paths(place)
        nodes, in_globals = _followed(self._root, own), _followed(self._root, shared)
        if len(nodes) <= len(own) and len(in_globals) > len(shared):
            return _line(in_globals)
        # A resource begins at its name, and what is missing from its properties is missing from the resource.
        return _line(nodes if len(nodes) > _PROPERTIES_DEPTH else nodes[: _PROPERTIES_DEPTH - 1])

    def names(self, place: Place) -> list[str]:
        """The names that the mapping at *place* is written with, in `Globals`, too."""
        followed = ((path, _followed(self._root, path)) for path in self._paths(place))
        found = [branch for path, nodes in followed if len(nodes) > len(path) for branch in _branches(nodes[-1])]
        return list(dict.fromkeys(name for node in found for name in _entries(node)))

    def metadata(self, logical_id: str, name: str) -> dict[str, tuple[str, int]]:
        """What stands under *name* in the metadata of a resource: name -> value, if it is text, and line."""
        path = ("Resources", logical_id, "Metadata", name)
        nodes = _followed(self._root, path)
        entries = _entries(nodes[-1]) if len(nodes) > len(path) else {}
        return {key: (_scalar(value), begins.start_mark.line + 1) for key, (begins, value) in entries.items()}

    def builds(self, logical_id: str) -> bool:
        """Whether `sam build` makes the code of this resource by a method of its own, so that it may add files."""
        path = ("Resources", logical_id, "Metadata", "BuildMethod")
        return len(_followed(self._root, path)) > len(path)

    def __iter__(self) -> Iterator[str]:
        return iter(self._resources)

    def _paths(self, place: Place) -> tuple[Path, Path]:
        """Where to look for *place*: in its resource, and in `Globals` where those are for it."""
        name = self.resource(place.logical_id)
        path = place.path
        if name != place.logical_id and place.logical_id == f"{name}Url":
            path = (_URL_PROPERTY, *path)
        elif path and path[0] in _RENAMED:
            path = (_RENAMED[str(path[0])], *path[1:])
        own: Path = ("Resources", name, "Properties", *path)
        kind = _followed(self._root, ("Resources", name, "Type"))[-1]
        return own, ("Globals", "Function", *path) if _scalar(kind) == _SAM_FUNCTION else own


_Entries = dict[str, tuple[yaml.Node, yaml.Node]]


def _entries(node: yaml.Node) -> _Entries:
    """The entries of a mapping: name -> the nodes of name and value; of anything else, none."""
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {_scalar(key): (key, value) for key, value in node.value}


def _followed(root: yaml.Node, path: Path) -> list[yaml.Node]:
    """The nodes along *path*, the root's first, as far as they are there."""
    nodes = [root]
    for step in path:
        below = next((found for node in _branches(nodes[-1]) if (found := _below(node, step)) is not None), None)
        if below is None:
            break
        nodes.append(below)
    return nodes


def _below(node: yaml.Node, step: str | int) -> yaml.Node | None:
    if isinstance(step, int):
        inside = isinstance(node, yaml.SequenceNode) and step < len(node.value)
        return node.value[step] if inside else None
    return _entries(node).get(step, (None, None))[1]


def _branches(node: yaml.Node) -> list[yaml.Node]:
    """*node*, or the values it chooses between when it is an `Fn::If`."""
    long_form = _entries(node).get("Fn::If")
    call = node if node.tag == "!If" else long_form[1] if long_form else None
    if isinstance(call, yaml.SequenceNode):
        return [branch for value in call.value[1:] for branch in _branches(value)]
    return [node]


def _line(nodes: list[yaml.Node]) -> int:
    """The line on which the last node's own entry begins: that of its name, where it has one."""
    *before, last = nodes
    entries = [entry for node in before[-1:] for branch in _branches(node) for entry in _entries(branch).values()]
    begins = next((key for key, value in entries if value is last), last)
    return int(begins.start_mark.line) + 1


def _scalar(node: yaml.Node) -> str:
    return node.value if isinstance(node, yaml.ScalarNode) else ""
