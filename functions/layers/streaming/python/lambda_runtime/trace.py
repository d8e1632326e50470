"""An exception as a stack trace: its calls, its notes, and the exceptions that led to it.

What this is: `exception -> [trace] -> faults, logs`.

What the real service does: a `stackTrace` is a list of strings, one a call, and AWS's client puts the calls of the one
exception there that reached it.

What differs here, on purpose:
1. the exceptions inside a group and the causes of each exception follow, since what reaches a runtime is often another
   one's wrapping: a `TaskGroup` says "1 sub-exception", a framework "response already started", and neither says why.
"""

from __future__ import annotations

from traceback import StackSummary, TracebackException, format_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_EXCEPTIONS = 25  # in one trace: a retried call has as many causes as it was tried


class Trace:
    """The trace of *error*, without its first calls as long as their file begins with one of *machinery*."""

    def __init__(self, error: BaseException, *, machinery: tuple[str, ...] = ()) -> None:
        self._error = TracebackException.from_exception(error, compact=True)
        self._machinery = machinery

    @property
    def frames(self) -> list[tuple[str, int, str]]:
        """File, line and function of each call of the exception itself."""
        return [frame[:3] for frame in self._calls(self._error.stack)]

    def entries(self) -> list[str]:
        """The trace as text: an entry for each call, then those of `reasons`."""
        return [*format_list(self._calls(self._error.stack)), *self.reasons()]

    def reasons(self) -> list[str]:
        """An entry for each note, and for each exception that led to this one its head and its calls."""
        notes = getattr(self._error, "__notes__", None)
        entries = [f"{note}\n" for note in notes if isinstance(note, str)] if isinstance(notes, list) else []
        for number, (how, error) in enumerate(_led_to(self._error)):
            if number == MAX_EXCEPTIONS:
                return [*entries, "And others.\n"]
            entries.append(f"{how} {''.join(error.format_exception_only())}")  # type, message and notes
            entries += format_list(self._calls(error.stack))
        return entries

    def _calls(self, stack: StackSummary) -> list[tuple[str, int, str, str | None]]:
        first = next((i for i, frame in enumerate(stack) if not frame.filename.startswith(self._machinery)), 0)
        # Tuples, since a summary would be printed with a line of carets, too.
        return [(frame.filename, frame.lineno or 0, frame.name, frame.line) for frame in stack[first:]]


def _led_to(error: TracebackException) -> Iterator[tuple[str, TracebackException]]:
    """All that led to *error*, each with how it did, and what led to that behind it."""
    inner = error.exceptions or []
    waiting = [(f"Sub-exception {number} of {len(inner)}:", one) for number, one in enumerate(inner, 1)]
    if error.__cause__:
        waiting.append(("Caused by", error.__cause__))
    elif error.__context__ and not error.__suppress_context__:
        waiting.append(("Raised while handling", error.__context__))
    for how, one in waiting:
        yield how, one
        yield from _led_to(one)
