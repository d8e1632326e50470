"""What a template says about functions: how they run, where their files come from, who may call them.

What the real service does: https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html (URLs),
https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html (permissions: each is for the function
as such, or for one version or alias of it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.lint.document import Document
from local.lint.value import Value
from local.template.attributes import function_name
from local.template.code import local_path

WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
ADAPTER_MODE = "AWS_LWA_INVOKE_MODE"
DEFAULT_TIMEOUT_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a function or layer: *folder* as far as it is on this machine, and whether a build may add some."""

    folder: Path | None
    may_grow: bool

    def path(self, name: str) -> Path | None:
        """The file of that name, if it is there."""
        path = self.folder / name if self.folder else None
        return path if path is not None and path.is_file() else None


@dataclass(frozen=True, slots=True)
class Function:
    """One function; *foreign_layers* are references to layers that are not of this template, "" for an unknown one."""

    value: Value
    name: str
    code: Files
    layers: tuple[Files, ...]
    foreign_layers: tuple[str, ...]

    @property
    def runtime(self) -> str | None:
        """The runtime identifier; None for a container image, or when it is not known."""
        return self.value.get("Runtime").text

    @property
    def timeout_seconds(self) -> int | None:
        """After how long Lambda ends an invocation; None when it is not known."""
        timeout = self.value.get("Timeout")
        return DEFAULT_TIMEOUT_SECONDS if timeout.absent else timeout.whole

    def variable(self, name: str) -> Value:
        """The environment variable *name*."""
        return self.value.get("Environment", "Variables", name)

    def variables(self) -> list[str]:
        """The names of the environment variables."""
        return self.value.get("Environment", "Variables").names()

    @property
    def has_streaming_layer(self) -> bool:
        """Whether the runtime of `functions/layers/streaming` is in one of the layers."""
        return any(layer.path("python/lambda_runtime/__main__.py") for layer in self.layers)


@dataclass(frozen=True, slots=True)
class FunctionUrl:
    """One function URL; *qualifier* is the alias it leads to, "" for the function as such."""

    value: Value
    domain: str
    function_name: str | None
    qualifier: str
    function: Function | None

    @property
    def auth_type(self) -> str | None:
        """NONE or AWS_IAM, or whatever is written there."""
        return self.value.get("AuthType").text

    @property
    def invoke_mode(self) -> str | None:
        """BUFFERED or RESPONSE_STREAM, or whatever is written there."""
        mode = self.value.get("InvokeMode")
        return "BUFFERED" if mode.absent else mode.text

    @property
    def streams(self) -> bool:
        """Whether it certainly streams."""
        return self.invoke_mode == "RESPONSE_STREAM"


@dataclass(frozen=True, slots=True)
class Permission:
    """One `AWS::Lambda::Permission`."""

    value: Value
    function_name: str | None
    qualifier: str

    def allows(self, action: str) -> bool:
        """Whether *action* is among what is allowed, or may be."""
        return self.value.get("Action").text in (action, "lambda:*", "*", None)


def read_functions(document: Document) -> tuple[Function, ...]:
    """The functions in the template's order."""
    layers = {
        document.attribute(layer.place.logical_id): _files(document, layer, "Content")
        for layer in document.of_type("AWS::Lambda::LayerVersion")
    }
    functions = []
    for value in document.of_type("AWS::Lambda::Function"):
        name = document.attribute(value.place.logical_id)
        used = [layer.reference or "" for layer in value.get("Layers").items()]
        functions.append(
            Function(
                value=value,
                name=name,
                code=_files(document, value, "Code"),
                layers=tuple(layers[layer] for layer in used if layer in layers),
                foreign_layers=tuple(layer for layer in used if layer not in layers),
            )
        )
    return tuple(functions)


def read_urls(document: Document, functions: Sequence[Function]) -> tuple[FunctionUrl, ...]:
    """The function URLs in the template's order."""
    by_name = {function.name: function for function in functions}
    urls = []
    for value in document.of_type("AWS::Lambda::Url"):
        target = value.get("TargetFunctionArn").reference
        name = function_name(target) if target else None
        urls.append(
            FunctionUrl(
                value=value,
                domain=document.attribute(value.place.logical_id, "FunctionUrl").split("/")[2],
                function_name=name,
                qualifier=value.get("Qualifier").reference or _qualifier(target or ""),
                function=by_name.get(name or ""),
            )
        )
    return tuple(urls)


def read_permissions(document: Document) -> tuple[Permission, ...]:
    """The permissions in the template's order."""
    permissions = []
    for value in document.of_type("AWS::Lambda::Permission"):
        target = value.get("FunctionName").reference
        permissions.append(Permission(value, function_name(target) if target else None, _qualifier(target or "")))
    return tuple(permissions)


def _qualifier(reference: str) -> str:
    """What follows the function's name: `live` in `name:live` and in `arn:...:function:name:live`."""
    return reference.rpartition("function:")[2].partition(":")[2]


def _files(document: Document, value: Value, property_name: str) -> Files:
    location = {name: value.get(property_name, name).text for name in ("S3Bucket", "S3Key")}
    path = local_path(location)
    folder = document.root / path if path else None
    if folder is None or not folder.is_dir():
        return Files(None, may_grow=True)
    # What `sam build` makes, by a Makefile or in another language, is not here to be seen.
    built = document.source.builds(document.source.resource(value.place.logical_id))
    return Files(folder, may_grow=built or (folder / "Makefile").is_file())
