"""What `/var/runtime/bootstrap.py` is on AWS: prepares the search path and starts AWS's own runtime client.

What the real service does: puts the function's folder and the layers' Python folders in front of `sys.path`, honours
their .pth files, and hands `_HANDLER` to awslambdaric
(https://github.com/aws/aws-lambda-python-runtime-interface-client).

What differs here, on purpose:
1. awslambdaric and boto3 come from the emulator's own virtual environment;
2. where a snapshot is to be copied, the client waits for that instead of asking for `restore/next`, and in a copy it
   speaks to that one's Runtime API.
"""

import importlib
import os
import site
import sys


def main() -> None:
    task_root, opt = os.environ["LAMBDA_TASK_ROOT"], sys.argv[1]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    folders = [task_root, f"{opt}/python/lib/{version}/site-packages", f"{opt}/python"]
    sys.path[:1] = folders[:1] if os.environ.get("PYTHONPATH") else folders
    for folder in folders:
        if os.path.isdir(folder):
            site.addsitedir(folder)
    try:
        if path := os.environ.get("LOCAL_LAMBDA_RESTORER"):
            make_restorable(path)
        from awslambdaric.__main__ import main as serve
    except ImportError as error:
        sys.exit(f"the managed Python runtime needs awslambdaric, which does not work here: {error}")
    serve(["bootstrap.py", os.environ["_HANDLER"]])


def make_restorable(path: str) -> None:
    """Let AWS's client wait in the restorer at *path* where it would ask for `restore/next`."""
    from importlib.util import module_from_spec, spec_from_file_location
    from types import SimpleNamespace

    spec = spec_from_file_location("local_lambda_restorer", path)
    assert spec
    assert spec.loader
    restorer = module_from_spec(spec)
    spec.loader.exec_module(restorer)

    # The part of the client that is written in C keeps the address that it finds when it is loaded.
    sys.modules["runtime_client"] = SimpleNamespace(initialize_client=lambda user_agent: None)  # type: ignore[assignment]
    from awslambdaric import lambda_runtime_client as module

    def restore_next(client: module.LambdaRuntimeClient) -> None:
        restorer.wait()
        client.lambda_runtime_address = os.environ["AWS_LAMBDA_RUNTIME_API"]
        del sys.modules["runtime_client"]
        module.runtime_client = importlib.import_module("runtime_client")
        module.runtime_client.initialize_client(module._user_agent())

    module.LambdaRuntimeClient.restore_next = restore_next


if __name__ == "__main__":
    main()
