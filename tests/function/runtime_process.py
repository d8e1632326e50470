"""Workers as Lambda starts them: real processes, on the layer's `bootstrap` or on AWS's own client."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.function.fake_runtime_api import FakeRuntimeApi

LAYER = Path(__file__).parents[2] / "functions/layers/streaming"
WRAPPED = (LAYER / "bootstrap", sys.executable, "/var/runtime/bootstrap.py")  # as a managed runtime calls a wrapper
AWS_CLIENT = (sys.executable, "-m", "awslambdaric", "app.handler")
END_SECONDS = 20


def start(
    api: FakeRuntimeApi | None,
    folder: Path,
    *,
    source: str | None = None,
    command: Sequence[str | Path] = WRAPPED,
    environ: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a worker in *folder* with *source* as its app.py until it ends, as it does when *api* is used up.

    A variable that is "" in *environ* is not set.
    """
    if source is not None:
        (folder / "app.py").write_text(source, encoding="utf-8")
    variables = {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
        "LAMBDA_TASK_ROOT": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_NAME": "story",
        "AWS_LAMBDA_RUNTIME_API": api.address if api else "",
        "_HANDLER": "app.handler",
        **(environ or {}),
    }
    return subprocess.run(
        command,
        cwd=folder,
        env={name: value for name, value in variables.items() if value},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="strict",
        timeout=END_SECONDS,
    )


def gone(api: FakeRuntimeApi) -> str:
    """What a worker says, on standard error, when it ends because *api* has."""
    return f"bootstrap: the Runtime API at {api.address} is gone: the Runtime API closed the connection\n"
