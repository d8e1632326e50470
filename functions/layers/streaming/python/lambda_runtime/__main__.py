"""Starts the runtime: `bootstrap` runs this file as a script.

What the real service does: it starts the bootstrap with the function's settings in environment variables
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime). A handler that
cannot be loaded, or whose `startup` fails, is reported to `/init/error`, and the process exits. With SnapStart the init
phase ends in a snapshot.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Load the handler, then serve until the environment ends. Exits with 1 after a failure."""
    # Not pathlib: importing it costs a cold start 4 ms. This file is <opt>/python/lambda_runtime/__main__.py.
    opt = __file__.rsplit("/", 3)[0]
    sys.path[0] = f"{opt}/python"  # instead of the package's own folder, whose files are no top-level modules
    from lambda_runtime import handler, search_path
    from lambda_runtime.client import Client, RuntimeApiError
    from lambda_runtime.faults import Fault
    from lambda_runtime.logging_hook import LoggingHook
    from lambda_runtime.loop import Loop

    search_path.prepare(sys.path, os.environ, opt)
    for stream in (sys.stdout, sys.stderr):
        # A line is in the log once it is written, and no character in it can make writing it an error.
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    try:
        client = Client(os.environ["AWS_LAMBDA_RUNTIME_API"])
        name = os.environ["_HANDLER"]
    except KeyError as error:
        sys.exit(f"bootstrap: {error.args[0]} is not set. This program is started by Lambda, or by `python -m local`.")
    logging_hook = LoggingHook()
    logging_hook.install()
    try:
        try:
            function = handler.load(name)
            loop = Loop(
                client,
                function,
                logging_hook,
                starts_async=any(map(handler.is_async, handler.unwrapped(function))),
                buffers=os.environ.get("AWS_SAM_LOCAL") == "true",
            )
            loop.start_up()
        except Exception as error:  # noqa: BLE001 - whatever the function's modules raise is an init error
            fault = Fault.of(error)
            fault.log()
            client.init_error(fault)
            sys.exit(1)
        if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
            from lambda_runtime import snapshot

            snapshot.take(client)
        loop.run()
    except RuntimeApiError as error:
        sys.exit(f"bootstrap: {error}")


if __name__ == "__main__":
    main()
