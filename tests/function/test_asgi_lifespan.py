"""The lifespan of an application: what each mode makes of each way to start, and the end."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from lambda_asgi.asgi import App, Receive, Scope, Send
from lambda_asgi.lifespan import Lifespan, LifespanError, Mode
from lambda_asgi.streaming import Streaming
from tests.function.asgi_calls import Reply, end, given, start
from tests.function.fake_runtime_api import serve

COMPLETE = {"type": "lifespan.startup.complete"}
FAILED = "lifespan.startup.failed"


class Application:
    """Takes part as the specification's own example does, and keeps what happened; *failure* is the startup's."""

    def __init__(self, failure: str | None = None) -> None:
        self.log: list[str] = []
        self.scopes: list[Scope] = []
        self._failure = failure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        if scope["type"] == "http":
            scope["state"]["seen"] = True
            await send(start())
            await send(end())
            return
        while True:
            message = await receive()
            self.log.append(message["type"])
            if message["type"] == "lifespan.shutdown":
                await send({"type": "lifespan.shutdown.complete"})
                return
            scope["state"]["pool"] = self
            await send(COMPLETE if self._failure is None else {"type": FAILED, "message": self._failure})


def begin(app: App, mode: Mode) -> Lifespan:
    """Start *app* and leave it."""
    lifespan = Lifespan(app, mode)
    asyncio.run(asyncio.wait_for(lifespan.startup(), 5))
    return lifespan


@pytest.mark.parametrize("mode", ["auto", "on"])
def test_startup_then_shutdown(mode: Mode) -> None:
    """Once each, however often they are asked for."""
    app = Application()

    async def live() -> None:
        lifespan = Lifespan(app, mode)
        await lifespan.startup()
        await lifespan.startup()
        assert (app.log, lifespan.state) == (["lifespan.startup"], {"pool": app})
        await lifespan.shutdown()
        await lifespan.shutdown()

    asyncio.run(live())

    assert app.log == ["lifespan.startup", "lifespan.shutdown"]
    assert app.scopes == [
        {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {"pool": app}}
    ]


def test_off_is_never_called() -> None:
    app = Application()

    async def live() -> None:
        lifespan = Lifespan(app, "off")
        await lifespan.startup()
        await lifespan.shutdown()

    asyncio.run(live())

    assert app.scopes == []


async def refuses(scope: Scope, receive: Receive, send: Send) -> None:
    raise ValueError("only http here")


async def ignores(scope: Scope, receive: Receive, send: Send) -> None:
    return


async def answers_with_http(scope: Scope, receive: Receive, send: Send) -> None:
    await send(start())


@pytest.mark.parametrize("app", [refuses, ignores, answers_with_http])
def test_auto_tolerates_an_application_that_does_not_take_part(app: App, caplog: pytest.LogCaptureFixture) -> None:
    """It is told at level INFO why: an error in the application's own startup looks the same."""
    with caplog.at_level(logging.INFO, "lambda_asgi"):
        begin(app, "auto")

    assert [record.message for record in caplog.records] == [
        "The ASGI application does not take part in the lifespan protocol."
    ]
    assert ("only http here" in caplog.text) is (app is refuses)


@pytest.mark.parametrize(
    ("app", "error"),
    [
        (refuses, ValueError("only http here")),
        (ignores, LifespanError("The ASGI application returned without sending 'lifespan.startup.complete'.")),
        (
            answers_with_http,
            RuntimeError(
                "Expected ASGI message 'lifespan.startup.complete' or '.failed', but got 'http.response.start'."
            ),
        ),
    ],
)
def test_on_does_not(app: App, error: Exception) -> None:
    """Its own exception is the failure, if it has one."""
    with pytest.raises(type(error)) as caught:
        begin(app, "on")

    assert str(caught.value) == str(error)


@pytest.mark.parametrize("mode", ["auto", "on"])
@pytest.mark.parametrize(
    ("message", "told"), [("no database", "no database"), ("", "The ASGI application sent 'lifespan.startup.failed'.")]
)
def test_a_failed_startup_is_a_failure_in_both_modes(mode: Mode, message: str, told: str) -> None:
    """An application that waits for more after it is told to shut down, so that it ends."""
    app = Application(failure=message)

    with pytest.raises(LifespanError) as caught:
        begin(app, mode)

    assert (str(caught.value), app.log) == (told, ["lifespan.startup", "lifespan.shutdown"])


def test_what_a_failing_startup_raises_says_more_than_its_message() -> None:
    """Starlette sends the traceback as text and raises the exception itself."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": FAILED, "message": "Traceback (most recent call last): ..."})
        raise ConnectionRefusedError("no database")

    with pytest.raises(ConnectionRefusedError, match="no database"):
        begin(app, "auto")


def test_a_startup_that_failed_may_be_tried_again() -> None:
    """By the next request, where the runtime does not know of the startup."""
    app = Application(failure="no database yet")

    async def live() -> None:
        lifespan = Lifespan(app, "auto")
        with pytest.raises(LifespanError):
            await lifespan.startup()
        app._failure = None
        await lifespan.startup()
        await lifespan.shutdown()

    asyncio.run(live())

    assert app.log == ["lifespan.startup", "lifespan.shutdown"] * 2


def test_a_startup_that_is_cancelled_is_not_a_start() -> None:
    """The application is cancelled with it, and the next one starts anew."""
    begun = 0

    async def live() -> None:
        waits = asyncio.Event()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            nonlocal begun
            begun += 1
            if begun == 1:
                waits.set()
                await asyncio.Event().wait()
            await send(COMPLETE)

        lifespan = Lifespan(app, "on")
        start = asyncio.create_task(lifespan.startup())
        await asyncio.wait_for(waits.wait(), 5)
        start.cancel()
        await asyncio.wait([start])
        assert start.cancelled()
        if others := asyncio.all_tasks() - {asyncio.current_task()}:  # it may end in a turn of its own
            _, living = await asyncio.wait(others, timeout=5)
            assert not living
        await lifespan.startup()

    asyncio.run(live())

    assert begun == 2


@pytest.mark.parametrize(
    ("messages", "raises", "told"),
    [
        (["lifespan.shutdown.complete"], None, None),
        ([], None, None),
        (["lifespan.shutdown.failed"], None, "The ASGI application sent 'lifespan.shutdown.failed'."),
        (["lifespan.shutdown.failed"], ValueError("stuck"), "stuck"),
        ([], ValueError("stuck"), "stuck"),
        (
            ["lifespan.startup.complete"],
            None,
            "Expected ASGI message 'lifespan.shutdown.complete' or '.failed', but got 'lifespan.startup.complete'.",
        ),
    ],
)
def test_ends(messages: list[str], raises: Exception | None, told: str | None) -> None:
    """What goes wrong in a shutdown is raised, for the runtime to log."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(COMPLETE)
        await receive()
        for kind in messages:
            await send({"type": kind})
        if raises:
            raise raises

    async def live() -> None:
        lifespan = Lifespan(app, "on")
        await lifespan.startup()
        await lifespan.shutdown()

    if told is None:
        asyncio.run(live())
    else:
        with pytest.raises((RuntimeError, ValueError)) as caught:
            asyncio.run(live())
        assert str(caught.value) == told


# In the handler


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lifespan": "never"}, 'lifespan must be "auto", "on" or "off", not \'never\''),
        ({"root_path": "api"}, "root_path must begin with a slash, unlike 'api'"),
    ],
)
def test_options_that_are_none(options: Any, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        Streaming(refuses, **options)

    assert str(caught.value) == message


def test_a_handler_that_another_one_calls_starts_with_the_first_request() -> None:
    """The runtime sees the outer handler, which has no `startup`; the lifespan is one for all requests all the same."""
    app = Application()
    streaming = Streaming(app)

    async def handler(event: Any, context: Any) -> Any:
        return await streaming(event, context)

    first, second = serve(handler, given(), given())

    assert [Reply.of(request).prelude["statusCode"] for request in (first, second)] == [200, 200]
    assert app.log == ["lifespan.startup"]


def test_each_request_has_its_own_copy_of_the_state() -> None:
    app = Application()

    serve(Streaming(app, root_path="/api/"), given(), given())

    lifespan, first, second = app.scopes
    assert (lifespan["state"], first["state"], second["state"]) == (
        {"pool": app}, {"pool": app, "seen": True}, {"pool": app, "seen": True},
    )  # fmt: skip
    assert first["state"] is not second["state"]
    assert (first["root_path"], first["path"]) == ("/api", "/api/")


def test_startup_that_fails_with_the_first_request_is_its_error() -> None:
    first, second = serve(Streaming(Application(failure="no database")), given(), given())

    for request in (first, second):
        assert request.header("lambda-runtime-function-error-type") == "LifespanError"
