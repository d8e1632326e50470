"""The environment variables of a worker: Lambda's reserved ones, its defaults, and the function's own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from local.emulator import Emulator
from local.environment.variables import RUNTIME_DIR, World, variables
from local.errors import EmulatorError
from tests.local.fakes.environment import a_function
from tests.local.fakes.local_lambda import local_lambda

OPT, TMP = Path("/layers/opt"), Path("/env/tmp")
RESERVED = {
    "_HANDLER": "app.handler",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_REGION": "eu-west-1",
    "AWS_LAMBDA_FUNCTION_NAME": "test-worker",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/test-worker",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/31/[$LATEST]0123",
    "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_SESSION_TOKEN": "local",
    "LAMBDA_TASK_ROOT": "/code",
}
ONLY_MANAGED = {"AWS_EXECUTION_ENV": "AWS_Lambda_python3.13", "LAMBDA_RUNTIME_DIR": str(RUNTIME_DIR)}


def made(*, overrides: dict[str, str] | None = None, endpoint: str = "", **fields: object) -> dict[str, str]:
    told = {"runtime": "python3.13", "handler": "app.handler", "memory_mb": 256, "code": Path("/code"), **fields}
    return variables(
        a_function(**told),
        World("eu-west-1", endpoint, overrides or {}),
        log_stream="2026/01/31/[$LATEST]0123",
        runtime_api="127.0.0.1:9001",
        opt=OPT,
        tmp=TMP,
    )


def test_a_managed_runtime_has_the_reserved_variables_and_the_defaults_and_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing of the emulator's own environment gets in."""
    monkeypatch.setenv("SECRET_OF_THE_MACHINE", "x")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")

    assert made() == {
        **RESERVED,
        **ONLY_MANAGED,
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin:/layers/opt/bin",
        "LD_LIBRARY_PATH": "/code:/code/lib:/layers/opt/lib",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "TMPDIR": "/env/tmp",
        "PYTHONPYCACHEPREFIX": "/cache/lambda-sse/pycache",
    }


def test_an_os_only_runtime_has_no_variables_of_a_managed_one() -> None:
    """Not even set by the function itself."""
    own = {"AWS_EXECUTION_ENV": "mine", "LAMBDA_RUNTIME_DIR": "mine"}

    environ = made(runtime="provided.al2023", environment=own)

    assert environ.keys() & ONLY_MANAGED.keys() == set()
    assert environ.items() >= RESERVED.items()


@pytest.mark.parametrize("way", ["environment", "overrides"])
def test_a_reserved_name_cannot_be_set_by_a_function_or_the_user(way: str) -> None:
    never_set = ["AWS_ACCESS_KEY", "AWS_LAMBDA_MAX_CONCURRENCY", "AWS_LAMBDA_METADATA_API", "AWS_LAMBDA_METADATA_TOKEN"]
    names = [*RESERVED, *ONLY_MANAGED, *never_set, "_X_AMZN_TRACE_ID", "_PRIVATE"]

    assert made(**{way: dict.fromkeys(names, "mine")}) == made()


@pytest.mark.parametrize("name", [*RESERVED, *ONLY_MANAGED, "_PRIVATE"])
def test_the_user_hears_of_a_reserved_name(name: str) -> None:
    with pytest.raises(EmulatorError, match=rf"^No function can be given {name}: AWS keeps that name to itself\. "):
        Emulator(None, port=0, aws_port=0, overrides={name: "mine"})


def test_defaults_and_other_names_can_be_set_and_the_user_wins_over_the_template() -> None:
    environ = made(environment={"TZ": "CET", "A": "template", "B": "template"}, overrides={"B": "user", "C": "user"})

    assert {name: environ[name] for name in ("TZ", "A", "B", "C")} == {
        "TZ": "CET",
        "A": "template",
        "B": "user",
        "C": "user",
    }


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ("/opt/bootstrap", "/layers/opt/bootstrap"),
        ("/opt", "/layers/opt"),
        ("/var/task", "/code"),
        ("/var/task/data:/opt/python:/usr/lib", "/code/data:/layers/opt/python:/usr/lib"),
        ("/option", "/option"),
        ("/var/tasks/x", "/var/tasks/x"),
        ("in /opt/x", "in /opt/x"),
        ("http://example.com/opt/x", "http://example.com/opt/x"),
        ("", ""),
    ],
)
def test_paths_of_lambda_in_a_functions_values_are_those_of_this_machine(value: str, seen: str) -> None:
    assert made(environment={"X": value})["X"] == seen


def test_json_logs_are_told_to_the_runtime_and_cannot_be_unset() -> None:
    assert "AWS_LAMBDA_LOG_FORMAT" not in made()
    for level, told in ((None, "INFO"), ("DEBUG", "DEBUG")):
        environ = made(log_format="JSON", application_log_level=level, environment={"AWS_LAMBDA_LOG_FORMAT": "Text"})
        assert (environ["AWS_LAMBDA_LOG_FORMAT"], environ["AWS_LAMBDA_LOG_LEVEL"]) == ("JSON", told)


def test_the_aws_endpoint_is_this_emulator_unless_the_function_has_another() -> None:
    assert made(endpoint="http://127.0.0.1:8081")["AWS_ENDPOINT_URL"] == "http://127.0.0.1:8081"
    own = made(endpoint="http://127.0.0.1:8081", environment={"AWS_ENDPOINT_URL": "http://other"})
    assert own["AWS_ENDPOINT_URL"] == "http://other"
    assert "AWS_ENDPOINT_URL" not in made()


def test_the_log_group_may_be_the_templates() -> None:
    assert made(log_group="/mine")["AWS_LAMBDA_LOG_GROUP_NAME"] == "/mine"


@pytest.mark.anyio
async def test_a_worker_sees_these_variables_and_works_in_the_functions_folder(tmp_path: Path) -> None:
    (tmp_path / "layer").mkdir()
    function = a_function(layers=(tmp_path / "layer",), environment={"DATA": "/opt/data"})
    async with local_lambda(function, folder=tmp_path, overrides={"GREETING": "hello"}) as cloud:
        seen = json.loads(await cloud.answer(["send_environ"]))

        assert seen.pop("PWD") == str(function.code)  # the shell's, which starts the worker
        seen.pop("_", None)
        seen.pop("SHLVL", None)
        seen.pop("OLDPWD", None)
        seen.pop("LC_CTYPE", None)  # Python's own, for the C locale
        assert seen["GREETING"] == "hello"
        assert seen["DATA"] == f"{tmp_path}/layer/data"
        assert seen.keys() == made(endpoint="x", runtime="provided.al2023").keys() | {"GREETING", "DATA"}
        assert Path(seen["TMPDIR"]).is_relative_to(cloud.folder)
        host, _, port = seen["AWS_LAMBDA_RUNTIME_API"].partition(":")
        assert (host, port.isdigit()) == ("127.0.0.1", True)
        assert await cloud.answer(["send_working_directory"]) == str(function.code)
