"""The handler's second argument.

What this is: `client (headers of one invocation) -> [context] -> handler`.

What the real service does: the attributes are those of the managed runtime
(https://docs.aws.amazon.com/lambda/latest/dg/python-context.html), so that handlers and libraries need not care which
runtime called them.
"""

from __future__ import annotations

import json
import os
import time

from lambda_runtime.faults import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambda_runtime.client import Invocation

    Settings = Mapping[str, str | None]  # the value of each attribute that is the same for all invocations

_VARIABLES = {
    "function_name": "AWS_LAMBDA_FUNCTION_NAME",
    "function_version": "AWS_LAMBDA_FUNCTION_VERSION",
    "memory_limit_in_mb": "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "log_group_name": "AWS_LAMBDA_LOG_GROUP_NAME",
    "log_stream_name": "AWS_LAMBDA_LOG_STREAM_NAME",
}
_W3C_FIELDS = ("traceparent", "tracestate", "baggage")
_CLIENT_FIELDS = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


def settings() -> Settings:
    """What the environment variables say of the function; none of them changes while it serves."""
    return {name: os.environ.get(variable) for name, variable in _VARIABLES.items()}


class _Fields:
    """Prints its fields, as AWS's classes do."""

    def __repr__(self) -> str:
        fields = [f"{name}={value}" for name, value in vars(self).items() if not name.startswith("_")]
        return f"{type(self).__name__}([{','.join(fields)}])"


class Context(_Fields):
    """What a handler may know about its invocation; *memory_limit_in_mb* is text, as it is from AWS's client.

    None is what Lambda did not tell. Raises `Fault` for a client context that is not JSON.
    """

    function_name: str | None
    function_version: str | None
    memory_limit_in_mb: str | None
    log_group_name: str | None
    log_stream_name: str | None

    def __init__(self, invocation: Invocation, settings: Settings) -> None:
        self.aws_request_id = invocation.request_id
        self.invoked_function_arn = invocation.function_arn
        self.tenant_id = invocation.tenant_id or None
        vars(self).update(settings)
        client_context = _parse(invocation.client_context, "Client Context")
        w3c = client_context.pop("w3c", None) if client_context else None
        self._w3c = w3c if isinstance(w3c, dict) else {}
        self.client_context = ClientContext(client_context) if client_context is not None else None
        self.identity = CognitoIdentity(_parse(invocation.cognito_identity, "Cognito Identity") or {})
        self._deadline_ms = invocation.deadline_ms

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends this invocation; 0 when that time has passed."""
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def w3c(self) -> dict[str, str]:
        """The W3C trace context of the invocation: `traceparent`, `tracestate`, `baggage`, those that are there."""
        return {name: self._w3c[name] for name in _W3C_FIELDS if isinstance(self._w3c.get(name), str)}

    def log(self, message: object) -> None:
        """Write *message* to the log as it is."""
        print(message, end="", flush=True)


class ClientContext(_Fields):
    """What a mobile SDK says of itself when it invokes: `custom`, `env` and a `client`."""

    def __init__(self, fields: dict[str, object]) -> None:
        self.custom = fields.get("custom")
        self.env = fields.get("env")
        client = fields.get("client")
        self.client = MobileClient(client) if isinstance(client, dict) else None


class MobileClient(_Fields):
    """The `client` of a client context."""

    def __init__(self, fields: dict[str, object]) -> None:
        for name in _CLIENT_FIELDS:
            setattr(self, name, fields.get(name))


class CognitoIdentity(_Fields):
    """The Cognito identity that authorized the request; both ids are None without one."""

    def __init__(self, fields: dict[str, object]) -> None:
        self.cognito_identity_id = fields.get("cognitoIdentityId")
        self.cognito_identity_pool_id = fields.get("cognitoIdentityPoolId")


def _parse(header: str, name: str) -> dict[str, object] | None:
    if not header:
        return None
    try:
        parsed = json.loads(header)
    except ValueError as error:
        raise Fault("Runtime.LambdaContextUnmarshalError", f"Unable to parse {name} JSON: {error}") from error
    return parsed if isinstance(parsed, dict) else None
