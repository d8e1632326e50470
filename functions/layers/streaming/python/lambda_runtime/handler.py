"""Finds the function that `_HANDLER` names.

What this is: `__main__ -> [handler] -> loop`.

What the real service does: the managed runtime reports a handler that cannot be loaded with one of five error types
and these sentences (AWS's client, `awslambdaric/bootstrap.py`), so that dashboards built on them keep working.

What differs here, on purpose:
1. what the function's own module cannot import is reported with the imports that led to it;
2. an ASGI application, which takes no event, is refused with the way to serve it.
"""

from __future__ import annotations

import importlib
import sys

from lambda_runtime.faults import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Handler = Callable[[object, object], object]


COROUTINE, ASYNC_GENERATOR = 0x80, 0x200  # in the flags of a function's code


def load(name: str) -> Handler:
    """The object that *name* (`module.function`, folders with `/`) stands for.

    Raises `Fault` for a malformed name, a module that cannot be imported, a missing function, or an ASGI application.
    An exception of another kind that the module raises while it is imported passes through.
    """
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{name}': it must read module.function")
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault("Runtime.BuiltInModuleConflict", f"Cannot use built-in module {module_name} as a handler module")
    dotted_name = module_name.replace("/", ".")
    try:
        module = importlib.import_module(dotted_name)
    except ImportError as error:
        # It or the folder that it should be in; one that lacks a name only is there, in a cycle of imports perhaps.
        is_missing = isinstance(error, ModuleNotFoundError) and f"{dotted_name}.".startswith(f"{error.name}.")
        trace = [] if is_missing else Fault.of(error).trace
        message = f"Unable to import module '{module_name}': {error}"
        raise Fault("Runtime.ImportModuleError", message, trace) from error
    except SyntaxError as error:
        line = f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'
        raise Fault(
            "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", [line]
        ) from error
    try:
        handler: Handler = getattr(module, function_name)
    except AttributeError as error:
        raise Fault(
            "Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'"
        ) from error
    if _is_asgi(handler):
        advice = f"write handler = Streaming({function_name}), with Streaming from lambda_asgi.streaming, and name that"
        raise Fault("Runtime.HandlerNotFound", f"Handler '{name}' is an ASGI application; {advice}")
    return handler


def _is_asgi(handler: object) -> bool:
    for function in (handler, type(handler).__call__):
        names = getattr(getattr(function, "__code__", None), "co_varnames", ())
        if ("scope", "receive", "send") in (names[:3], names[1:4]):
            return True
    return False


def unwrapped(handler: object) -> Iterator[object]:
    """*handler*, and what is inside it where decorators wrapped it (`functools.wraps`), the innermost last."""
    yield handler
    while handler := getattr(handler, "__wrapped__", None):
        yield handler


def is_async(handler: object, kinds: int = COROUTINE | ASYNC_GENERATOR) -> bool:
    """Whether calling *handler* gives something to await or to iterate asynchronously; *kinds* says which of them.

    Reads the code flags as `inspect` would, without importing it: 10 ms of a cold start.
    """
    for function in (handler, type(handler).__call__):
        if getattr(getattr(function, "__code__", None), "co_flags", 0) & kinds:
            return True
    return False
