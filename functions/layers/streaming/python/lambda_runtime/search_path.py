"""Where Python looks for the function's modules.

What this is: `bootstrap -> __main__ -> [search_path] -> handler`.

What the real service does: `/var/runtime/bootstrap.py` of a managed runtime prepares `sys.path` before it starts
AWS's loop; since a wrapper script replaces that program, the same work is done here. The layer's root is found from
this file, which is /opt on AWS.
"""

from __future__ import annotations

import os
import site
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping


def prepare(path: list[str], environ: MutableMapping[str, str], opt: str) -> None:
    """Change *path* (`sys.path` of a script: its folder first) and *environ* as the managed bootstrap does.

    The script's folder gives way to `LAMBDA_RUNTIME_DIR`, where a managed runtime keeps what AWS ships. In front come
    `LAMBDA_TASK_ROOT`, the layers' Python folders below *opt* and the interpreter's own site-packages; when the
    function sets `PYTHONPATH` itself, the task root only, because then its own value decides.
    """
    task_root = environ.get("LAMBDA_TASK_ROOT") or os.getcwd()
    runtime_dir = environ.get("LAMBDA_RUNTIME_DIR")
    packages = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    path[:1] = [runtime_dir] if runtime_dir else []
    if "PYTHONPATH" in environ:
        folders = [task_root]
        path.append(f"{opt}/python")  # this package itself must stay within reach
    else:
        folders = [task_root, f"{opt}/python/{packages}", f"{opt}/python"]
        if runtime_dir:
            path.insert(0, f"{sys.prefix}/{packages}")  # a newer boto3 there wins over the one that AWS ships
            environ["PYTHONPATH"] = runtime_dir
    path[:0] = folders
    for folder in folders:
        if os.path.isdir(folder):
            site.addsitedir(folder)  # so that .pth files of the function and its layers count
