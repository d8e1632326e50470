"""Events from JSON, buffered replies to JSON.

What this is: `client -> [marshal] -> handler -> [marshal] -> client`.

What the real service does: the managed runtime encodes with simplejson (`awslambdaric/lambda_runtime_marshaller.py`):
characters as they are, `Decimal` as a number with all its digits, a named tuple as an object, bytes inside as UTF-8
text, NaN allowed; bytes as the whole reply go out untouched as `application/unknown`. The standard library's encoder
is brought to the same result here, without another import on the way to the first byte.
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
    except (ValueError, RecursionError) as error:
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
    mark = os.urandom(8).hex()  # json cannot write a number of ours, so it goes out as a marked string

    def default(other: object) -> object:
        from decimal import Decimal  # only a value that json does not know needs it

        if not isinstance(other, Decimal):
            raise TypeError(f"Object of type {type(other).__name__} is not JSON serializable")
        return float("nan") if other.is_nan() else f"{mark}{other}{mark}"

    ascii_only = os.environ.get("AWS_EXECUTION_ENV", "").startswith(_ASCII_ONLY_RUNTIMES)
    text = json.dumps(_plain(value), default=default, ensure_ascii=ascii_only)
    return text.replace(f'"{mark}', "").replace(f'{mark}"', "")


def _plain(value: object) -> object:
    """*value* with its named tuples, and what else has an `_asdict`, as dicts and its bytes as text."""
    if isinstance(value, dict):
        return {_plain(key) if isinstance(key, bytes) else key: _plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return value.decode()
    if hasattr(value, "_asdict"):
        return _plain(value._asdict())
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
