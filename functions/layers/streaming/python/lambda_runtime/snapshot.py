"""SnapStart: the init phase ends in a snapshot, and each environment is restored from it.

What this is: `__main__ -> [snapshot] -> hooks of the function, client -> loop`.

What the real service does: where `AWS_LAMBDA_INITIALIZATION_TYPE` is `snap-start`, the runtime calls the function's
before-snapshot hooks, the last registered first, and asks for `restore/next`. Lambda takes the snapshot while it waits,
and answers in every environment that it restores; then the after-restore hooks are called, in the order in which they
were registered. A hook that fails is reported, and the process exits with 64 before the snapshot and 65 after it
(https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-custom.html; error types and exit codes as in
AWS's client, `awslambdaric/bootstrap.py`). Hooks are registered with snapshot-restore-py, which managed runtimes have
(https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html).

What differs here, on purpose:
1. after a restore `random` is seeded anew, before the hooks; AWS's client leaves all environments with one sequence;
2. where `LOCAL_LAMBDA_RESTORER` names a Python file, which is so in a local Lambda and never on AWS, its `wait` stands
   for the wait at `restore/next`: it returns once for each environment, in a process of that environment's own.
"""

from __future__ import annotations

import os
import sys

from lambda_runtime.faults import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from lambda_runtime.client import Client

BEFORE_SNAPSHOT_EXIT_CODE = 64
AFTER_RESTORE_EXIT_CODE = 65


def take(client: Client) -> None:
    """Let the snapshot be taken; returns in an environment that was restored from it.

    Exits when a hook fails. Raises `RuntimeApiError` when there is no snapshot to be had.
    """
    # A function that has hooks has imported this itself.
    hooks = sys.modules.get("snapshot_restore_py")
    try:
        while hooks and (registered := hooks.get_before_snapshot()):
            _call(*registered.pop())
    except Exception as error:  # noqa: BLE001 - whatever the function's hook raises is an init error
        fault = _logged(error)
        client.init_error(fault, "Runtime.BeforeSnapshotError")
        sys.exit(BEFORE_SNAPSHOT_EXIT_CODE)
    _wait(client)
    if random := sys.modules.get("random"):
        random.seed()
    try:
        for hook in hooks.get_after_restore() if hooks else ():
            _call(*hook)
    except Exception as error:  # noqa: BLE001 - likewise
        fault = _logged(error)
        client.restore_error(fault, "Runtime.AfterRestoreError")
        sys.exit(AFTER_RESTORE_EXIT_CODE)


def _wait(client: Client) -> None:
    path = os.environ.get("LOCAL_LAMBDA_RESTORER")
    if path is None:
        client.restore_next()
        return
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("local_lambda_restorer", path)
    assert spec
    assert spec.loader
    restorer = module_from_spec(spec)
    spec.loader.exec_module(restorer)
    restorer.wait()
    client.move(os.environ["AWS_LAMBDA_RUNTIME_API"])


def _call(function: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]) -> None:
    function(*args, **kwargs)


def _logged(error: Exception) -> Fault:
    fault = Fault.of(error)
    fault.log()
    return fault
