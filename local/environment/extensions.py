"""The extensions of a domain: which there are, what each wants to hear of, and what it is doing.

What hop this is: `domain -> [extensions] <- extensions_api <- extension`.

What the real service does: starts every executable in /opt/extensions beside the runtime, as an external extension that
has to register under its file's name; lets code inside the runtime register under any other name, as an internal one;
takes registrations until the runtime asks for its first event, and ten at most
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html; states, error types and messages as in AWS's
own runtime interface emulator, `internal/lambda/core`).
"""

from __future__ import annotations

import asyncio
import enum
import uuid
from collections.abc import Iterator, Sequence

from local.reports import ExtensionReport

MAX_EXTENSIONS = 10


class State(enum.Enum):
    """AWS's names of what an extension may be doing."""

    STARTED = "Started"
    REGISTERED = "Registered"
    READY = "Ready"
    RUNNING = "Running"
    INIT_ERROR = "InitError"
    EXIT_ERROR = "ExitError"
    LAUNCH_ERROR = "LaunchError"


_TRANSITIONS = {
    State.STARTED: {State.REGISTERED},
    State.REGISTERED: {State.READY, State.INIT_ERROR, State.EXIT_ERROR},
    State.READY: {State.EXIT_ERROR},
    State.RUNNING: {State.READY, State.EXIT_ERROR},
    State.INIT_ERROR: {State.INIT_ERROR},
    State.EXIT_ERROR: {State.EXIT_ERROR},
}


class ExtensionError(Exception):
    """An extension asked for what it may not have."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


class Extension:
    """One extension."""

    def __init__(self, name: str, *, external: bool) -> None:
        self.name = name
        self.external = external
        self.identifier = str(uuid.uuid4())
        self.state = State.STARTED
        self.events: Sequence[str] = ()
        self.error_type = ""
        self._told: asyncio.Queue[dict[str, object]] = asyncio.Queue()

    def move(self, to: State, *, whom: str = "", what: str = "") -> None:
        """Change the state. Raises `ExtensionError`, which calls the extension *whom* and the new state *what*."""
        if to not in _TRANSITIONS.get(self.state, ()):
            message = f"State transition from {self.state.value} to {what or to.value} failed for extension "
            message += f"{whom or self.identifier}. Error: State transition is not allowed"
            raise ExtensionError("Extension.InvalidExtensionState", message)
        self.state = to

    def fail(self, state: State, error_type: str) -> None:
        """It reports an error of its own; only the first counts. Raises `ExtensionError`."""
        self.move(state, what="Exited" if state is State.EXIT_ERROR else "")  # so it is called in AWS's message
        self.error_type = self.error_type or error_type

    def cannot_start(self, error: BaseException | None) -> None:
        """Its process could not be started because of *error*, or, without one, because it is one too many."""
        self.state = State.LAUNCH_ERROR
        reason = "PermissionDenied" if isinstance(error, PermissionError) else "UnknownError"
        self.error_type = reason if error else "TooManyExtensions"

    def tell(self, event: dict[str, object]) -> None:
        """*event* is the answer to what it asks, now or when it does."""
        self._told.put_nowait(event)

    async def take(self) -> dict[str, object]:
        """Wait for an event."""
        event = await self._told.get()
        self.state = State.RUNNING
        return event

    def report(self) -> ExtensionReport:
        """What is logged of it at the end of an init."""
        return ExtensionReport(self.name, self.state.value, self.events, self.error_type)

    @property
    def fatal_error_type(self) -> str:
        """What it is called when the extension has ended."""
        reported = {State.INIT_ERROR: "Extension.InitError", State.EXIT_ERROR: "Extension.ExitError"}
        return reported.get(self.state, "Extension.Crash")


class Extensions:
    """Those of one domain."""

    def __init__(self) -> None:
        self.open = True  # registrations are taken
        self._by_name: dict[str, Extension] = {}

    def __iter__(self) -> Iterator[Extension]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def launch(self, name: str) -> Extension:
        """An external one, which is about to be started."""
        extension = self._by_name[name] = Extension(name, external=True)
        return extension

    def register(self, name: str, events: Sequence[str]) -> Extension:
        """The extension *name* is there, and wants to hear of *events*. Raises `ExtensionError`."""
        extension = self._by_name.get(name)
        external = extension is not None and extension.external
        for event in events:
            if event not in ("INVOKE", "SHUTDOWN"):
                raise ExtensionError("Extension.InvalidEventType", f"{event}: ErrorInvalidEventType")
            if event == "SHUTDOWN" and not external:
                reason = "ShutdownEventNotSupportedForInternalExtension"
                raise ExtensionError("Extension.InvalidEventType", f"{event}: {reason}")
        if extension is None or not external:
            extension = self._new_internal(name)
        extension.move(State.REGISTERED, whom=name)
        extension.events = tuple(dict.fromkeys(events))
        return extension

    def find(self, identifier: str) -> Extension | None:
        """The one that was given *identifier*; None when none was."""
        return next((extension for extension in self if extension.identifier == identifier), None)

    def wanting(self, event: str) -> list[Extension]:
        """Those that hear of *event*."""
        return [extension for extension in self if event in extension.events]

    def _new_internal(self, name: str) -> Extension:
        if not self.open:
            raise ExtensionError("Extension.RegistrationClosed", "Extension registration closed already")
        if len(self) >= MAX_EXTENSIONS:
            raise ExtensionError("Extension.TooManyExtensions", f"Extension limit ({MAX_EXTENSIONS}) reached")
        if name in self._by_name:
            raise ExtensionError("Extension.InvalidExtensionState", "Extension with this name already registered")
        extension = self._by_name[name] = Extension(name, external=False)
        return extension
