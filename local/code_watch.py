"""Notices changed code, so that the next request runs it, and a changed template.

What hop this is: beside the way of a request: `files -> [code_watch] -> dispatcher`.

What the real service does: code changes with a deployment; running invocations finish on the old code
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html). Here a saved file is the deployment.

What differs here, on purpose:
1. a template is read once: that it has changed is noticed, and no more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from local.config import Function
from local.file_watch import UnwatchableError, watch_files


async def watch_code(
    functions: tuple[Function, ...],
    template: Path,
    *,
    on_change: Callable[[list[Function]], Awaitable[None]],
    note: Callable[[str], None],
) -> None:
    """Call *on_change* with the functions whose folder, or a layer of which, has changed; runs until cancelled.

    Call *note* with a sentence when *template* says something else than now, and when nothing can be watched.
    """
    now = _content(template)

    async def on_paths(changed: set[Path]) -> None:
        if template in changed and _content(template) not in (now, None):
            note(f"{template.name} has changed; that takes effect with the next start")
        if concerned := [each for each in functions if not changed.isdisjoint((each.code, *each.layers))]:
            await on_change(concerned)

    folders = {folder for function in functions for folder in (function.code, *function.layers)}
    try:
        await watch_files(folders | {template}, on_paths)
    except UnwatchableError as error:
        note(f"Changed code takes no effect until the next start, for it cannot be watched: {error}")


def _content(path: Path) -> bytes | None:
    """None while it is not there: editors that take it away put another in its place."""
    try:
        return path.read_bytes()
    except OSError:
        return None
