"""The Extensions API of one domain: which request is allowed when, and what it does. No sockets.

What hop this is: `extension -> runtime_server -> [extensions_api] -> domain`.

What the real service does (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html; order of checks,
error types and messages as in AWS's own runtime interface emulator, `internal/lambda/rapi/handler`): an extension
registers under a name for the events that it wants to hear of, gets an identifier, and asks for one event after another
with it. Whatever is not allowed is a 403.

What differs here, on purpose:
1. a registration that cannot be read is refused in words of our own;
2. telemetry and logs can be subscribed to, but none are sent. The answer says so with a 202, as that emulator's does:
   with an error most extensions would end, and the function with them. The log says so too.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from local.environment.domain import Domain
from local.environment.extensions import Extension, ExtensionError, State
from local.runtime_api import RefusedError

ROOTS = ("/2020-01-01/extension/", "/2020-08-15/logs", "/2022-07-01/telemetry")
_ACCEPTED = b'{"status":"OK"}\n'


@dataclass(frozen=True, slots=True)
class Answer:
    """What an extension is answered; the body is JSON."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class ExtensionsApi:
    """What the extensions of *domain* may ask for."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain

    async def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one request; header names are in lower case. Raises `RefusedError`."""
        try:
            match method, path:
                case "POST", "/2020-01-01/extension/register":
                    return self._register(headers, body)
                case "GET", "/2020-01-01/extension/event/next":
                    return await self._next(self._known(headers, "Unknown extension {identifier}"))
                case "POST", "/2020-01-01/extension/init/error":
                    return self._failed(headers, State.INIT_ERROR)
                case "POST", "/2020-01-01/extension/exit/error":
                    return self._failed(headers, State.EXIT_ERROR)
                case "PUT", "/2020-08-15/logs":
                    return self._unsupported("Logs")
                case "PUT", "/2022-07-01/telemetry":
                    return self._unsupported("Telemetry")
        except ExtensionError as error:
            raise RefusedError(403, error.error_type, str(error)) from error
        raise RefusedError(404, "NotFound", f"the Extensions API has no {method} {path}")

    def _register(self, headers: Mapping[str, str], body: bytes) -> Answer:
        name = headers.get("lambda-extension-name", "")
        if not name:
            raise ExtensionError("Extension.InvalidExtensionName", "Empty extension name")
        extension = self._domain.register(name, _events(body))
        function = self._domain.premises.function
        told = {"functionName": function.name, "functionVersion": "$LATEST", "handler": function.handler}
        features = headers.get("lambda-extension-accept-feature", "").split(",")
        if "accountId" in (feature.strip() for feature in features):
            told = {"accountId": function.arn.split(":")[4], **told}
        return Answer(200, _json(told) + b"\n", {"Lambda-Extension-Identifier": extension.identifier})

    async def _next(self, extension: Extension) -> Answer:
        self._domain.extension_ready(extension)
        event = await extension.take()
        return Answer(200, _json(event), {"Lambda-Extension-Event-Identifier": str(uuid.uuid4())})

    def _failed(self, headers: Mapping[str, str], state: State) -> Answer:
        header = "Lambda-Extension-Function-Error-Type"
        _identifier(headers)
        error_type = headers.get(header.lower(), "")
        if not error_type:
            raise ExtensionError("Extension.MissingHeader", f"{header} not found")
        extension = self._known(headers, "Unknown Lambda-Extension-Identifier")
        extension.fail(state, error_type)
        return Answer(202, _ACCEPTED)

    def _known(self, headers: Mapping[str, str], unknown: str) -> Extension:
        identifier = _identifier(headers)
        extension = self._domain.extensions.find(identifier)
        if extension is None:
            raise ExtensionError("Extension.UnknownExtensionIdentifier", unknown.format(identifier=identifier))
        return extension

    def _unsupported(self, what: str) -> Answer:
        self._domain.premises.on_line(f"The {what} API is not emulated: the extension that asks for it gets nothing")
        document = {"errorMessage": f"{what} API is not supported", "errorType": f"{what}.NotSupported"}
        return Answer(202, _json(document) + b"\n")


def _identifier(headers: Mapping[str, str]) -> str:
    identifier = headers.get("lambda-extension-identifier", "")
    if not identifier:
        raise ExtensionError("Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header")
    try:
        return str(uuid.UUID(identifier))
    except ValueError:
        text = "Invalid Lambda-Extension-Identifier"
        raise ExtensionError("Extension.InvalidExtensionIdentifier", text) from None


def _events(body: bytes) -> list[str]:
    """Those that a registration names."""
    try:
        document = json.loads(body)
    except ValueError as error:
        raise ExtensionError("InvalidRequestFormat", f"a registration is a JSON document: {error}") from error
    document = {} if document is None else document
    if not isinstance(document, dict):
        raise ExtensionError("InvalidRequestFormat", "a registration is a JSON object")
    events = document.get("events") or []
    if not isinstance(events, list) or not all(isinstance(event, str) for event in events):
        raise ExtensionError("InvalidRequestFormat", "events is a list of strings")
    if document.get("configurationKeys"):
        message = "configurationKeys are deprecated; use environment variables instead"
        raise ExtensionError("InvalidRequestFormat", message)
    return events


def _json(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
