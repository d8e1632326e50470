"""What the numbers were made with: processor, system, versions, the moment and the command."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import time
from pathlib import Path

from tests.bench.artifacts import BENCH

PACKAGES = ("fastapi", "uvicorn", "uvloop", "httptools", "sse-starlette", "deno", "ministack")


def made(command: str) -> str:
    """A sentence or two."""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    versions = ", ".join([f"Python {platform.python_version()}", _node(), *(_packages())])
    return (
        f"`{command}`, {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC; {_processor()}, {os.cpu_count()} cores, "
        f"{memory_gb:.0f} GB, Linux {platform.release()}, load {os.getloadavg()[2]:.1f} before; {versions}."
    )


def _processor() -> str:
    match = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    return match[1] if match else platform.machine()


def _packages() -> list[str]:
    listed = (
        "import importlib.metadata as m, sys; print(*(f'{name} {m.version(name)}' for name in sys.argv[1:]), sep='\\n')"
    )
    told = subprocess.check_output([BENCH / "bin/python", "-c", listed, *PACKAGES], text=True)
    return told.splitlines()


def _node() -> str:
    node = shutil.which("node")
    return f"Node {subprocess.check_output([node, '--version'], text=True).strip().removeprefix('v')}" if node else ""
