"""A handler for the managed Python runtime."""

from __future__ import annotations

import importlib.util
import os
from typing import Any


def echo(event: Any, context: Any) -> dict[str, object]:
    """What it was given, and what it finds."""
    if event == [["raise"]]:
        raise ValueError("as asked")
    import shared

    return {
        "event": event,
        "layer": shared.layer,
        "found": [name for name in ("from_one", "from_two", "from_three") if importlib.util.find_spec(name)],
        "request_id": context.aws_request_id,
        "function_name": context.function_name,
        "memory": context.memory_limit_in_mb,
        "trace_id": os.environ.get("_X_AMZN_TRACE_ID"),
    }
