"""What a stack trace tells: the calls, the notes, and the exceptions that led to the one that reached the runtime."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest

from lambda_runtime.faults import Fault
from lambda_runtime.logs import JsonFormatter
from lambda_runtime.response import Response
from lambda_runtime.trace import MAX_EXCEPTIONS
from tests.function.fake_runtime_api import Event, serve


def raised(raise_it: Callable[[], NoReturn]) -> BaseException:
    try:
        raise_it()
    except BaseException as error:  # noqa: BLE001 - whatever the test raises
        return error


def trace_of(raise_it: Callable[[], NoReturn]) -> list[str]:
    """The trace, of each call its line of source only."""
    trace = Fault.of(raised(raise_it)).trace
    return [entry.splitlines()[-1].strip() if entry.startswith("  File") else entry for entry in trace]


def missing() -> NoReturn:
    raise LookupError("no such page")


def handled() -> NoReturn:
    raise RuntimeError("response already started")


def test_the_cause_follows_with_its_own_calls() -> None:
    def fail() -> NoReturn:
        try:
            missing()
        except LookupError as error:
            raise RuntimeError("response already started") from error

    assert trace_of(fail) == [
        "raise_it()",
        'raise RuntimeError("response already started") from error',
        "Caused by LookupError: no such page\n",
        "missing()",
        'raise LookupError("no such page")',
    ]


def test_so_does_the_exception_that_was_being_handled() -> None:
    def fail() -> NoReturn:
        try:
            missing()
        except LookupError:
            handled()

    assert trace_of(fail)[3] == "Raised while handling LookupError: no such page\n"


def test_one_that_is_not_to_be_told_is_not() -> None:
    def fail() -> NoReturn:
        try:
            missing()
        except LookupError:
            raise RuntimeError("response already started") from None

    assert len(trace_of(fail)) == 2


def test_what_is_in_a_group_follows_one_after_the_other() -> None:
    """However deep, each with its own causes."""

    def fail() -> NoReturn:
        try:
            missing()
        except LookupError as error:
            inner = ValueError("inner")
            inner.__cause__ = error
        raise ExceptionGroup("many", [ExceptionGroup("some", [inner]), raised(missing)])  # type: ignore[list-item]

    heads = [entry for entry in trace_of(fail) if entry.endswith("\n")]
    assert heads == [
        "Sub-exception 1 of 2: ExceptionGroup: some (1 sub-exception)\n",
        "Sub-exception 1 of 1: ValueError: inner\n",
        "Caused by LookupError: no such page\n",
        "Sub-exception 2 of 2: LookupError: no such page\n",
    ]


def test_a_note_stands_by_its_exception() -> None:
    def fail() -> NoReturn:
        cause = LookupError("no such page")
        cause.add_note("of the cause")
        error = RuntimeError()
        error.add_note("of the error")
        raise error from cause

    assert trace_of(fail)[2:] == ["of the error\n", "Caused by LookupError: no such page\nof the cause\n"]


def test_causes_without_an_end_are_told_up_to_a_number() -> None:
    """And a circle of them once."""

    def fail() -> NoReturn:
        error = LookupError("0")
        for number in range(1, 2000):
            later = LookupError(str(number))
            later.__cause__, error = error, later
        raise error

    trace = trace_of(fail)
    assert len(trace) == 2 + MAX_EXCEPTIONS + 1
    assert trace[-2:] == [f"Caused by LookupError: {1999 - MAX_EXCEPTIONS}\n", "And others.\n"]

    def circle() -> NoReturn:
        one, two = LookupError("one"), LookupError("two")
        one.__cause__, two.__cause__ = two, one
        raise one

    assert trace_of(circle)[2:] == ["Caused by LookupError: two\n"]


class UnspeakableError(Exception):
    """Its text fails, which must not take the runtime with it."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


class WronglySpeakableError(Exception):
    def __str__(self) -> str:
        return 7  # type: ignore[return-value]


@pytest.mark.parametrize("kind", [UnspeakableError, WronglySpeakableError])
@pytest.mark.parametrize("streams", [False, True])
def test_an_exception_that_cannot_say_its_text_is_reported(kind: type[Exception], streams: bool) -> None:
    """Before the first byte and after it, and the next event is served."""

    def body() -> Iterator[str]:
        if streams:
            yield "Once"
        raise kind

    def handler(event: Any, context: Any) -> Response:
        return Response(body() if event == "fail" else "served")

    failed, served = serve(handler, Event(body=b'"fail"'), Event())

    assert served.body.endswith(b"served")
    if streams:
        assert failed.trailers["lambda-runtime-function-error-type"] == kind.__name__
    else:
        assert json.loads(failed.body)["errorMessage"] == "<exception str() failed>"


def test_a_json_log_record_has_the_causes_too() -> None:
    record = logging.makeLogRecord({"msg": "failed"})
    try:
        try:
            missing()
        except LookupError as error:
            raise UnspeakableError from error
    except UnspeakableError as error:
        record.exc_info = (type(error), error, error.__traceback__)

    entry = json.loads(JsonFormatter().format(record))
    assert entry["errorMessage"] == "<exception str() failed>"
    assert "Caused by LookupError: no such page\n" in entry["stackTrace"]
