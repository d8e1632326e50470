"""Notices changed code, so that the next request runs it.

What hop this is: beside the way of a request: `files -> [code_watch] -> dispatcher`.

What the real service does: code changes with a deployment; running invocations finish on the old code
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html). Here a saved file is the deployment.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from watchfiles import awatch

from local.config import Function

STEP_MS = 20  # how long a burst of changes may be quiet before it counts as over


async def watch_code(functions: tuple[Function, ...], on_change: Callable[[list[Function]], Awaitable[None]]) -> None:
    """Call *on_change* with the functions whose folder, or a layer of which, has changed; runs until cancelled."""
    folders = {folder for function in functions for folder in (function.code, *function.layers)}
    async for changes in awatch(*folders, step=STEP_MS, debounce=10 * STEP_MS, recursive=True):
        changed = [Path(path) for _, path in changes]
        concerned = [
            function
            for function in functions
            if any(path.is_relative_to(folder) for path in changed for folder in (function.code, *function.layers))
        ]
        if concerned:
            await on_change(concerned)
