"""`logging` in a function: set up when it is first imported, in Lambda's two formats, with each record's request id."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from awslambdaric.lambda_runtime_log_utils import JsonFormatter as AwsJsonFormatter

from lambda_runtime.logging_hook import LoggingHook
from lambda_runtime.logs import JsonFormatter, RootLog, TextFormatter
from tests.function.fake_runtime_api import Event, FakeRuntimeApi
from tests.function.runtime_process import start

TEXT_LINE = re.compile(r"\[(\w+)\]\t(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)\t(\S*)\t(.*)")


def event(request_id: str) -> Event:
    return Event(headers={"Lambda-Runtime-Aws-Request-Id": request_id})


@contextmanager
def installed() -> Iterator[tuple[logging.Logger, LoggingHook]]:
    """The root logger with no handler but Lambda's, and what tells that one the request id; then as it was before."""
    root, hook = logging.getLogger(), LoggingHook()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = []
    root.setLevel(logging.WARNING)
    try:
        RootLog.install(hook)
        yield root, hook
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


# When


def test_logging_is_set_up_at_its_first_import_and_not_before(tmp_path: Path) -> None:
    """A fresh interpreter, a function that imports it in its first invocation; one handler, also in the second."""
    source = (
        "import sys\n"
        "def handler(event, context):\n"
        "    seen = ['logging' in sys.modules, 'lambda_runtime.logs' in sys.modules]\n"
        "    import logging\n"
        "    logging.warning('hello')\n"
        "    hooks = [type(finder).__name__ for finder in sys.meta_path].count('LoggingHook')\n"
        "    root = logging.getLogger()\n"
        "    return seen + [[type(h).__name__ for h in root.handlers], root.level, hooks]\n"
    )
    with FakeRuntimeApi(event("r-1"), event("r-2")) as api:
        ended = start(api, tmp_path, source=source)

    assert [json.loads(reply.body) for reply in api.replies] == [
        [False, False, ["RootLog"], logging.WARNING, 0],
        [True, True, ["RootLog"], logging.WARNING, 0],
    ]
    lines = [TEXT_LINE.fullmatch(line) for line in ended.stdout.splitlines()]
    assert [(line[1], line[3], line[4]) for line in lines if line] == [
        ("WARNING", "r-1", "hello"),
        ("WARNING", "r-2", "hello"),
    ]


def test_a_module_that_logs_while_it_is_imported_logs_without_a_request_id(tmp_path: Path) -> None:
    source = "import logging\nlogging.error('init')\ndef handler(event, context): ...\n"
    with FakeRuntimeApi() as api:
        ended = start(api, tmp_path, source=source)

    match = TEXT_LINE.fullmatch(ended.stdout.rstrip("\n"))
    assert match
    assert (match[1], match[3], match[4]) == ("ERROR", "", "init")


def test_logging_that_a_path_file_imports_is_set_up_too(tmp_path: Path) -> None:
    (tmp_path / "tracer.pth").write_text("import logging\n")
    source = "import logging\ndef handler(event, context):\n    logging.warning('hello')\n"
    with FakeRuntimeApi(event("r-1")) as api:
        ended = start(api, tmp_path, source=source)

    match = TEXT_LINE.fullmatch(ended.stdout.rstrip("\n"))
    assert match
    assert (match[3], match[4]) == ("r-1", "hello")


def test_the_hook_stays_until_logging_is_really_imported() -> None:
    """Somebody may only have looked for it."""
    hook = LoggingHook()
    sys.meta_path.insert(0, hook)
    try:
        spec = hook.find_spec("logging")
        assert spec is not None
        assert (spec.name, hook in sys.meta_path) == ("logging", True)
        assert hook.find_spec("logging.handlers") is None
    finally:
        sys.meta_path.remove(hook)


def test_lines_of_powertools_are_printed_once(tmp_path: Path) -> None:
    """Its Logger silences the root handlers that are there when it is made, be that in an invocation."""
    source = (
        "def handler(event, context):\n"
        "    from aws_lambda_powertools import Logger\n"
        "    Logger(service='story').info('told', extra={'id': context.aws_request_id})\n"
    )
    with FakeRuntimeApi(event("r-1"), event("r-2")) as api:
        ended = start(api, tmp_path, source=source)

    records = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [(record["message"], record["id"]) for record in records] == [("told", "r-1"), ("told", "r-2")]


# The level


@pytest.mark.parametrize(
    ("value", "level"),
    [
        (None, "WARNING"),
        ("", "WARNING"),
        ("TRACE", "DEBUG"),
        ("DEBUG", "DEBUG"),
        ("INFO", "INFO"),
        ("info", "INFO"),
        ("WARN", "WARNING"),
        ("ERROR", "ERROR"),
        ("FATAL", "CRITICAL"),
        ("LOUD", "WARNING"),
    ],
)
def test_the_level_is_lambdas(value: str | None, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if value is None:
        monkeypatch.delenv("AWS_LAMBDA_LOG_LEVEL", raising=False)
    else:
        monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", value)
    with installed() as (root, _):
        assert logging.getLevelName(root.level) == level


# The formats


@pytest.mark.parametrize(("value", "kind"), [(None, TextFormatter), ("Text", TextFormatter), ("json", JsonFormatter)])
def test_the_format_is_lambdas(value: str | None, kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    if value is None:
        monkeypatch.delenv("AWS_LAMBDA_LOG_FORMAT", raising=False)
    else:
        monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", value)
    with installed() as (root, _):
        assert [type(handler.formatter) for handler in root.handlers] == [kind]


class Odd:
    """Nothing that JSON knows."""

    def __str__(self) -> str:
        return "odd"


@pytest.mark.parametrize(
    ("message", "arguments", "options"),
    [
        ("told", (), {}),
        ("told %s of %d", ("one", 2), {}),
        ("ä 🐌 \n", (), {}),
        ({"event": "told", "words": 3}, (), {}),
        (Odd(), (), {}),
        ("told", (), {"extra": {"story": "snail", "words": 3, "odd": Odd(), "none": None}}),
        ("failed", (), {"exc_info": True}),
        ("failed", (), {"exc_info": True, "stack_info": True}),
    ],
)
def test_a_record_as_json_is_what_aws_makes_of_it(
    message: Any, arguments: tuple[Any, ...], options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Key by key, the function's own `extra` among them; the time has whole seconds in both."""
    monkeypatch.setattr(AwsJsonFormatter, "converter", time.gmtime)  # AWS's client sets it for the whole process
    lines: list[dict[str, Any]] = []

    class Both(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            record.aws_request_id = "r-1"
            lines.extend(json.loads(formatter.format(record)) for formatter in (JsonFormatter(), AwsJsonFormatter()))

    logger = logging.Logger("story")
    logger.addHandler(Both())
    try:
        raise ValueError("no such page")
    except ValueError:
        logger.error(message, *arguments, **options)

    ours, theirs = lines
    theirs.pop("taskName", None)
    assert ours == theirs


def test_a_record_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Level, UTC time with milliseconds, request id, message; a traceback follows within the same log event."""
    with installed() as (_, hook):
        hook.request_id = "r-1"
        try:
            raise ValueError("no such page")
        except ValueError:
            logging.getLogger("story").exception("failed: %s", "ä")

    (event,) = capsys.readouterr().out.removesuffix("\n").split("\n")
    first, *rest = event.split("\r")
    match = TEXT_LINE.fullmatch(first)
    assert match
    assert (match[1], match[3], match[4]) == ("ERROR", "r-1", "failed: ä")
    assert (rest[0], rest[-1]) == ("Traceback (most recent call last):", "ValueError: no such page")


def test_a_text_of_several_lines_is_one_log_event(capsys: pytest.CaptureFixture[str]) -> None:
    with installed() as (root, _):
        root.warning("one\ntwo\r\nthree")

    assert capsys.readouterr().out.endswith("\tone\rtwo\rthree\n")


@pytest.mark.parametrize("log_format", ["Text", "JSON"])
def test_a_record_that_cannot_be_formatted_raises_nothing(
    log_format: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of a stream that would end the stream; what is wrong is on standard error."""
    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", log_format)
    with installed() as (root, _):
        root.warning("%d words", "three")
        root.warning("next")

    told = capsys.readouterr()
    assert "Arguments: ('three',)" in told.err
    assert told.out.count("\n") == 1


def test_a_record_knows_its_request_id_whatever_the_format(capsys: pytest.CaptureFixture[str]) -> None:
    """A function that gives the root handler a formatter of its own still has `aws_request_id` to use."""
    with installed() as (root, hook):
        root.handlers[0].setFormatter(logging.Formatter("%(aws_request_id)s %(message)s"))
        hook.request_id = "r-1"
        root.warning("one")
        hook.request_id = "r-2"
        root.warning("two")

    assert capsys.readouterr().out == "r-1 one\nr-2 two\n"
