"""S3: what runs a streaming function, for how long, and at whose cost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from local.lint import links
from local.lint.finding import Fault, Rule, Severity, rule
from local.lint.functions import DEFAULT_TIMEOUT_SECONDS, WRAPPER, Files, Function
from local.lint.template import Template

# Of the managed runtimes only Node.js streams; .NET has a preview.
_CANNOT_STREAM = ("python", "ruby", "java")
_LONGEST_TIMEOUT_SECONDS = 900
_CHEAP_TIMEOUT_SECONDS = 60
_OPT, _TASK = "/opt/", "/var/task/"


@rule("S301", Severity.ERROR, "Managed runtime that cannot stream", link=links.STREAMING)
def cannot_stream(template: Template) -> Iterator[Fault]:
    """Of the managed runtimes Node.js streams; Python and the others send the whole reply at its end, whatever the
    URL's InvokeMode, unless something takes the place of their loop."""
    for function in _streaming(template):
        runtime = function.runtime or ""
        if runtime.startswith(_CANNOT_STREAM) and function.variable(WRAPPER).absent:
            yield Fault(
                function.value.get("Runtime"),
                f"The managed runtime {runtime} does not stream, so the URL buffers; add a layer that does, such as "
                f"functions/layers/streaming or the Lambda Web Adapter, and set {WRAPPER} to /opt/bootstrap.",
            )


@rule("S302", Severity.WARNING, "Wrapper script on an OS-only runtime", link=links.WRAPPERS)
def wrapper_unsupported(template: Template) -> Iterator[Fault]:
    """Wrapper scripts are not supported on the provided runtimes: there `bootstrap` is itself the entry point. Where
    there is one, the variable does no harm."""
    for function in template.functions:
        wrapper = function.variable(WRAPPER)
        if (function.runtime or "").startswith("provided") and not wrapper.absent:
            yield Fault(
                wrapper,
                f"{WRAPPER} does nothing on {function.runtime}; remove it, and have an executable `bootstrap` "
                "in the function's code or in a layer.",
            )


@rule("S303", Severity.ERROR, "Wrapper script that is not there", link=links.WRAPPERS)
def wrapper_missing(template: Template) -> Iterator[Fault]:
    """Lambda starts the file that AWS_LAMBDA_EXEC_WRAPPER names, and the function fails where there is none."""
    for function in template.functions:
        wrapper = function.variable(WRAPPER)
        found = _wrapper(function)
        if found is not None and not any(found):
            yield Fault(
                wrapper,
                f"{WRAPPER} is {wrapper.text}, and neither the function nor its layers bring that file; "
                "add the layer that does, or mend the path.",
            )


@rule("S304", Severity.ERROR, "Script without leave to be executed", link=links.CUSTOM_RUNTIMES)
def not_executable(template: Template) -> Iterator[Fault]:
    """A wrapper or bootstrap has to be executable; `sam build` ships a plain file without a word, and the function
    fails when it starts."""
    for function in template.functions:
        scripts = _bootstrap(function) if _is_provided(function) else _wrapper(function)
        for script in scripts or []:
            if script is not None and not os.access(script, os.X_OK):
                named = function.value.get("Runtime") if _is_provided(function) else function.variable(WRAPPER)
                yield Fault(
                    named,
                    f"{script.name} is not executable ({script}); run chmod +x on it, "
                    "and git update-index --chmod=+x where git does not see modes.",
                )


@rule("S305", Severity.ERROR, "OS-only runtime without a bootstrap", link=links.CUSTOM_RUNTIMES)
def bootstrap_missing(template: Template) -> Iterator[Fault]:
    """On the provided runtimes Lambda starts `bootstrap`, from the function's code or from a layer."""
    for function in template.functions:
        found = _bootstrap(function) if _is_provided(function) else None
        if found is not None and not any(found):
            yield Fault(
                function.value.get("Runtime"),
                f"{function.runtime} starts a file named bootstrap, and neither the function nor its layers bring one; "
                "add it, or use a managed runtime.",
            )


@rule("S306", Severity.WARNING, "Stream cut off after three seconds", link=links.FUNCTION_TIMEOUT)
def default_timeout(template: Template) -> Iterator[Fault]:
    """The timeout bounds the whole stream, and without one it is 3 seconds."""
    for function in _streaming(template):
        if function.value.get("Timeout").absent:
            yield Fault(
                function.value.get("Timeout"),
                f"The function streams and has no Timeout, so every stream ends after {DEFAULT_TIMEOUT_SECONDS} s; "
                "set it to the longest stream there is.",
            )


@rule("S307", Severity.ERROR, "Timeout beyond what Lambda allows", link=links.FUNCTION_TIMEOUT)
def endless(template: Template) -> Iterator[Fault]:
    """A function runs for at most 900 seconds; a longer story has to be resumed."""
    for function in _streaming(template):
        if (function.timeout_seconds or 0) > _LONGEST_TIMEOUT_SECONDS:
            yield Fault(
                function.value.get("Timeout"),
                f"Timeout is {function.timeout_seconds} s and Lambda allows {_LONGEST_TIMEOUT_SECONDS}; "
                "end the stream before, and let the client resume it.",
            )


@rule("S308", Severity.WARNING, "Long streams without a limit on how many", link=links.STREAMING)
def no_cost_guard(template: Template) -> Iterator[Fault]:
    """A viewer who leaves does not end the stream, and its whole duration is billed; only reserved concurrency
    bounds how many run at once."""
    for function in _streaming(template):
        seconds = function.timeout_seconds or 0
        if seconds > _CHEAP_TIMEOUT_SECONDS and function.value.get("ReservedConcurrentExecutions").absent:
            yield Fault(
                function.value.get("Timeout"),
                f"Each stream may run for {seconds} s, also after its viewer has left, and nothing limits how many do; "
                "set ReservedConcurrentExecutions, or a shorter Timeout.",
            )


RULES: tuple[Rule, ...] = (
    cannot_stream,
    wrapper_unsupported,
    wrapper_missing,
    not_executable,
    bootstrap_missing,
    default_timeout,
    endless,
    no_cost_guard,
)


def _streaming(template: Template) -> Iterator[Function]:
    """The functions with a URL that streams."""
    targets = {url.function_name for url in template.urls if url.streams}
    return (function for function in template.functions if function.name in targets)


def _is_provided(function: Function) -> bool:
    return (function.runtime or "").startswith("provided")


def _wrapper(function: Function) -> list[Path | None] | None:
    """The files that the wrapper script may be; None when it is not known, or when there is no wrapper."""
    path = function.variable(WRAPPER).text or ""
    if path.startswith(_TASK):
        return _looked_for(path.removeprefix(_TASK), [function.code])
    if path.startswith(_OPT) and not function.foreign_layers:
        return _looked_for(path.removeprefix(_OPT), function.layers)
    return None


def _bootstrap(function: Function) -> list[Path | None] | None:
    return None if function.foreign_layers else _looked_for("bootstrap", [function.code, *function.layers])


def _looked_for(name: str, places: list[Files] | tuple[Files, ...]) -> list[Path | None] | None:
    """The file in each place; None when it is in none of them and a build may put it there."""
    found = [files.path(name) for files in places]
    return None if not any(found) and any(files.may_grow for files in places) else found
