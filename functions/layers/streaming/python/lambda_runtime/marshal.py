"""Events from JSON, buffered replies to JSON.

What this is: `client -> [marshal] -> handler -> [marshal] -> client`.

What the real service does: the managed runtime encodes with simplejson (`awslambdaric/lambda_runtime_marshaller.py`):
characters as they are, `Decimal` as a number with all its digits, a named tuple as an object, NaN allowed; bytes go
out untouched as `application/unknown`. The standard library's encoder is brought to the same result here, without
another import on the way to the first byte.
"""

from __future__ import annotations

import json
import os

from lambda_runtime.faults import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lambda_runtime.client import Invocation

_ASCII_ONLY_RUNTIMES = ("AWS_Lambda_python3.9", "AWS_Lambda_python3.10", "AWS_Lambda_python3.11")


def event_of(invocation: Invocation) -> object:
    """The event as the handler gets it: decoded JSON, or bytes when it came as something else.

    Raises `Fault` for what is not JSON.
    """
    if invocation.content_type != "application/json":
        return invocation.event
    try:
        return json.loads(invocation.event)
    except ValueError as error:
        raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from error


def reply_of(result: object) -> tuple[bytes, str]:
    """The body and content type of the buffered reply for what a handler returned.

    Raises `Fault` for what cannot be JSON.
    """
    if isinstance(result, bytes):
        return result, "application/unknown"
    try:
        return _encode(result).encode(), "application/json"
    except (TypeError, ValueError, RecursionError) as error:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def _encode(value: object) -> str:
    numbers: dict[str, str] = {}  # placeholder -> digits, since json has no way to write a number of its own

    def default(other: object) -> object:
        from decimal import Decimal  # only a value that json does not know needs it

        if not isinstance(other, Decimal):
            raise TypeError(f"Object of type {type(other).__name__} is not JSON serializable")
        if other.is_nan():
            return float("nan")
        placeholder = f"{id(numbers)}/{len(numbers)}/{os.urandom(8).hex()}"
        numbers[f'"{placeholder}"'] = str(other)
        return placeholder

    ascii_only = os.environ.get("AWS_EXECUTION_ENV", "").startswith(_ASCII_ONLY_RUNTIMES)
    text = json.dumps(_as_objects(value), default=default, ensure_ascii=ascii_only)
    for placeholder, digits in numbers.items():
        text = text.replace(placeholder, digits)
    return text


def _as_objects(value: object) -> object:
    """*value* with its named tuples as dicts."""
    if isinstance(value, dict):
        return {key: _as_objects(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        if hasattr(value, "_asdict"):
            return _as_objects(value._asdict())
        return [_as_objects(item) for item in value]
    return value
