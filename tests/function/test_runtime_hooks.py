"""What an async handler may ask of the runtime beside its reply: `async def body(write)`, work after the end of the
reply, a startup in the init phase, and a shutdown when the environment ends."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import psutil
import pytest

from lambda_runtime.response import Response
from tests.function.fake_runtime_api import REQUEST_ID, Event, FakeRuntimeApi, run, serve
from tests.function.runtime_process import gone, start

Write = Callable[[bytes | str], Awaitable[None]]


# async def body(write)


async def word_by_word(write: Write) -> None:
    for word in ["Once", b"upon", ""]:
        await write(word)


def test_a_body_may_write() -> None:
    """An empty item sends what has not been sent, which may be the prelude."""
    with FakeRuntimeApi(Event()) as api:

        async def body(write: Write) -> None:
            await write("")
            api.wait_for(lambda: api.received.endswith(b"\0" * 8 + b"\r\n"))
            await word_by_word(write)
            await asyncio.to_thread(api.wait_for, lambda: api.received.endswith(b"upon\r\n"))

        run(api, lambda event, context: Response(body))

    (reply,) = api.replies
    assert (b"".join(reply.chunks[1:]), reply.ended, reply.trailers) == (b"Onceupon", True, {})


def test_a_body_that_writes_nothing_still_has_a_status() -> None:
    async def body(write: Write) -> None: ...

    (reply,) = serve(lambda event, context: Response(body, 204))

    assert json.loads(reply.body.partition(b"\0")[0])["statusCode"] == 204


def test_a_body_that_writes_is_collected_where_the_caller_cannot_stream() -> None:
    (reply,) = serve(lambda event, context: Response(word_by_word), buffers=True)

    assert json.loads(reply.body)["body"] == "Onceupon"


@pytest.mark.parametrize("wrong", [1, None, ["a"], object])
def test_what_is_written_must_be_bytes_or_text(wrong: Any) -> None:
    async def body(write: Write) -> None:
        await write("Once")
        await write(wrong)

    (reply,) = serve(lambda event, context: Response(body))

    document = json.loads(base64.b64decode(reply.trailers["lambda-runtime-function-error-body"]))
    assert document["errorMessage"] == f"a body yields bytes or str, not {type(wrong).__name__}"


def test_a_generator_function_that_was_not_called_is_no_body() -> None:
    """Only an `async def` is called: this one was meant to be."""

    def body() -> Any:
        yield "Once"

    (reply,) = serve(lambda event, context: Response(body))

    assert (
        "a Response body is bytes, str or an iterable of them, not function" in json.loads(reply.body)["errorMessage"]
    )


# Response(background=...)


@pytest.mark.parametrize("body", ["whole", word_by_word], ids=["sync", "async"])
@pytest.mark.parametrize("buffers", [False, True])
def test_background_runs_between_the_reply_and_the_next_event(body: Any, buffers: bool) -> None:
    seen: list[list[str]] = []

    with FakeRuntimeApi(Event(), Event()) as api:

        async def background() -> None:
            await asyncio.sleep(0)
            assert api.requests[-1].ended
            seen.append([request.endpoint for request in api.requests])

        run(api, lambda event, context: Response(body, background=background), buffers=buffers)

    assert seen == [["next", "response"], ["next", "response"] * 2]


def test_background_may_be_a_plain_function() -> None:
    """As Starlette's background tasks may; it finds the context variables of its own invocation."""
    request: ContextVar[int] = ContextVar("request", default=0)
    seen: list[tuple[int, bool]] = []

    with FakeRuntimeApi(Event(), Event(headers={"Lambda-Runtime-Aws-Request-Id": "another"})) as api:

        async def handler(event: Any, context: Any) -> Response:
            request.set(request.get() + len(seen) + 1)
            return Response("whole", background=lambda: seen.append((request.get(), api.requests[-1].ended)))

        run(api, handler)

    assert seen == [(1, True), (2, True)]


def test_a_plain_background_function_needs_no_event_loop(tmp_path: Path) -> None:
    """Importing asyncio costs more than most of them."""
    source = """
import sys
from lambda_runtime.response import Response

def handler(event, context):
    return Response("whole", background=lambda: print("asyncio" in sys.modules))
"""
    with FakeRuntimeApi(Event()) as api:
        worker = start(api, tmp_path, source=source)

    assert worker.stdout == "False\n"


def test_background_that_was_called_already_is_refused() -> None:
    async def background() -> None: ...

    called = background()
    with pytest.raises(TypeError, match="background is a function to call, not coroutine; pass it uncalled"):
        Response("whole", background=called)  # type: ignore[arg-type]
    called.close()


@pytest.mark.parametrize("asynchronous", [False, True])
def test_background_that_fails_is_logged_and_no_more(asynchronous: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """The reply is out and stays whole."""

    def fail() -> None:
        raise LookupError("no queue")

    async def fail_later() -> None:
        fail()

    background = fail_later if asynchronous else fail
    first, second = serve(lambda event, context: Response("whole", background=background), Event(), Event())

    assert (first.endpoint, first.chunks[1:], first.trailers, second.chunks[1:]) == (
        "response", [b"whole"], {}, [b"whole"],
    )  # fmt: skip
    assert capsys.readouterr().out.count("[ERROR] LookupError: no queue") == 2


def test_background_is_cancelled_at_the_deadline(capsys: pytest.CaptureFixture[str]) -> None:
    async def background() -> None:
        await asyncio.Event().wait()

    (reply,) = serve(lambda event, context: Response("whole", background=background), Event(time_left_ms=200))

    assert (reply.endpoint, reply.ended, reply.trailers) == ("response", True, {})
    assert capsys.readouterr().out.startswith("[ERROR] Runtime.DeadlineExceeded: ")


# startup and shutdown, in real processes

HANDLER = """
import asyncio, os

class Handler:
    async def startup(self):
        self.loop = asyncio.get_running_loop()
        print("startup")
        if "STARTUP_FAILS" in os.environ:
            raise LookupError("no database")

    async def __call__(self, event, context):
        print("called")
        return self.loop is asyncio.get_running_loop()

    async def shutdown(self):
        assert self.loop is asyncio.get_running_loop()
        print("shutdown", flush=True)
        if "SHUTDOWN_FAILS" in os.environ:
            raise LookupError("it hangs")

handler = Handler()
"""


def test_startup_comes_before_the_first_event_and_shutdown_after_the_last(tmp_path: Path) -> None:
    """All on one event loop."""
    with FakeRuntimeApi(Event(), Event()) as api:
        process = start(api, tmp_path, source=HANDLER)

    assert process.stdout == "startup\ncalled\ncalled\nshutdown\n"
    assert process.stderr == gone(api)
    assert [request.body for request in api.replies] == [b"true", b"true"]


def test_a_decorated_handler_is_started_and_shut_down(tmp_path: Path) -> None:
    """As one of Powertools' or Sentry's decorators leaves it: a function that has no hooks of its own."""
    decorated = """
import functools

def decorator(function):
    @functools.wraps(function)
    def wrapper(event, context):
        return function(event, context)
    return wrapper

handler = decorator(decorator(handler))
"""
    with FakeRuntimeApi(Event()) as api:
        process = start(api, tmp_path, source=HANDLER + decorated)

    assert process.stdout == "startup\ncalled\nshutdown\n"


def test_a_startup_that_fails_is_an_init_error(tmp_path: Path) -> None:
    """No event is asked for, and there is nothing to shut down."""
    with FakeRuntimeApi(Event()) as api:
        process = start(api, tmp_path, source=HANDLER, environ={"STARTUP_FAILS": "1"})

    (request,) = api.requests
    assert request.target == "/2018-06-01/runtime/init/error"
    assert request.header("lambda-runtime-function-error-type") == "LookupError"
    assert json.loads(request.body)["errorMessage"] == "no database"
    assert json.loads(request.body)["stackTrace"][0].endswith('in startup\n    raise LookupError("no database")\n')
    assert (process.returncode, process.stdout.count("no database")) == (1, 2)  # the message, and the line of code
    assert "shutdown" not in process.stdout


def test_a_shutdown_that_fails_is_logged(tmp_path: Path) -> None:
    with FakeRuntimeApi() as api:
        process = start(api, tmp_path, source=HANDLER, environ={"SHUTDOWN_FAILS": "1"})

    assert process.stdout.startswith("startup\nshutdown\n[ERROR] LookupError: it hangs\n")
    assert process.stderr == gone(api)


class Paused(FakeRuntimeApi):
    """Has no event to give yet: `next` waits, as it does in an idle environment."""

    def _answer(self, http: Any, request: Any) -> bool:
        self._reading.wait()
        return False


def test_sigterm_ends_an_idle_environment_with_its_shutdown(tmp_path: Path) -> None:
    """Lambda sends it where an extension is registered, and nothing but SIGKILL where none is."""
    with Paused() as api:

        def terminate() -> None:
            api.wait_for(lambda: bool(api.requests))
            children = psutil.Process().children()
            (worker,) = [child for child in children if child.cmdline()[-1].endswith("lambda_runtime/__main__.py")]
            worker.terminate()

        thread = threading.Thread(target=terminate)
        thread.start()
        process = start(api, tmp_path, source=HANDLER)
        thread.join()

    assert (process.stdout, process.stderr, process.returncode) == ("startup\nshutdown\n", "", 0)


def test_methods_of_those_names_that_are_not_async_are_the_handlers_own(tmp_path: Path) -> None:
    source = """
class Handler:
    def startup(self): print("startup")
    shutdown = "yes"
    def __call__(self, event, context): return "served"
handler = Handler()
"""
    with FakeRuntimeApi(Event()) as api:
        process = start(api, tmp_path, source=source)

    assert (process.stdout, api.replies[0].body) == ("", b'"served"')


def test_the_request_id_is_in_the_log_of_background_work(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def background() -> None:
        raise LookupError("no queue")

    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", "JSON")
    serve(lambda event, context: Response("whole", background=background))

    record = json.loads(capsys.readouterr().out)
    assert (record["requestId"], record["errorMessage"]) == (REQUEST_ID, "no queue")
