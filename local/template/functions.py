"""The functions of a template, with their layers, URLs and permissions.

What the real service does: the types Function and LayerVersion under
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Lambda.html; the defaults are theirs.

What differs here, on purpose:
1. a function whose code is elsewhere is left out, and so is a layer, each with a warning; one whose runtime is
   not here is there, answers that it cannot be started, and has a warning too.
"""

from __future__ import annotations

from pathlib import Path

from local.config import RUNTIMES, Function, FunctionUrl, Permission, is_reserved
from local.errors import TemplateError
from local.template.code import FindCode, elsewhere
from local.template.function_urls import read_function_urls, read_permissions, read_qualifiers
from local.template.inline_code import inline_folder
from local.template.properties import Properties, Resource
from local.template.resources import Resources

MAX_TIMEOUT_SECONDS = 900
MAX_MEMORY_MB = 32_768  # of Lambda's managed instances; elsewhere it is 10,240


def read_functions(resources: Resources, find_code: FindCode) -> tuple[Function, ...]:
    """Every function that can run here, where *find_code* says that its code is.

    Raises TemplateError for a folder that does not exist and a property that cannot be understood.
    """
    layers = _layer_folders(resources, find_code)
    urls = read_function_urls(resources)
    permissions = read_permissions(resources)
    qualifiers = read_qualifiers(resources)
    functions = []
    for resource in resources.of_type("AWS::Lambda::Function"):
        code = _code_folder(resource, "Code", find_code)
        if code is not None:
            name = resources.ref(resource)
            function = _function(
                resource,
                name=name,
                arn=resources.ref(resource, "Arn"),
                code=code,
                layers=_layers(resource.properties, layers),
                url=urls.get(name),
                permissions=permissions.get(name, ()),
                qualifiers=qualifiers.get(name, ()),
            )
            functions.append(function)
    return tuple(functions)


def _function(
    resource: Resource,
    *,
    name: str,
    arn: str,
    code: Path,
    layers: tuple[Path, ...],
    url: FunctionUrl | None,
    permissions: tuple[Permission, ...],
    qualifiers: tuple[str, ...],
) -> Function:
    written = resource.properties
    runtime = written.text("Runtime")
    if runtime is None:
        raise TemplateError(f"{resource.logical_id}: a function needs a Runtime")
    if not runtime.startswith(RUNTIMES):
        written.refuse(f"runtime {runtime} (use python3.x, or provided.al2023 with a bootstrap)")
    logging = written.section("LoggingConfig")
    return Function(
        logical_id=resource.logical_id,
        name=name,
        arn=arn,
        runtime=runtime,
        handler=written.text("Handler") or "",
        code=code,
        layers=layers,
        environment=_environment(written),
        timeout_seconds=written.whole("Timeout", least=1, most=MAX_TIMEOUT_SECONDS) or 3,
        memory_mb=written.whole("MemorySize", least=128, most=MAX_MEMORY_MB) or 128,
        architecture=next(iter(written.texts("Architectures")), "x86_64"),
        reserved_concurrency=written.whole("ReservedConcurrentExecutions", least=0),
        snap_start=written.section("SnapStart").text("ApplyOn") == "PublishedVersions",
        log_group=logging.text("LogGroup") or f"/aws/lambda/{name}",
        log_format=logging.text("LogFormat") or "Text",
        application_log_level=logging.text("ApplicationLogLevel"),
        system_log_level=logging.text("SystemLogLevel"),
        url=url,
        permissions=permissions,
        qualifiers=qualifiers,
    )


def _environment(written: Properties) -> dict[str, str]:
    variables = written.section("Environment").section("Variables")
    environment = {name: variables.text(name) or "" for name in variables.names()}
    for name, value in environment.items():
        if "{{resolve:" in value:
            written.refuse(f"the dynamic reference in Environment.Variables.{name}")
        if is_reserved(name):
            written.refuse(f"Environment.Variables.{name} (AWS keeps that name to itself)")
    return environment


def _layer_folders(resources: Resources, find_code: FindCode) -> dict[str, Path]:
    """The layers of this template: ARN of the version -> folder."""
    folders = {}
    for resource in resources.of_type("AWS::Lambda::LayerVersion"):
        folder = _code_folder(resource, "Content", find_code)
        if folder is not None:
            folders[resources.ref(resource)] = folder
    return folders


def _layers(written: Properties, folders: dict[str, Path]) -> tuple[Path, ...]:
    arns = written.texts("Layers")
    for arn in arns:
        if arn not in folders:
            written.refuse(f"layer {arn} (not a folder of this template)")
    return tuple(folders[arn] for arn in arns if arn in folders)


def _code_folder(resource: Resource, property_name: str, find_code: FindCode) -> Path | None:
    location = resource.properties.value(property_name)
    # The transform puts a hash into a layer's logical id; its name is what the reader of a sentence knows.
    owner = resource.properties.text("LayerName") or resource.logical_id
    match location:
        case {"ZipFile": str(source)}:
            return inline_folder(source, owner)
    folder = find_code(location, owner)
    if folder is None:
        resource.properties.dismiss(elsewhere(location))
    return folder
