"""Which request an extension may make when, and what it is told when it may not: statuses and bodies are AWS's."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from local.environment.boot import ColdBoot, Premises
from local.environment.domain import Domain
from local.environment.extensions import State
from local.invocation import Invocation
from tests.local.fakes.environment import a_function
from tests.local.fakes.local_lambda import local_lambda
from tests.local.fakes.raw_worker import until

pytestmark = pytest.mark.anyio

BASE = "/2020-01-01/extension"
ERROR = {"Lambda-Extension-Function-Error-Type": "Extension.NoGood"}


class Silence:
    """In an environment's place: counts how often everybody was ready."""

    def __init__(self) -> None:
        self.ready_count = 0

    def domain_ready(self) -> None:
        self.ready_count += 1

    def domain_broke(self, error_type: str, reason: str) -> None: ...

    def domain_failed(self, failure: object) -> None: ...


class Sandbox:
    """A domain without processes, whose external extension `outside` is about to register, and a client of its API."""

    def __init__(self, domain: Domain, host: Silence, client: httpx.AsyncClient) -> None:
        self.domain = domain
        self.host = host
        self._client = client

    async def ask(self, method: str, path: str, content: str = "", **headers: str) -> httpx.Response:
        return await self._client.request(method, path, content=content, headers=headers)

    async def register(self, name: str, body: str = "{}") -> httpx.Response:
        return await self._client.post(f"{BASE}/register", content=body, headers={"Lambda-Extension-Name": name})

    async def registered(self, name: str, *events: str) -> dict[str, str]:
        """The headers that an extension sends once it has registered."""
        answer = await self.register(name, json.dumps({"events": events}))
        assert answer.status_code == 200
        return {"Lambda-Extension-Identifier": answer.headers["Lambda-Extension-Identifier"]}

    async def refusal(self, method: str, path: str, **headers: str) -> tuple[int, str, str]:
        return told(await self.ask(method, path, **headers))


def told(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, type and message of a refusal."""
    document = answer.json()
    return answer.status_code, document["errorType"], document["errorMessage"]


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with local_lambda(a_function(), folder=tmp_path, deadline_seconds=None) as cloud:
        host = Silence()
        premises = Premises(cloud.function, "stream", tmp_path, tmp_path, (), cloud.lines.append)
        domain = Domain(host, premises, cloud.surroundings, ColdBoot(cloud.surroundings.world))  # type: ignore[arg-type]
        domain.extensions.launch("outside")
        listener = await cloud.surroundings.listen(domain)
        async with httpx.AsyncClient(base_url=f"http://{listener.address}", timeout=10) as client:
            yield Sandbox(domain, host, client)
        listener.close()


async def test_a_registration_tells_of_the_function(sandbox: Sandbox) -> None:
    """The account only where that is asked for; the identifier is new."""
    plain = await sandbox.register("outside")
    features = {"Lambda-Extension-Name": "inside", "Lambda-Extension-Accept-Feature": "other, accountId"}
    full = await sandbox.ask("POST", f"{BASE}/register", "null", **features)

    function = {"functionName": "test-worker", "functionVersion": "$LATEST", "handler": "worker.handler"}
    assert plain.json() == function
    assert list(full.json().items()) == list({"accountId": "123456789012", **function}.items())
    identifiers = {answer.headers["lambda-extension-identifier"] for answer in (plain, full)}
    assert len({uuid.UUID(identifier) for identifier in identifiers}) == 2


@pytest.mark.parametrize(
    ("name", "body", "error_type", "message"),
    [
        ("", "{}", "Extension.InvalidExtensionName", "Empty extension name"),
        ("x", '{"events":["START"]}', "Extension.InvalidEventType", "START: ErrorInvalidEventType"),
        (
            "x",
            '{"events":["INVOKE","SHUTDOWN"]}',
            "Extension.InvalidEventType",
            "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension",
        ),
        ("x", "[]", "InvalidRequestFormat", "a registration is a JSON object"),
        ("x", '{"events":"INVOKE"}', "InvalidRequestFormat", "events is a list of strings"),
        ("x", '{"events":[1]}', "InvalidRequestFormat", "events is a list of strings"),
        (
            "x",
            '{"configurationKeys":["a"]}',
            "InvalidRequestFormat",
            "configurationKeys are deprecated; use environment variables instead",
        ),
    ],
)
async def test_a_registration_that_is_refused(
    sandbox: Sandbox, name: str, body: str, error_type: str, message: str
) -> None:
    assert told(await sandbox.register(name, body)) == (403, error_type, message)


@pytest.mark.parametrize("body", ["", "{", "\xff", "{} x"])
async def test_a_registration_that_is_no_json(sandbox: Sandbox, body: str) -> None:
    status, error_type, message = told(await sandbox.register("x", body))

    assert (status, error_type) == (403, "InvalidRequestFormat")
    assert message.startswith("a registration is a JSON document: ")


async def test_a_name_is_registered_once(sandbox: Sandbox) -> None:
    await sandbox.registered("outside")
    await sandbox.registered("inside")

    again = "State transition from Registered to Registered failed for extension outside. "
    again += "Error: State transition is not allowed"
    assert told(await sandbox.register("outside")) == (403, "Extension.InvalidExtensionState", again)
    already = "Extension with this name already registered"
    assert told(await sandbox.register("inside")) == (403, "Extension.InvalidExtensionState", already)


async def test_there_are_ten_at_most(sandbox: Sandbox) -> None:
    for number in range(9):
        await sandbox.registered(f"inside-{number}")

    refused = (403, "Extension.TooManyExtensions", "Extension limit (10) reached")
    assert told(await sandbox.register("one too many")) == refused
    await sandbox.registered("outside")


async def test_the_first_next_of_the_runtime_closes_the_registration(sandbox: Sandbox) -> None:
    """An init is over when all who have registered have asked for an event."""
    headers = await sandbox.registered("inside", "INVOKE")
    sandbox.domain.ready()
    assert sandbox.host.ready_count == 0
    closed = (403, "Extension.RegistrationClosed", "Extension registration closed already")
    assert told(await sandbox.register("late")) == closed

    async with asyncio.TaskGroup() as group:
        asking = group.create_task(sandbox.ask("GET", f"{BASE}/event/next", **headers))
        await until(lambda: sandbox.host.ready_count)
        invocation = Invocation(a_function(), b"{}", trace_id="Root=1-2-3")
        sandbox.domain.release(invocation)
    event = asking.result()

    assert event.json() == {
        "eventType": "INVOKE",
        "deadlineMs": 0,
        "requestId": invocation.request_id,
        "invokedFunctionArn": invocation.invoked_arn,
        "tracing": {"type": "X-Amzn-Trace-Id", "value": "Root=1-2-3"},
    }
    assert uuid.UUID(event.headers["lambda-extension-event-identifier"])


@pytest.mark.parametrize("path", ["event/next", "init/error", "exit/error"])
async def test_an_identifier_is_asked_for(sandbox: Sandbox, path: str) -> None:
    method = "GET" if path == "event/next" else "POST"
    header = "Lambda-Extension-Identifier"
    nobody = str(uuid.uuid4())

    missing = (403, "Extension.MissingExtensionIdentifier", f"Missing {header} header")
    assert await sandbox.refusal(method, f"{BASE}/{path}", **ERROR) == missing
    invalid = (403, "Extension.InvalidExtensionIdentifier", f"Invalid {header}")
    assert await sandbox.refusal(method, f"{BASE}/{path}", **ERROR, **{header: "1"}) == invalid
    status, error_type, message = await sandbox.refusal(method, f"{BASE}/{path}", **ERROR, **{header: nobody})
    assert (status, error_type) == (403, "Extension.UnknownExtensionIdentifier")
    assert message == (f"Unknown extension {nobody}" if path == "event/next" else f"Unknown {header}")


@pytest.mark.parametrize(("kind", "state"), [("init", State.INIT_ERROR), ("exit", State.EXIT_ERROR)])
async def test_an_error_is_reported_once_and_for_all(sandbox: Sandbox, kind: str, state: State) -> None:
    headers = await sandbox.registered("outside", "INVOKE")
    missing = (403, "Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found")
    assert await sandbox.refusal("POST", f"{BASE}/{kind}/error", **headers) == missing

    for error_type in ("Extension.First", "Extension.Second"):
        error = {"Lambda-Extension-Function-Error-Type": error_type}
        answer = await sandbox.ask("POST", f"{BASE}/{kind}/error", "{}", **headers, **error)
        assert (answer.status_code, answer.json()) == (202, {"status": "OK"})

    (extension,) = sandbox.domain.extensions
    assert (extension.state, extension.error_type) == (state, "Extension.First")
    message = f"State transition from {state.value} to Ready failed for extension {extension.identifier}. "
    message += "Error: State transition is not allowed"
    assert await sandbox.refusal("GET", f"{BASE}/event/next", **headers) == (
        403, "Extension.InvalidExtensionState", message,
    )  # fmt: skip


async def test_what_the_api_does_not_have(sandbox: Sandbox) -> None:
    for method, path in (("GET", "register"), ("POST", "event/next"), ("POST", "other")):
        status, error_type, message = await sandbox.refusal(method, f"{BASE}/{path}")
        assert (status, error_type, message) == (404, "NotFound", f"the Extensions API has no {method} {BASE}/{path}")


@pytest.mark.parametrize(("path", "what"), [("/2020-08-15/logs", "Logs"), ("/2022-07-01/telemetry", "Telemetry")])
async def test_a_subscription_is_answered_as_awss_emulator_does(sandbox: Sandbox, path: str, what: str) -> None:
    assert await sandbox.refusal("PUT", path) == (202, f"{what}.NotSupported", f"{what} API is not supported")
