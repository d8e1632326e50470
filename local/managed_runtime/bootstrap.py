"""What `/var/runtime/bootstrap.py` is on AWS: prepares the search path and starts AWS's own runtime client.

What the real service does: puts the function's folder and the layers' Python folders in front of `sys.path`, honours
their .pth files, and hands `_HANDLER` to awslambdaric
(https://github.com/aws/aws-lambda-python-runtime-interface-client).

What differs here, on purpose:
1. awslambdaric and boto3 come from the emulator's own virtual environment.
"""

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
        from awslambdaric.__main__ import main as serve
    except ImportError as error:
        sys.exit(f"the managed Python runtime needs awslambdaric, which does not work here: {error}")
    serve(["bootstrap.py", os.environ["_HANDLER"]])


if __name__ == "__main__":
    main()
