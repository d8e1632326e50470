"""Sets up `logging` at the moment the function imports it, and not before.

What this is: `loop -> [logging_hook] -> logs`.

What the real service does: the managed runtime gives the root logger its handler before it imports the function, so
that libraries which look for that handler (Powertools does) find it
(https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html). That means importing `logging`, 10 ms of every
cold start, for functions that never log. Waiting for the import itself gives the same result without that price.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


class LoggingHook:
    """A finder for `sys.meta_path`, there for one import only; `request_id` is that of the current invocation."""

    request_id = ""

    def install(self) -> None:
        """Set `logging` up as soon as it is imported; now, when it is already."""
        if "logging" in sys.modules:
            self._set_up()
        else:
            sys.meta_path.insert(0, self)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of `logging`, which sets up the root logger once it is loaded; None for all other modules."""
        if name != "logging":
            return None
        specs = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, specs), None)
        if spec and spec.loader:
            load = spec.loader.exec_module

            def load_and_set_up(module: ModuleType) -> None:
                load(module)
                sys.meta_path.remove(self)
                self._set_up()

            spec.loader.exec_module = load_and_set_up  # type: ignore[method-assign]
        return spec

    def _set_up(self) -> None:
        from lambda_runtime.logs import RootLog

        RootLog.install(self)
