"""What to run, as plain data: the part of a deployed stack that the emulator acts on.

`template` makes these from template.yaml, the hops read them. Names follow CloudFormation's; values are resolved
(no intrinsic function is left), sizes and times carry their unit in the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

RUNTIMES = ("python", "provided")
"""How the identifiers of the runtimes begin whose functions can run here."""

RESERVED_VARIABLES = frozenset(
    [
        "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_MAX_CONCURRENCY", "AWS_LAMBDA_METADATA_API", "AWS_LAMBDA_METADATA_TOKEN",
        "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    ]
)  # fmt: skip
"""What Lambda alone sets, https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html."""


def is_reserved(variable: str) -> bool:
    """Whether a function cannot have *variable* as its own."""
    return variable in RESERVED_VARIABLES or variable.startswith("_")


@dataclass(frozen=True, slots=True)
class Cors:
    """The `Cors` property of a function URL; empty tuples and None mean "not configured"."""

    allow_origins: tuple[str, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    allow_credentials: bool = False
    max_age_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class FunctionUrl:
    """A function's own endpoint, served at `http://<domain>:<port>/`."""

    url_id: str  # 32 lower-case letters and digits, stable for a given function
    domain: str  # "<url_id>.lambda-url.<region>.localhost", no port
    auth_type: str = "NONE"  # NONE | AWS_IAM
    invoke_mode: str = "BUFFERED"  # BUFFERED | RESPONSE_STREAM
    cors: Cors | None = None


@dataclass(frozen=True, slots=True)
class Permission:
    """One `AWS::Lambda::Permission`: who may do what with a function."""

    action: str  # lambda:InvokeFunctionUrl | lambda:InvokeFunction | ...
    principal: str  # "*" | cloudfront.amazonaws.com | ...
    source_arn: str | None = None
    function_url_auth_type: str | None = None
    invoked_via_function_url: bool | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """One Lambda function."""

    logical_id: str
    name: str
    arn: str
    runtime: str  # the runtime identifier: python3.13, provided.al2023, ...
    handler: str  # "" where the runtime needs none
    code: Path  # what is /var/task on AWS: an existing folder
    layers: tuple[Path, ...] = ()  # what is merged into /opt, in order, later ones on top: existing folders
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: int = 3
    memory_mb: int = 128
    architecture: str = "x86_64"
    reserved_concurrency: int | None = None
    snap_start: bool = False  # environments are restored from a snapshot
    log_group: str = ""  # AWS_LAMBDA_LOG_GROUP_NAME: the template's, or /aws/lambda/<name>
    log_format: str = "Text"  # Text | JSON
    application_log_level: str | None = None
    system_log_level: str | None = None
    url: FunctionUrl | None = None
    permissions: tuple[Permission, ...] = ()
    qualifiers: tuple[str, ...] = ()  # besides $LATEST: its aliases, and "1" where the template publishes a version


class Account(Protocol):
    """All functions that can be invoked at the moment, whatever stack they are of."""

    @property
    def region(self) -> str: ...
    @property
    def account_id(self) -> str: ...
    @property
    def functions(self) -> tuple[Function, ...]: ...
    def function(self, wanted: str) -> Function | None:
        """The function with that logical id, name or ARN; None when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Bucket:
    """An S3 bucket to be made in moto."""

    logical_id: str
    name: str
    edge_may_list: bool = False  # its policy lets CloudFront list it, so that a missing key is a 404 and no 403


@dataclass(frozen=True, slots=True)
class Origin:
    """A distribution's origin. `domain` names the bucket or the function URL it stands for."""

    origin_id: str
    domain: str  # host without a port
    origin_access_control: str | None = None  # the OAC's origin type, s3 | lambda, where one is attached
    path: str = ""  # OriginPath
    response_timeout_seconds: int = 30  # OriginReadTimeout
    attempts: int = 1  # to get an answer in that time: ConnectionAttempts of a custom origin, which a bucket is not
    headers: tuple[tuple[str, str], ...] = ()  # that it gets in the place of the viewer's: OriginCustomHeaders


@dataclass(frozen=True, slots=True)
class Behavior:
    """Which paths go to which origin, and how."""

    path_pattern: str  # CloudFront's pattern: * and ?; "*" for the default behavior
    origin_id: str
    allowed_methods: tuple[str, ...] = ("GET", "HEAD")
    forwards_viewer_host: bool = False  # the origin request policy lets the viewer's Host through
    response_headers: tuple[tuple[str, str, bool], ...] = ()  # name, value, override: the response headers policy


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What a distribution sends instead of an error: the object at *path*, with *status*, 0 for the error's own."""

    path: str
    status: int = 0


@dataclass(frozen=True, slots=True)
class Distribution:
    """A CloudFront distribution; `behaviors` are in the order they are tried, the default one last."""

    logical_id: str
    arn: str
    domain: str  # the viewer-facing domain the template sees, no port
    default_root_object: str = ""
    origins: tuple[Origin, ...] = ()
    behaviors: tuple[Behavior, ...] = ()
    own_domain: str = ""  # the one that no other distribution has, where `domain` is for all others; no port
    error_pages: Mapping[int, ErrorPage] = field(default_factory=dict)  # by the status of the error


@dataclass(frozen=True, slots=True)
class CustomResource:
    """A resource that a function of the same template makes (`Custom::*`)."""

    logical_id: str
    type: str
    service_token: str  # ARN of the function
    properties: Mapping[str, object]  # as CloudFormation sends them: scalars as strings
    timeout_seconds: int = 3600


@dataclass(frozen=True, slots=True)
class Stack:
    """Everything one template asks for."""

    name: str
    region: str
    account_id: str
    functions: tuple[Function, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    distribution: Distribution | None = None
    custom_resources: tuple[CustomResource, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()  # a sentence for each thing the template asks for and the emulator does not do
    stack_id: str = ""  # its ARN

    def function(self, wanted: str) -> Function | None:
        """The function with that logical id, name or ARN; None when there is none."""
        for function in self.functions:
            if wanted in (function.logical_id, function.name, function.arn):
                return function
        return None
