"""How the emulator begins and ends, and what it leaves behind."""

from __future__ import annotations

import errno
import json
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest
from httpx_sse import EventSource

from local.emulator import Emulator
from tests.e2e.local_cloud import ROOT, LocalCloud

FUNCTION = """
def handler(event, context):
    import os
    return {"statusCode": 200, "body": os.environ.get("GREETING", "") + MARK}
MARK = "before"
"""
TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: echo.handler
      CodeUri: echo/
      FunctionUrlConfig: {AuthType: NONE}
"""


INLINE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Maker:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: index.handler
      FunctionUrlConfig: {AuthType: NONE}
      InlineCode: |
        import cfnresponse
        def handler(event, context):
            if "ResponseURL" not in event:
                return "inline"
            cfnresponse.send(event, context, cfnresponse.SUCCESS, {"Made": True}, "an-id")
  Thing: {Type: Custom::Thing, Properties: {ServiceToken: !GetAtt Maker.Arn}}
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A template with one buffered function, in a folder that a test may change."""
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    (tmp_path / "echo").mkdir()
    (tmp_path / "echo" / "echo.py").write_text(FUNCTION)
    return tmp_path


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project's own bundle, in a folder that a test may change."""
    shutil.copy(ROOT / "template.yaml", tmp_path)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "functions", tmp_path / "functions", ignore=ignored)
    return tmp_path


def run(*arguments: str, cwd: Path = ROOT, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """`python -m local` with *arguments*, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "local", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        input=stdin,
        timeout=30,
    )


def call_url(cloud: LocalCloud) -> httpx.Response:
    """GET the one function URL of *cloud*."""
    line = next(line for line in cloud.lines if ".lambda-url." in line)
    domain = line.split("http://")[1].split(":")[0]
    return httpx.get(cloud.url, headers={"host": domain}, timeout=20)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_emulator(number: signal.Signals) -> None:
    """Neither Ctrl-C nor `kill -9` leaves a worker, moto or anything else, not even in the middle of a story."""
    cloud = LocalCloud()
    with httpx.stream("GET", f"{cloud.url}/sse", timeout=20) as response:
        next(response.iter_raw())
        family = cloud.family()
        assert cloud.workers()
        code = cloud.stop(number)

    assert code == (-signal.SIGKILL if number is signal.SIGKILL else 0)
    _, alive = psutil.wait_procs(family, timeout=15)
    assert alive == []


@pytest.mark.parametrize("closed", ["0<&-", "0<&- 1>&- 2>&-"])
def test_closed_standard_streams_are_no_obstacle(closed: str) -> None:
    """As under some supervisors: page, stream and the rest of AWS, with its process, are there all the same."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = f'exec "{sys.executable}" -m local --port {port} --aws-port 0 {closed}'
    process = subprocess.Popen(["sh", "-c", command], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(
            base_url=f"http://localhost:{port}", timeout=30, transport=httpx.HTTPTransport(retries=8)
        ) as client:
            assert client.get("/sse?min_ms=0&max_ms=0").text.endswith("data: Stream ended\n\n")
            assert "<title>" in client.get("/").text
    finally:
        process.terminate()
    assert process.wait(20) == 0


def test_lines_that_the_locale_cannot_write_are_escaped(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on standard error; they were a traceback, and every other line of that moment was lost."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    (bundle / "echo" / "echo.py").write_text("def handler(event, context):\n    print('sch\\u00f6n')\n")
    cloud = LocalCloud(cwd=bundle)
    try:
        assert call_url(cloud).status_code == 200
        assert cloud.wait_for("^Echo  sch") == "Echo  sch\\xf6n"
        cloud.wait_for("REPORT")
    finally:
        assert cloud.stop() == 0


def test_port_taken() -> None:
    """One sentence that names the option, and exit code 2."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        result = run("--port", port, "--aws-port", "0")

    assert result.returncode == 2
    assert result.stderr.startswith(f"local: Port {port} cannot be used")
    assert "--port" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "template.yaml"),
        ("Resources: [", "YAML"),
        ("just text", "template"),
        ("Resources: {A: {Type: 'AWS::S3::Bucket'}}", "function"),
        (TEMPLATE.replace("echo/", "nowhere/"), "nowhere"),
    ],
)
def test_template_missing_or_broken(tmp_path: Path, text: str | None, says: str) -> None:
    """One sentence, exit code 2, no traceback."""
    if text is not None:
        (tmp_path / "template.yaml").write_text(text)
    result = run("--port", "0", "--aws-port", "0", cwd=tmp_path)

    assert result.returncode == 2
    assert says.lower() in result.stderr.lower()
    assert result.stderr.startswith("local: ")
    assert "Traceback" not in result.stderr + result.stdout


def test_bad_options() -> None:
    """argparse's own sentence and exit code."""
    assert run("--env", "NOVALUE").returncode == 2
    assert run("--log-format", "xml").returncode == 2


def test_buffered_function_and_its_variables(bundle: Path) -> None:
    """A plain managed function answers at its URL, with the variables of --env."""
    cloud = LocalCloud("--env", "GREETING=hello ", cwd=bundle)
    try:
        assert call_url(cloud).text == "hello before"
    finally:
        assert cloud.stop() == 0


def test_a_function_learns_its_availability_zone_as_powertools_asks_for_it(bundle: Path) -> None:
    """From the metadata endpoint, with the token that its environment has."""
    (bundle / "echo" / "echo.py").write_text(
        "from aws_lambda_powertools.utilities.metadata import get_lambda_metadata\n"
        "def handler(event, context):\n"
        "    return {'statusCode': 200, 'body': get_lambda_metadata(timeout=10).availability_zone_id}\n"
    )
    cloud = LocalCloud(cwd=bundle)
    try:
        assert call_url(cloud).text == "use1-az1"
    finally:
        assert cloud.stop() == 0


def test_code_in_the_template_runs_and_makes_resources(tmp_path: Path) -> None:
    """With the module that AWS puts beside it."""
    (tmp_path / "template.yaml").write_text(INLINE)
    cloud = LocalCloud(cwd=tmp_path)
    try:
        cloud.wait_for("Thing  is up to date")
        assert any('"PhysicalResourceId": "an-id"' in line for line in cloud.lines)
        assert call_url(cloud).json() == "inline"
    finally:
        assert cloud.stop() == 0


def save_until_noticed(cloud: LocalCloud, save: Callable[[], object], wanted: str) -> None:
    """The watch begins a moment after the start, and nothing tells when."""
    for _ in range(10):
        save()
        with suppress(AssertionError):
            cloud.wait_for(wanted, seconds=2)
            return
    pytest.fail(f"no line {wanted!r} in:\n" + "\n".join(cloud.lines))


def test_changed_code_runs_with_the_next_request(bundle: Path) -> None:
    """Without a restart."""
    cloud = LocalCloud(cwd=bundle)
    try:
        assert call_url(cloud).text == "before"
        code = bundle / "echo" / "echo.py"
        changed = code.read_text().replace('"before"', '"after"')
        save_until_noticed(cloud, lambda: code.write_text(changed), "Code changed: Echo")
        assert call_url(cloud).text == "after"
    finally:
        assert cloud.stop() == 0


def save(code: Path, mark: str, *, at: float) -> None:
    """*code* with another mark, of the same length, at a time that Python does not tell from another in that second."""
    draft = code.parent.parent / "draft.py"
    draft.write_text(re.sub('MARK = ".{6}"', f'MARK = "{mark}"', code.read_text()))
    os.utime(draft, (at, at))
    draft.replace(code)


def test_code_of_the_same_size_saved_in_the_same_second_is_other_code(bundle: Path) -> None:
    """Though Python takes the bytecode of what was saved before for that of this; in one run, or in two."""
    code, second = bundle / "echo" / "echo.py", int(time.time()) + 60
    save(code, "first.", at=second)
    cloud = LocalCloud(cwd=bundle)
    try:
        assert call_url(cloud).text == "first."
        save_until_noticed(cloud, lambda: save(code, "second", at=second + 0.25), "Code changed: Echo")
        assert call_url(cloud).text == "second"
    finally:
        assert cloud.stop() == 0
    save(code, "third.", at=second + 0.5)
    assert json.loads(run("invoke", "Echo", cwd=bundle, stdin="{}").stdout)["body"] == "third."
    save(code, "fourth", at=second + 0.75)
    assert json.loads(run("invoke", "Echo", cwd=bundle, stdin="{}").stdout)["body"] == "fourth"


def test_code_that_cannot_be_watched_is_told_of(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the system watches as many folders as it may; all else works."""

    def schedule(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "inotify watch limit reached")

    monkeypatch.setattr("local.file_watch.Observer.schedule", schedule)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    with Emulator(bundle / "template.yaml", port=0, aws_port=0, write=lines.put) as cloud:
        while "cannot be watched: [Errno 28] inotify watch limit reached" not in lines.get(timeout=20):
            pass
        (function,) = cloud.stack.functions
        assert function.url
        assert httpx.get(cloud.url, headers={"host": function.url.domain}, timeout=20).text == "before"


def test_running_streams_finish_on_the_old_code(copy: Path) -> None:
    """A story that has begun is told to its end by the code it began with; the next one runs the new code."""
    cloud = LocalCloud(cwd=copy)
    try:
        query = {"min_ms": "20", "max_ms": "20"}
        with httpx.stream("GET", f"{cloud.url}/sse", params=query, timeout=20) as response:
            story = EventSource(response).iter_sse()
            first = next(story)
            code = copy / "functions/layers/stories/python/stories/library.py"
            changed = code.read_text().replace('"Stream ended"', '"The end"')
            save_until_noticed(cloud, lambda: code.write_text(changed), "Code changed: .*StoryFunction")
            *_, last = story
        assert (first.data, last.data) == ("Every", "Stream ended")
        assert "data: The end" in httpx.get(f"{cloud.url}/sse", params={"max_ms": "0", "min_ms": "0"}).text
    finally:
        assert cloud.stop() == 0


def test_changed_page_is_published_again(copy: Path) -> None:
    """The publisher runs once more, as after a deployment."""
    cloud = LocalCloud(cwd=copy)
    try:
        assert "<title>" in httpx.get(f"{cloud.url}/", timeout=30).text
        page = copy / "functions/site/page/index.html"
        page.write_text(page.read_text().replace("<title>", "<title>New: "))
        cloud.wait_for("Site +is up to date", seconds=30)
        cloud.wait_for("Site +is up to date", seconds=30)
        assert "<title>New: " in httpx.get(f"{cloud.url}/", timeout=30).text
    finally:
        assert cloud.stop() == 0


def test_json_lines() -> None:
    """With --log-format json every line is an object."""
    cloud = LocalCloud("--log-format", "json")
    try:
        httpx.get(f"{cloud.url}/sse", params={"min_ms": "0", "max_ms": "0"}, timeout=20)
        request = json.loads(cloud.wait_for('"type": "request"'))
        assert (request["path"], request["status"], request["function"]) == ("/sse", 200, "StoryFunction")
        assert all(isinstance(json.loads(line), dict) for line in cloud.lines)
    finally:
        assert cloud.stop() == 0


HEAVY = {
    "boto3", "botocore", "email", "fastapi", "flask", "h11", "httpx", "moto", "pkg_resources", "psutil", "pydantic",
    "requests", "samtranslator", "unittest", "uvicorn", "werkzeug", "yaml",
}  # fmt: skip
FIRST_WORD = """
import asyncio, sys, uvloop
import local.commands
from local.emulator import Emulator

async def main():
    cloud = Emulator(port=0, aws_port=0, write=lambda line: None)
    await cloud.start()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", cloud.port)
        writer.write(b"GET /sse HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
        await reader.readuntil(b"data: ")
        print(*sorted({name.partition(".")[0] for name in sys.modules}))
    finally:
        writer.close()
        await cloud.stop()

uvloop.run(main())
"""


def test_start_is_light() -> None:
    """Nothing that the first word does not need is imported on the way to it: here, to the moment it is there.

    The first of two starts may have to read the template; what it found is kept for the second.
    """
    for _ in range(2):
        told = subprocess.run([sys.executable, "-c", FIRST_WORD], cwd=ROOT, capture_output=True, text=True, check=True)

    modules = set(told.stdout.split())
    assert {"local", "httptools", "uvloop"} <= modules
    assert modules & HEAVY == set()


INTERRUPTED = """
import runpy, sys

class Interrupter:
    def find_spec(self, name, *_):
        if name == "local.emulator":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupter())
runpy.run_module("local", run_name="__main__", alter_sys=True)
"""


def test_ctrl_c_is_no_traceback_while_the_emulator_is_still_loaded() -> None:
    """As Python raises it, in whatever is being imported."""
    ended = subprocess.run([sys.executable, "-c", INTERRUPTED], cwd=ROOT, capture_output=True, text=True, timeout=20)

    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_invoke_prints_the_stream_as_it_comes() -> None:
    """The body goes to standard output, word by word; status, headers and log lines to standard error."""
    command = [sys.executable, "-m", "local", "invoke", "StoryFunction", "--event", "events/story.json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        first = [process.stdout.readline() for _ in range(7)]
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130

    assert first == ["retry: 1000\n", "id: 1\n", "data: Every\n", "\n", "id: 2\n", "data: evening\n", "\n"]


def test_invoke_ends_when_the_reader_of_its_output_leaves() -> None:
    """As `| head` does: the exit code of SIGPIPE, and nothing else to read."""
    command = [sys.executable, "-m", "local", "invoke", "StoryFunction", "--event", "events/story.json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "retry: 1000\n"
        process.stdout.close()
        assert process.wait(timeout=20) == 141
        assert "Error" not in process.stderr.read()


def test_invoke_runs_on_when_the_reader_of_its_log_leaves() -> None:
    """Its reply is whole, and its exit code is the function's."""
    command = [sys.executable, "-m", "local", "invoke", "StoryFunction", "--event", "events/quick.json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stderr.close()
        assert process.stdout.read().endswith("data: Stream ended\n\n")
        assert process.wait(timeout=20) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("command", [["invoke", "StoryFunction", "--event", "events/quick.json"], ["lint"], ["cost"]])
def test_output_onto_a_full_disk(command: list[str]) -> None:
    """One sentence and exit code 2."""
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [sys.executable, "-m", "local", *command],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
        )

    assert result.returncode == 2
    assert result.stderr.endswith("local: Standard output cannot be written: No space left on device.\n")
    assert "Traceback" not in result.stderr


def test_invoke_to_the_end() -> None:
    """One event from a file, the reply on standard output, exit code 0."""
    result = run("invoke", "StoryFunction", "--event", "events/quick.json")

    assert result.returncode == 0
    assert result.stdout.endswith("event: end-of-stream\ndata: Stream ended\n\n")
    assert result.stderr.startswith("HTTP 200\n") or "\nHTTP 200\n" in result.stderr
    assert "platform.report" in result.stderr


def test_invoke_of_a_function_that_fails(bundle: Path) -> None:
    """Exit code 1, and the error document on standard output."""
    (bundle / "echo" / "echo.py").write_text("def handler(event, context):\n    raise KeyError(event['name'])\n")
    result = run("invoke", "Echo", cwd=bundle, stdin='{"name": "missing"}')

    assert result.returncode == 1
    assert json.loads(result.stdout)["errorType"] == "KeyError"


@pytest.mark.parametrize("command", ["invoke StoryFunction --event events/quick.json", "--port 0 --aws-port 0"])
@pytest.mark.parametrize(
    ("limit", "says"),
    [("-n 24", "Only 24 files may be open at once: allow 64"), ("-f 0", "No temporary folder can be made")],
)
def test_limits_below_which_nothing_runs(command: str, limit: str, says: str) -> None:
    """One sentence and exit code 2."""
    shell = ["sh", "-c", f'ulimit {limit}; exec "{sys.executable}" -m local {command}']
    result = subprocess.run(shell, cwd=ROOT, capture_output=True, text=True, timeout=30)

    assert result.returncode == 2
    assert result.stderr.startswith(f"local: {says}")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "stdin", "says"),
    [
        (["Nobody"], "{}", "no function Nobody; it has StoryFunction, ApiFunction, SitePublisher"),
        (["StoryFunction", "--event", "events/nothing.json"], "", "events/nothing.json cannot be read"),
        (["StoryFunction"], "{", "is not JSON"),
    ],
)
def test_invoke_with_bad_input(arguments: list[str], stdin: str, says: str) -> None:
    """One sentence and exit code 2."""
    result = run("invoke", *arguments, stdin=stdin)

    assert result.returncode == 2
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_parameters_of_the_template() -> None:
    """Story and API take the pauses of the deployment: a poll is told them, and a stream refused by them."""
    cloud = LocalCloud("--parameter", "MinPauseMs=4321", "--parameter", "MaxPauseMs=4321")
    with httpx.Client(base_url=cloud.url, timeout=20) as viewer:
        polled = viewer.get("/api/poll").json()
        refused = viewer.get("/sse", params={"max_ms": "10"})
        listed = viewer.get("/api/stories").json()["stories"]
    assert cloud.stop() == 0

    assert polled["next_ms"] == 4321
    assert refused.json()["detail"] == "min_ms (4321, its default) must not be greater than max_ms (10)."
    assert all(story["pauses"] == {"min_ms": 4321, "max_ms": 4321} for story in listed)


def test_nothing_is_promised_at_the_edge_without_a_distribution() -> None:
    """The function URLs are where such a template answers."""
    with Emulator(ROOT / "tests/contract/asgi_apps/template.yaml", port=0, aws_port=0, write=[].append) as cloud:
        first, *others = cloud.banner()

    assert re.fullmatch(rf"  edge +{cloud.url}/  nothing: the template has no distribution", first)
    assert any(cloud.function_url(cloud.stack.functions[0]) in line for line in others)


def test_who_cannot_ask_a_function_over_http_is_told_how_else(tmp_path: Path) -> None:
    """Such as the template that `sam init` makes, whose function has an API alone."""
    events = "{A: {Type: Api, Properties: {Path: /hello, Method: get}}}"
    (tmp_path / "template.yaml").write_text(
        TEMPLATE.replace("FunctionUrlConfig: {AuthType: NONE}", f"Events: {events}")
    )
    (tmp_path / "echo").mkdir()
    with Emulator(tmp_path / "template.yaml", port=0, aws_port=0, write=[].append) as cloud:
        lines = cloud.banner()

    assert "  No function has a URL: add a FunctionUrlConfig, or run python -m local invoke Echo" in lines


def test_pauses_the_wrong_way_round_are_told_in_the_log() -> None:
    """CloudFormation cannot compare two parameters, so the function does, when it starts."""
    command = ["invoke", "StoryFunction", "--event", "events/quick.json", "--parameter", "MinPauseMs=900"]
    done = subprocess.run([sys.executable, "-m", "local", *command], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 1
    assert "STORY_MIN_MS (900) must not be greater than STORY_MAX_MS (800)." in done.stderr


def test_cost_is_told_at_the_end() -> None:
    """With --cost: what was invoked, how long it was billed, and at what price."""
    cloud = LocalCloud("--cost")
    httpx.get(f"{cloud.url}/sse", params={"min_ms": "0", "max_ms": "0"}, timeout=20)
    cloud.wait_for("StoryFunction .*platform.report")

    assert cloud.stop() == 0
    line = next(line for line in cloud.lines if line.startswith("StoryFunction  1 invocation, "))
    assert re.search(r"\d\.\d\d s billed: \d\.\d\d GB-s, \$0\.0000\d\d \(arm64\)$", line)
