"""The environment variables of a worker process.

What hop this is: `execution -> [variables] -> process`.

What the real service does: sets the reserved variables and some defaults, then the function's own; a reserved name
cannot be set by a function
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime).

What differs here, on purpose:
1. paths name folders of this machine where AWS has /var/task, /opt and /tmp (the last through TMPDIR); /opt and
   /var/task at the start of a function's own values, or of a part between colons, are rewritten to them;
2. `AWS_ENDPOINT_URL` points at the emulator, so that the function's SDK calls stay on this machine;
3. the credentials are placeholders;
4. bytecode is cached outside the function's folder, which on AWS is read-only.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.bytecode import bytecode_folder
from local.config import Function, is_reserved

RUNTIME_DIR = Path(__file__).parent.parent / "managed_runtime"
ACCESS_KEY, SECRET_KEY = "local", "local"
_ONLY_MANAGED = ("AWS_EXECUTION_ENV", "LAMBDA_RUNTIME_DIR")
_NOT_IN_A_SNAPSHOT = ("AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME")
_RUNTIME_ONLY = (
    "AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class World:
    """What every environment of one emulator shares."""

    region: str
    aws_endpoint: str  # "http://127.0.0.1:8081", or "" without one
    overrides: Mapping[str, str]  # --env NAME=VALUE
    metadata_token: str = field(default_factory=lambda: secrets.token_urlsafe(32))


def variables(
    function: Function,
    world: World,
    *,
    log_stream: str,
    runtime_api: str,
    opt: Path,
    tmp: Path,
    initialization_type: str = "on-demand",
) -> dict[str, str]:
    """All variables of a worker process of *function*; *runtime_api* is `host:port`."""
    task_root = str(function.code)
    reserved = {
        "_HANDLER": function.handler,
        "AWS_DEFAULT_REGION": world.region,
        "AWS_REGION": world.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": initialization_type,
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group or f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_SESSION_TOKEN": "local",
        "LAMBDA_TASK_ROOT": task_root,
        "LAMBDA_RUNTIME_DIR": str(RUNTIME_DIR),
    }
    if function.log_format == "JSON":
        reserved["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
        reserved["AWS_LAMBDA_LOG_LEVEL"] = function.application_log_level or "INFO"
    if world.aws_endpoint:
        reserved["AWS_LAMBDA_METADATA_API"] = world.aws_endpoint.removeprefix("http://")
        reserved["AWS_LAMBDA_METADATA_TOKEN"] = world.metadata_token
    own = {
        name: _local_paths(value, task_root, opt)
        for name, value in {**function.environment, **world.overrides}.items()
        if name not in reserved and not is_reserved(name)
    }
    if function.runtime.startswith("provided"):
        for name in _ONLY_MANAGED:
            del reserved[name]
    if initialization_type == "snap-start":
        for name in _NOT_IN_A_SNAPSHOT:
            del reserved[name]
    return {**_defaults(opt, task_root, tmp, world), **own, **reserved}


def for_extensions(environ: Mapping[str, str]) -> dict[str, str]:
    """Those of the runtime's variables *environ* that an external extension has too.

    https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html#runtimes-extensions-api-reg
    """
    return {name: value for name, value in environ.items() if name not in _RUNTIME_ONLY and not name.startswith("_")}


def _defaults(opt: Path, task_root: str, tmp: Path, world: World) -> dict[str, str]:
    """What a function may override."""
    # This interpreter's folder comes first, so that `python3` in a bootstrap is the one that runs the emulator.
    path = [str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin", f"{opt}/bin"]
    defaults = {
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": ":".join(path),
        "LD_LIBRARY_PATH": f"{task_root}:{task_root}/lib:{opt}/lib",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "TMPDIR": str(tmp),
        "PYTHONPYCACHEPREFIX": str(bytecode_folder()),
    }
    return defaults | ({"AWS_ENDPOINT_URL": world.aws_endpoint} if world.aws_endpoint else {})


def _local_paths(value: str, task_root: str, opt: Path) -> str:
    return ":".join(_local_path(part, task_root, opt) for part in value.split(":"))


def _local_path(path: str, task_root: str, opt: Path) -> str:
    for there, here in (("/opt", str(opt)), ("/var/task", task_root)):
        if path == there or path.startswith(there + "/"):
            return here + path[len(there) :]
    return path
