"""One event through one function, its reply printed as it comes.

What hop this is: `python -m local invoke -> [invoke] -> dispatcher -> invocation`.

What the real tool does: `sam local invoke` runs a function with one event and prints the reply, all at once and in a
container (https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/using-sam-cli-local-invoke.html).

What differs here, on purpose:
1. the body goes to standard output chunk by chunk; status and headers of a streamed HTTP reply go to standard error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from local.config import Stack
from local.console import write_error
from local.dispatcher import Dispatcher, ThrottledError
from local.errors import EmulatorError
from local.invocation import FunctionError, Invocation
from local.wire import prelude


def read_event(source: str) -> bytes:
    """The event in file *source*, "-" for standard input. Raises `EmulatorError` when it is not there or not JSON."""
    name = "on standard input" if source == "-" else source
    try:
        event = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        json.loads(event)
    except OSError as error:
        raise EmulatorError(f"The event {name} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise EmulatorError(f"The event {name} is not JSON: {error}.") from error
    return event


async def invoke(
    stack: Stack, dispatcher: Dispatcher, name: str, event: bytes, *, write: Callable[[bytes], None]
) -> bool:
    """Run *event* through the function *name* and hand its reply to *write*; whether the function succeeded.

    Raises `EmulatorError` when there is no such function, or its reserved concurrency is 0.
    """
    function = stack.function(name)
    if function is None:
        names = ", ".join(function.logical_id for function in stack.functions)
        raise EmulatorError(f"The template has no function {name}; it has {names}.")
    invocation = Invocation(function, event)
    try:
        dispatcher.invoke(invocation)
    except ThrottledError as error:
        raise EmulatorError(f"The invocation was throttled: {error}.") from error
    succeeded = await _print_reply(invocation, write)
    await invocation.completed.wait()  # for its REPORT line
    return succeeded


async def _print_reply(invocation: Invocation, write: Callable[[bytes], None]) -> bool:
    try:
        parser = prelude.PreludeParser() if await invocation.started() == prelude.CONTENT_TYPE else None
        while (data := await invocation.reply.read()) is not None:
            if parser is None:
                write(data)
            elif parsed := parser.feed(data):
                parser = None
                _print_head(parsed[0])
                write(parsed[1])
        if parser:
            raise parser.unfinished()
    except FunctionError as error:
        write(error.failure.document + b"\n")
        return False
    except prelude.PreludeError as error:
        write_error(f"local: {error}")
        invocation.reply.abandon()
        return False
    return True


def _print_head(head: prelude.Prelude) -> None:
    write_error(f"HTTP {head.status}")
    for field, value in head.headers:
        write_error(f"{field.decode()}: {value.decode()}")
