"""A real Firefox, spoken to by WebDriver BiDi, with no driver in between.

What Firefox does that we follow: with `--remote-debugging-port` it listens for WebDriver BiDi itself, and says where
(https://firefox-source-docs.mozilla.org/remote/). Playwright asks Firefox for commands that an extended support release
does not know, and its own Firefox is not Debian's; the handful that a page needs are of the specification's first years
(https://w3c.github.io/webdriver-bidi/).
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from websockets.sync.client import ClientConnection, connect

NAMES = ("firefox-esr", "firefox")
DEADLINE_SECONDS = 20.0
REPORT_CSP_VIOLATIONS = """() => addEventListener("securitypolicyviolation", (violation) =>
  console.error(`CSP: ${violation.violatedDirective} forbids ${violation.blockedURI}`))"""


class Firefox:
    """One running browser with one page; *complaints* are errors and warnings on its console."""

    def __init__(self, connection: ClientConnection) -> None:
        self.complaints: list[str] = []
        self._connection = connection
        self._ids = count(1)
        self._command("session.new", capabilities={})
        self._command("session.subscribe", events=["log.entryAdded"])
        self._command("script.addPreloadScript", functionDeclaration=REPORT_CSP_VIOLATIONS)
        self._page = self._command("browsingContext.getTree")["contexts"][0]["context"]

    def goto(self, url: str) -> None:
        """Load *url* and wait until its scripts have begun."""
        self._command("browsingContext.navigate", context=self._page, url=url, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """What *expression*, which may be a promise, comes to in the page, by way of JSON."""
        answer = self._command(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({expression})))()",
            target={"context": self._page},
            awaitPromise=True,
        )
        assert answer["type"] == "success", answer
        return json.loads(answer["result"].get("value", "null"))

    def wait_until(self, expression: str) -> None:
        """Return when *expression* is true in the page, which is asked each frame; `TimeoutError` if it never is."""
        self.evaluate(
            "new Promise((resolve) => { (function look() "
            f"{{ if ({expression}) resolve(true); else requestAnimationFrame(look); }})(); }})"
        )

    def shows(self, **texts: str) -> None:
        """Wait until each element, by its id, has exactly this text."""
        for name, text in texts.items():
            element = f"document.getElementById({json.dumps(name.replace('_', '-'))})"
            self.wait_until(f"{element}.innerText.trim() === {json.dumps(text)}")

    def _command(self, method: str, **params: Any) -> Any:
        number = next(self._ids)
        self._connection.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._connection.recv(timeout=DEADLINE_SECONDS))
            if message.get("method") == "log.entryAdded":
                self._note(message["params"])
            elif message.get("id") == number:
                assert message["type"] == "success", message
                return message["result"]

    def _note(self, entry: dict[str, Any]) -> None:
        if entry["level"] in ("error", "warn"):
            self.complaints.append(f"{entry['level']}: {entry['text']}")


def find_firefox() -> str | None:
    """The path of a Firefox on this machine."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def running(path: str) -> Iterator[Firefox]:
    """The Firefox at *path*, headless, with a profile of its own; it is gone afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [path, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            with connect(f"{_address(process)}/session", open_timeout=DEADLINE_SECONDS, max_size=None) as connection:
                yield Firefox(connection)
        finally:
            process.terminate()
            process.communicate(timeout=DEADLINE_SECONDS)


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    deadline = time.monotonic() + DEADLINE_SECONDS
    for line in process.stderr:
        if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", line):
            return found[1]
        if time.monotonic() > deadline:
            break
    raise AssertionError("Firefox does not say where it listens for WebDriver BiDi")
