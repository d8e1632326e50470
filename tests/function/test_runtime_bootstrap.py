"""The start of a worker process: `bootstrap` in both its places, the search path, the handler, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.function.fake_runtime_api import Event, FakeRuntimeApi
from tests.function.runtime_process import LAYER, WRAPPED, gone, start

PACKAGES = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
NOT_STARTED_BY_LAMBDA = "is not set. This program is started by Lambda, or by `python -m local`.\n"
ECHO = "def handler(event, context):\n    return event\n"
# Whatever of these is loaded before the first byte is a wait that every viewer of a cold start sees.
HEAVY = {
    "asyncio",
    "concurrent.futures",
    "contextlib",
    "dataclasses",
    "datetime",
    "decimal",
    "email",
    "hashlib",
    "http",
    "inspect",
    "linecache",
    "logging",
    "pathlib",
    "random",
    "runpy",
    "select",
    "selectors",
    "socket",
    "ssl",
    "subprocess",
    "tempfile",
    "threading",
    "traceback",
    "typing",
    "urllib",
    "uuid",
}


def answer(api: FakeRuntimeApi) -> Any:
    """The one buffered reply, decoded."""
    (reply,) = api.replies
    assert reply.endpoint == "response", reply.body
    return json.loads(reply.body)


@pytest.fixture
def opt(tmp_path: Path) -> Path:
    """A folder as /opt is with this layer and a second one, whose packages are in both places that Lambda knows."""
    opt = tmp_path / "opt"
    (opt / "python" / PACKAGES).mkdir(parents=True)
    (opt / "bootstrap").symlink_to(LAYER / "bootstrap")
    (opt / "python/lambda_runtime").symlink_to(LAYER / "python/lambda_runtime")
    return opt


# bootstrap


def test_as_a_wrapper_it_runs_the_interpreter_it_is_given(tmp_path: Path) -> None:
    source = "import sys\ndef handler(event, context):\n    return [sys.executable, sys.argv[1:]]\n"
    with FakeRuntimeApi(Event()) as api:
        start(api, tmp_path, source=source, command=WRAPPED)

    assert answer(api) == [sys.executable, []]


def test_as_an_entry_point_it_runs_the_first_python3_on_path(tmp_path: Path) -> None:
    source = "import sys\ndef handler(event, context):\n    return sys.executable\n"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python3").symlink_to(sys.executable)
    with FakeRuntimeApi(Event()) as api:
        start(
            api,
            tmp_path,
            source=source,
            command=[LAYER / "bootstrap"],
            environ={"PATH": f"{tmp_path}/bin:/usr/bin:/bin"},
        )

    assert answer(api) == f"{tmp_path}/bin/python3"


def test_without_a_python3_it_says_so(tmp_path: Path) -> None:
    ended = start(None, tmp_path, command=[LAYER / "bootstrap"], environ={"PATH": str(tmp_path)})

    assert (ended.returncode, ended.stdout) == (127, "")
    assert ended.stderr == (
        f"bootstrap: no python3 on PATH ({tmp_path}). "
        "Put one into the function or a layer, or use a managed python runtime.\n"
    )


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"AWS_LAMBDA_RUNTIME_API": ""}, f"AWS_LAMBDA_RUNTIME_API {NOT_STARTED_BY_LAMBDA}"),
        ({"_HANDLER": ""}, f"_HANDLER {NOT_STARTED_BY_LAMBDA}"),
        (
            {"AWS_LAMBDA_RUNTIME_API": "localhost"},
            "the Runtime API at localhost is gone: 'localhost' is not host:port\n",
        ),
    ],
)
def test_without_what_lambda_sets_it_says_so(environ: dict[str, str], sentence: str, tmp_path: Path) -> None:
    variables = {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9", **environ}
    ended = start(None, tmp_path, source=ECHO, environ=variables)

    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", f"bootstrap: {sentence}")


@pytest.mark.parametrize(
    ("definition", "messages"),
    [("def", ["not today", "not today"]), ("async def", ["cannot import name 'EXACT_TOKEN_TYPES' from 'token'"])],
)
def test_a_module_named_like_one_of_the_library_keeps_nothing_from_being_reported(
    definition: str, messages: list[str], tmp_path: Path
) -> None:
    """It is found in the library's place when that is first needed: for a trace, or for an event loop."""
    (tmp_path / "token.py").write_text("SECRET = 'x'\n")
    with FakeRuntimeApi(Event(), Event()) as api:
        start(api, tmp_path, source=f"{definition} handler(event, context):\n    raise ValueError('not today')")

    reports = [json.loads(request.body) for request in api.requests if request.method == "POST"]
    assert [report["errorMessage"].partition(" (")[0] for report in reports] == messages
    for report in reports:
        (reason,) = report["stackTrace"]
        assert reason.startswith("No stack trace: cannot import name 'EXACT_TOKEN_TYPES' from 'token'")


# The end


def test_when_the_runtime_api_is_gone_it_exits_with_one_sentence(tmp_path: Path) -> None:
    with FakeRuntimeApi(Event(body=b'"one"')) as api:
        ended = start(api, tmp_path, source=ECHO)

    assert answer(api) == "one"
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", gone(api))


def test_when_the_runtime_api_says_so_it_exits_with_one_sentence(tmp_path: Path) -> None:
    with FakeRuntimeApi(Event(status=500, answer=b"{}"), Event()) as api:
        ended = start(api, tmp_path, source=ECHO)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "bootstrap: the Runtime API calls its state non-recoverable: 500 b'{}'\n"


@pytest.mark.parametrize(
    ("source", "error_type", "message"),
    [
        (
            "import no_such_module",
            "Runtime.ImportModuleError",
            "Unable to import module 'app': No module named 'no_such_module'",
        ),
        ("raise ValueError('not today')", "ValueError", "not today"),
    ],
)
def test_a_handler_that_cannot_be_loaded_is_an_init_error(
    source: str, error_type: str, message: str, tmp_path: Path
) -> None:
    """Reported, logged, and the process exits without asking for an event. The trace begins with the function."""
    with FakeRuntimeApi() as api:
        ended = start(api, tmp_path, source=source)

    (report,) = api.requests
    document = json.loads(report.body)
    trace = [f'  File "{tmp_path}/app.py", line 1, in <module>\n    {source}\n']
    assert (report.method, report.target) == ("POST", "/2018-06-01/runtime/init/error")
    assert report.header("lambda-runtime-function-error-type") == error_type
    assert document == {"errorMessage": message, "errorType": error_type, "requestId": "", "stackTrace": trace}
    assert (ended.returncode, ended.stderr) == (1, "")
    assert ended.stdout.startswith(f"[ERROR] {error_type}: {message}\n")


def test_a_function_that_exits_takes_the_process_with_it(tmp_path: Path) -> None:
    """As with AWS's client: only an Exception is reported; Lambda sees the exit and says so."""
    with FakeRuntimeApi(Event()) as api:
        ended = start(api, tmp_path, source="import sys\ndef handler(event, context):\n    sys.exit(3)\n")

    assert (ended.returncode, api.replies) == (3, [])


# The search path

PATHS = """
import os, sys
def handler(event, context):
    return {"path": sys.path, "PYTHONPATH": os.environ.get("PYTHONPATH")}
"""


def standard_library() -> list[str]:
    """What every interpreter of this environment has on its path, by itself."""
    found = subprocess.check_output([sys.executable, "-c", "import sys; print('\\n'.join(sys.path[1:]))"], text=True)
    return found.splitlines()


def test_the_search_path_of_a_managed_runtime(tmp_path: Path, opt: Path) -> None:
    """The function, the layers, what was installed into the runtime, what AWS ships, the standard library."""
    command = (opt / "bootstrap", *WRAPPED[1:])
    with FakeRuntimeApi(Event()) as api:
        start(api, tmp_path, source=PATHS, command=command, environ={"LAMBDA_RUNTIME_DIR": "/var/runtime"})

    front = [str(tmp_path), f"{opt}/python/{PACKAGES}", f"{opt}/python", f"{sys.prefix}/{PACKAGES}", "/var/runtime"]
    assert answer(api) == {"path": [*front, *standard_library()], "PYTHONPATH": "/var/runtime"}


@pytest.mark.parametrize("value", ["/one:/two", ""])
def test_the_search_path_where_the_function_sets_pythonpath(value: str, tmp_path: Path, opt: Path) -> None:
    """Its own value decides, even an empty one, and its children inherit it as it is."""
    command = ("/usr/bin/env", f"PYTHONPATH={value}", opt / "bootstrap", *WRAPPED[1:])
    with FakeRuntimeApi(Event()) as api:
        start(api, tmp_path, source=PATHS, command=command, environ={"LAMBDA_RUNTIME_DIR": "/var/runtime"})

    own = value.split(":") if value else []
    path = [str(tmp_path), "/var/runtime", *own, *standard_library(), f"{opt}/python"]
    assert answer(api) == {"path": path, "PYTHONPATH": value}


def test_the_search_path_of_an_os_only_runtime(tmp_path: Path, opt: Path) -> None:
    """No LAMBDA_RUNTIME_DIR, no LAMBDA_TASK_ROOT: the function is where the process was started."""
    command = (opt / "bootstrap", *WRAPPED[1:])
    with FakeRuntimeApi(Event()) as api:
        start(api, tmp_path, source=PATHS, command=command, environ={"LAMBDA_TASK_ROOT": ""})

    front = [str(tmp_path), f"{opt}/python/{PACKAGES}", f"{opt}/python"]
    assert answer(api) == {"path": [*front, *standard_library()], "PYTHONPATH": None}


def test_modules_beside_the_handler_come_first_and_layers_next(tmp_path: Path, opt: Path) -> None:
    """A name that is in several places is taken from the first; the standard library comes after all of them."""
    folders = {"task": tmp_path, "packages": opt / "python" / PACKAGES, "layer": opt / "python"}
    for place, folder in folders.items():
        (folder / f"only_{place}.py").write_text(f"place = {place!r}")
        (folder / "everywhere.py").write_text(f"place = {place!r}")
    for place in ("packages", "layer"):
        (folders[place] / "wave.py").write_text(f"place = {place!r}")
    source = (
        "import everywhere, only_layer, only_packages, only_task, wave\n"
        "def handler(event, context):\n"
        "    return [m.place for m in (everywhere, only_task, only_packages, only_layer, wave)]\n"
    )
    with FakeRuntimeApi(Event()) as api:
        start(api, tmp_path, source=source, command=(opt / "bootstrap", *WRAPPED[1:]))

    assert answer(api) == ["task", "task", "packages", "layer", "packages"]


def test_path_files_of_the_function_and_of_its_layers_count(tmp_path: Path, opt: Path) -> None:
    """https://docs.python.org/3/library/site.html: each line of a .pth file is a folder to search too."""
    folders = {"task": tmp_path, "packages": opt / "python" / PACKAGES, "layer": opt / "python"}
    for place, folder in folders.items():
        (folder / f"vendored_{place}").mkdir()
        (folder / f"vendored_{place}/from_{place}.py").write_text("")
        (folder / f"{place}.pth").write_text(f"vendored_{place}\n")
    source = "import from_layer, from_packages, from_task\ndef handler(event, context):\n    return 'found'\n"
    with FakeRuntimeApi(Event()) as api:
        start(api, tmp_path, source=source, command=(opt / "bootstrap", *WRAPPED[1:]))

    assert answer(api) == "found"


# What the function prints


def test_what_the_function_prints_is_there_line_by_line(tmp_path: Path) -> None:
    """Though the process is killed the next moment; and no character in it is an error."""
    source = (
        "import os, signal\n"
        "def handler(event, context):\n"
        "    print('lone surrogate \\ud800, snail 🐌')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with FakeRuntimeApi(Event()) as api:
        ended = start(api, tmp_path, source=source)

    assert (ended.returncode, ended.stdout) == (-9, "lone surrogate \\ud800, snail 🐌\n")


def test_an_error_with_a_lone_surrogate_does_not_end_the_process(tmp_path: Path) -> None:
    source = "def handler(event, context):\n    raise ValueError('\\ud800')\n"
    with FakeRuntimeApi(Event(), Event()) as api:
        ended = start(api, tmp_path, source=source)

    assert [json.loads(reply.body)["errorMessage"] for reply in api.replies] == ["\ud800", "\ud800"]
    assert ended.stdout.startswith("[ERROR] ValueError: \\ud800")


def test_a_caller_that_cannot_stream_is_known_by_its_variable(tmp_path: Path) -> None:
    source = (
        "from lambda_runtime.response import Response\n"
        "def handler(event, context):\n"
        "    return Response(iter(['Once ', 'upon']), headers={'content-type': 'text/plain'})\n"
    )
    with FakeRuntimeApi(Event()) as api:
        start(api, tmp_path, source=source, environ={"AWS_SAM_LOCAL": "true"})

    assert answer(api) == {
        "statusCode": 200,
        "headers": {"content-type": "text/plain"},
        "cookies": [],
        "body": "Once upon",
        "isBase64Encoded": False,
    }


# The way to the first byte


def test_nothing_heavy_is_imported_before_the_first_byte(tmp_path: Path) -> None:
    source = (
        "import json, sys\n"
        "from lambda_runtime.response import Response\n"
        "def handler(event, context):\n"
        "    def body():\n"
        "        yield 'first'\n"
        "        yield json.dumps(sorted(sys.modules))\n"
        "    return Response(body())\n"
    )
    bare = subprocess.check_output([sys.executable, "-c", "import json, pwd, sys; print(json.dumps([*sys.modules]))"])
    with FakeRuntimeApi(Event()) as api:
        start(api, tmp_path, source=source)

    _, first, modules = api.replies[0].chunks
    loaded = set(json.loads(modules))
    assert first == b"first"
    assert "lambda_runtime.loop" in loaded
    assert not (HEAVY | {"lambda_runtime.aio", "lambda_runtime.threaded_cork"}) & loaded
    # Beyond what `import json` needs: the runtime itself, the function, one C module, and importlib to find a handler.
    others = {name for name in loaded - set(json.loads(bare)) if not name.startswith(("lambda_runtime", "importlib"))}
    assert others <= {"app", "_socket", "__future__", "warnings"}


def test_bootstrap_is_executable() -> None:
    """SAM keeps the mode; Lambda refuses a wrapper that is not executable."""
    assert os.access(LAYER / "bootstrap", os.X_OK)
