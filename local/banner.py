"""What a person wants to know at the start: the addresses, and what the template asks for in vain.

What hop this is: none; `commands` prints it when the emulator serves.
"""

from __future__ import annotations

from collections.abc import Callable

from local.config import Function, Stack


def banner(stack: Stack, *, url: str, aws_url: str, url_of: Callable[[Function], str]) -> list[str]:
    """The lines about *stack*, with *url* for the edge and *url_of* for the address of a function's URL."""
    served = stack.distribution or not stack.functions  # by what will be deployed, if by nothing yet
    edge = ("page and stream", f"{url}/") if served else ("edge", f"{url}/  nothing: the template has no distribution")
    rows = [edge, ("AWS endpoint", f"{aws_url}/")]
    for function in stack.functions:
        if function.url:
            mode, auth = function.url.invoke_mode, function.url.auth_type
            rows.append((function.logical_id, f"{url_of(function)}  {mode}, {auth}"))
    width = max(len(name) for name, _ in rows)
    addresses = [f"  {name:{width}}  {address}" for name, address in rows]
    waiting = [] if stack.functions else [f"  Nothing is deployed yet: AWS_ENDPOINT_URL={aws_url} sam deploy"]
    if stack.functions and not any(function.url for function in stack.functions):
        name = stack.functions[0].logical_id
        waiting = [f"  No function has a URL: add a FunctionUrlConfig, or run python -m local invoke {name}"]
    warnings = [f"  {text}" for text in stack.warnings]
    return [*addresses, *waiting, *warnings, "The local Lambda runs; Ctrl-C ends it."]
