"""Finding the handler, and what is said where there is none: the types and sentences of AWS's own client."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from awslambdaric.bootstrap import _get_handler
from awslambdaric.lambda_runtime_exception import FaultException

from lambda_runtime import handler
from lambda_runtime.faults import Fault

Write = Callable[[str, str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a module of the function; all of them are forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def file(name: str, source: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield file
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("app_one.py", "app_one.handler"),
        ("package_one/inner/app.py", "package_one/inner/app.handler"),
        ("package_two/app.py", "package_two.app.handler"),
    ],
)
def test_the_function_that_the_name_stands_for(file: str, name: str, write: Write) -> None:
    write(file, "def handler(event, context):\n    return [event, context]\n")

    found: Any = handler.load(name)
    assert found is _get_handler(name)
    assert found(1, 2) == [1, 2]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("", "app_two"),
        ("", ""),
        ("", "sys.handler"),
        ("", "time.sub.handler"),
        ("", "no_such_module.handler"),
        ("", "no/such/module.handler"),
        ("import no_such_dependency", "app_two.handler"),
        ("from json import no_such_name", "app_two.handler"),
        ("def handler(:\n    pass\n", "app_two.handler"),
        ("if True:\nx = 1\n", "app_two.handler"),
        ("other = 1", "app_two.handler"),
        ("handler = 1", "app_two.handlers"),
    ],
)
def test_a_handler_that_cannot_be_loaded(source: str, name: str, write: Write) -> None:
    """Error type, message and trace as from AWS.

    But for the name without a dot, where AWS quotes an internal error, and the trace of an import, where it has none.
    """
    write("app_two.py", source)
    with pytest.raises(FaultException) as expected:
        _get_handler(name)
    with pytest.raises(Fault) as caught:
        handler.load(name)

    assert caught.value.error_type == expected.value.exception_type
    if "import" not in source:
        assert caught.value.trace == (expected.value.trace or [])
    if caught.value.error_type == "Runtime.MalformedHandlerName":
        assert caught.value.message == f"Bad handler '{name}': it must read module.function"
    else:
        assert caught.value.message == expected.value.msg


@pytest.mark.parametrize(
    "source",
    [
        "from fastapi import FastAPI\napp = FastAPI()\n",
        "from starlette.applications import Starlette\napp = Starlette()\n",
        "async def app(scope, receive, send): ...\n",
    ],
)
def test_an_asgi_application_is_no_handler(source: str, write: Write) -> None:
    """Without this, every request fails for a missing argument."""
    write("app_six.py", f"from lambda_asgi.streaming import Streaming\n{source}handler = Streaming(app)\n")

    with pytest.raises(
        Fault, match=r"^Handler 'app_six.app' is an ASGI application; write handler = Streaming\(app\), "
    ):
        handler.load("app_six.app")
    assert handler.load("app_six.handler")


def test_the_trace_of_an_import_leads_to_the_module_that_is_missing(write: Write, tmp_path: Path) -> None:
    write("app_four.py", "import settings_four\n")
    write("settings_four.py", "\nimport no_such_dependency\n")
    with pytest.raises(Fault) as caught:
        handler.load("app_four.handler")

    assert caught.value.trace == [
        f'  File "{tmp_path}/app_four.py", line 1, in <module>\n    import settings_four\n',
        f'  File "{tmp_path}/settings_four.py", line 2, in <module>\n    import no_such_dependency\n',
    ]


def test_the_trace_of_a_cycle_of_imports_leads_around_it(write: Write, tmp_path: Path) -> None:
    write("app_five.py", "import views_five\n")
    write("views_five.py", "from app_five import handler\n")
    with pytest.raises(Fault) as caught:
        handler.load("app_five.handler")

    assert caught.value.trace == [
        f'  File "{tmp_path}/app_five.py", line 1, in <module>\n    import views_five\n',
        f'  File "{tmp_path}/views_five.py", line 1, in <module>\n    from app_five import handler\n',
    ]


@pytest.mark.parametrize("name", ["app_three.handler", ".handler"])
def test_an_exception_of_the_modules_own_passes_through(name: str, write: Write) -> None:
    write("app_three.py", "raise ValueError('not today')")
    with pytest.raises(ValueError) as expected:
        _get_handler(name)

    with pytest.raises(ValueError, match=f"^{expected.value}$"):
        handler.load(name)
