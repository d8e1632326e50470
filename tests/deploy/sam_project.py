"""A copy of this project that the real SAM CLI builds, deploys into a local cloud, changes and deletes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.deploy import tools
from tests.deploy.transform import REPOSITORY, parsed

HERE = f"python{sys.version_info.major}.{sys.version_info.minor}"
DEADLINE_SECONDS = 300  # a build may have to download the functions' requirements


class SamProject:
    """The functions and the template, in *folder*, for the Python that runs the local cloud at *endpoint*."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.folder = folder
        self.endpoint = endpoint
        self.built = folder / "built"
        shutil.copytree(REPOSITORY / "functions", folder / "functions", ignore=shutil.ignore_patterns("__pycache__"))
        written = (REPOSITORY / "template.yaml").read_text(encoding="utf-8")
        wanted = parsed()["Globals"]["Function"]["Runtime"]
        (folder / "template.yaml").write_text(written.replace(f"Runtime: {wanted}", f"Runtime: {HERE}"))

    def build(self) -> None:
        """`sam build`."""
        self.sam("build", "--no-cached", "--parallel", "--build-dir", str(self.built))

    def deploy(self, name: str, *options: str, succeeds: bool = True) -> str:
        """`sam deploy` of what was built, as the stack *name*; what it printed."""
        return self.sam(
            "deploy", "--template-file", str(self.built / "template.yaml"), "--stack-name", name, "--resolve-s3",
            "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", *options, succeeds=succeeds,
        )  # fmt: skip

    def delete(self, name: str) -> str:
        """`sam delete`; what it printed."""
        return self.sam("delete", "--stack-name", name, "--no-prompts")

    def outputs(self, name: str) -> dict[str, str]:
        """`sam list stack-outputs`: key -> value."""
        listed = self.sam("list", "stack-outputs", "--stack-name", name, "--output", "json")
        return {output["OutputKey"]: output["OutputValue"] for output in json.loads(listed)}

    def resources(self, name: str) -> dict[str, str]:
        """`sam list resources`: logical id -> physical id."""
        template = str(self.built / "template.yaml")
        listed = self.sam("list", "resources", "--stack-name", name, "-t", template, "--output", "json")
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in json.loads(listed)}

    def endpoints(self, name: str) -> dict[str, str]:
        """`sam list endpoints`: logical id -> address."""
        template = str(self.built / "template.yaml")
        listed = self.sam("list", "endpoints", "--stack-name", name, "-t", template, "--output", "json")
        return {each["LogicalResourceId"]: each["CloudEndpoint"] for each in json.loads(listed)}

    def sam(self, *arguments: str, succeeds: bool = True) -> str:
        """Run the SAM CLI, which asks nothing; its standard output, or all that it said where it is to fail."""
        interpreters = [Path(sys.executable).parent, tools.interpreter("python3.13").parent]
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "PATH": ":".join([*map(str, interpreters), os.environ["PATH"]]),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "0.2",
            "COLUMNS": "200",
        }
        done = subprocess.run(
            [tools.sam(), *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
        )
        assert (done.returncode == 0) is succeeds, done.stdout + done.stderr
        return done.stdout if succeeds else done.stdout + done.stderr
