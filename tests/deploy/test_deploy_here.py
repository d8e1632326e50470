"""The real SAM CLI, unmodified, deploys this project into an empty local cloud, changes it, and deletes it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import httpx
import psutil
import pytest

from tests.deploy.sam_project import SamProject
from tests.deploy.transform import REPOSITORY
from tests.e2e.local_cloud import LocalCloud

pytestmark = pytest.mark.sam

NAME = "words"
DEADLINE_SECONDS = 20.0
MANAGED = "aws-sam-cli-managed-default-samclisourcebucket-"  # SAM's own bucket, which stays, as on AWS


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """An empty one."""
    cloud = LocalCloud("--empty")
    yield cloud
    assert cloud.stop() == 0


@pytest.fixture(scope="module")
def project(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> SamProject:
    """This project, built and deployed as the stack *NAME*."""
    project = SamProject(tmp_path_factory.mktemp("project"), cloud.aws_url)
    project.build()
    printed = project.deploy(NAME)
    assert f"Successfully created/updated stack - {NAME} in us-east-1" in printed
    assert "Key                 SiteUrl" in printed
    return project


def page(cloud: LocalCloud) -> str:
    return httpx.get(cloud.url + "/").text


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not true():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.05)


def changed_resources(printed: str) -> dict[str, str]:
    """Logical id -> operation, of the change set's table; long names go on in the next line."""
    table = printed.partition("CloudFormation stack changeset")[2].partition("Changeset created")[0]
    return {name: action for action, name in re.findall(r"^[+*-] (Add|Modify|Delete) +(\S+)", table, re.MULTILINE)}


def test_the_page_is_where_the_outputs_say(project: SamProject, cloud: LocalCloud) -> None:
    """The addresses are this machine's, in plain HTTP."""
    outputs = project.outputs(NAME)

    assert outputs["SiteUrl"] == cloud.url + "/"
    assert "<title>A story, word by word</title>" in httpx.get(outputs["SiteUrl"]).text
    assert re.fullmatch(r"http://\w+\.lambda-url\.us-east-1\.localhost:\d+/", outputs["StoryUrl"])


def test_what_was_deployed_passes_the_tests_of_deployments(project: SamProject) -> None:
    """The same run as `make test-edge URL=... STORY_URL=...`, without what takes the story's own time."""
    outputs = project.outputs(NAME)
    environment = {**os.environ, "EDGE_URL": outputs["SiteUrl"], "EDGE_STORY_URL": outputs["StoryUrl"]}

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "edge", "-p", "no:cacheprovider", "tests/edge"],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout
    assert re.search(r"\d\d passed", done.stdout)


def test_the_tools_see_the_stack(project: SamProject, cloud: LocalCloud) -> None:
    """Each resource of it with its physical id, its history, and its functions, by the APIs that tools ask."""
    resources = project.resources(NAME)
    assert resources["Site"] == f"site-{resources['PageBucket']}"
    assert resources["AccessLogBucket"] == "-"  # its condition does not hold

    assert project.endpoints(NAME)["StoryFunction"] == project.outputs(NAME)["StoryUrl"]

    client = boto3.client(
        "cloudformation", endpoint_url=cloud.aws_url, region_name="us-east-1",
        aws_access_key_id="any", aws_secret_access_key="any",
    )  # fmt: skip
    [stack] = client.describe_stacks(StackName=NAME)["Stacks"]
    events = client.describe_stack_events(StackName=NAME)["StackEvents"]
    assert stack["StackStatus"] == events[0]["ResourceStatus"] == "CREATE_COMPLETE"
    reasons = {event["LogicalResourceId"]: event.get("ResourceStatusReason") for event in reversed(events)}
    assert reasons["StoryFunctionRole"] == "Recorded: IAM is not evaluated here"


def test_a_changed_word_is_an_update_of_the_page_alone(project: SamProject, cloud: LocalCloud) -> None:
    """The change set names the publisher and what hangs on it, and the page is another one afterwards."""
    html = project.built / "SitePublisher/page/index.html"
    html.write_text(html.read_text().replace("word by word", "syllable by syllable"))

    changed = changed_resources(project.deploy(NAME))

    assert {re.sub("Version.*", "Version", name): action for name, action in changed.items() if action != "Delete"} == {
        "SitePublisher": "Modify",
        "SitePublisherVersion": "Add",
        "SitePublisherAliaslive": "Modify",
        "Site": "Modify",
    }
    assert "syllable by syllable" in page(cloud)


def test_the_same_again_is_no_update(project: SamProject) -> None:
    """An error, unless it is said that it should be none."""
    assert "Error: No changes to deploy. Stack words is up to date" in project.deploy(NAME, succeeds=False)


def test_an_update_that_fails_leaves_the_old_state(project: SamProject, cloud: LocalCloud) -> None:
    """Page, code and outputs: the publisher that breaks is gone, and the one before has published again."""
    before, outputs = page(cloud), project.outputs(NAME)
    publisher = project.built / "SitePublisher/publisher.py"
    working = publisher.read_text()
    publisher.write_text("def handler(event, context):\n    raise SystemExit('broken')\n")

    printed = project.deploy(NAME, succeeds=False)

    publisher.write_text(working)
    assert "UPDATE_FAILED" in printed
    assert "UPDATE_ROLLBACK_COMPLETE" in printed
    assert page(cloud) == before
    assert project.outputs(NAME) == outputs


def test_deleting_leaves_nothing(project: SamProject, cloud: LocalCloud) -> None:
    """No page, no function URL, no bucket, no environment and no code of it."""
    story = project.outputs(NAME)["StoryUrl"]
    assert httpx.get(cloud.url + "/sse", params={"min_ms": 0, "max_ms": 0}).status_code == 200
    packages = packages_of(cloud)
    assert list(packages.iterdir()) != []

    assert "Deleted successfully" in project.delete(NAME)

    assert httpx.get(cloud.url + "/").status_code == 404
    assert httpx.get(cloud.url + "/", headers={"host": story.split("/")[2]}).status_code == 404
    s3 = boto3.client(
        "s3", endpoint_url=cloud.aws_url, region_name="us-east-1",
        aws_access_key_id="any", aws_secret_access_key="any",
    )  # fmt: skip
    buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    assert [name for name in buckets if not name.startswith(MANAGED)] == []
    wait_until(lambda: not cloud.workers())
    wait_until(lambda: list(packages.iterdir()) == [])


def packages_of(cloud: LocalCloud) -> Path:
    """Where the cloud unpacks what is deployed: beside the folders of its environments."""
    [folder] = {
        Path(variables["TMPDIR"]).parent.parent
        for process in psutil.Process(cloud.process.pid).children(recursive=True)
        if (variables := process.environ()).get("AWS_LAMBDA_FUNCTION_NAME", "").startswith(f"{NAME}-StoryFunction")
    }
    return folder / "packages"
