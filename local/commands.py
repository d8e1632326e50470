"""The command line, as `__main__` runs it: `python -m local` starts the emulator, `invoke` runs one event, `lint`
judges a template, `cost` reckons what stories cost on AWS.

Exit codes: 0, also when Ctrl-C ends the emulator; 1 when an invoked function failed, or when a template has errors;
2 for what the user can mend, said in one sentence; 130 when Ctrl-C cuts an invocation or a start short, 141 when
the reader of standard output leaves.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import uvloop

from local.console import Console, ReaderLeftError, write_error, write_output
from local.emulator import Emulator
from local.errors import EmulatorError
from local.invoke import invoke, read_event

DEFAULT_TEMPLATE = "template.yaml"
_FEWEST_FILES = 64  # for page, stream and the rest of AWS
_LAST_STANDARD_STREAM = 2


def main(arguments: list[str] | None = None) -> int:
    """Run the command that *arguments* (by default those of the process) ask for; its exit code."""
    _open_standard_streams()
    options = parser().parse_args(arguments)
    try:
        if options.command in ("lint", "cost"):
            return _lint(options) if options.command == "lint" else _cost(options)
        _raise_file_limit()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_invoke(options) if options.command == "invoke" else _serve(options))
    except EmulatorError as error:
        write_error(f"local: {error}")
        return 2
    except ReaderLeftError:
        return 141  # as a shell names an end by SIGPIPE
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130


def parser() -> argparse.ArgumentParser:
    """All commands and options."""
    parameters = argparse.ArgumentParser(add_help=False)
    parameters.add_argument(
        "--parameter", action="append", default=[], metavar="NAME=VALUE", type=_pair,
        help="the value of a parameter of the template, instead of its default; may be repeated",
    )  # fmt: skip
    common = argparse.ArgumentParser(add_help=False, parents=[parameters])
    common.add_argument("--template", default=DEFAULT_TEMPLATE, metavar="FILE", help="the SAM template to run")
    common.add_argument(
        "--env", action="append", default=[], metavar="NAME=VALUE", type=_pair,
        help="an environment variable for all functions; may be repeated",
    )  # fmt: skip
    common.add_argument(
        "--log-format", choices=["text", "json"], default="text", help="how the emulator's own lines are written"
    )
    common.add_argument(
        "--snapstart", action="store_true", help="restore the environments of every function from a snapshot of it"
    )
    top = argparse.ArgumentParser(
        prog="python -m local", description="A local Lambda that streams.", parents=[common], allow_abbrev=False
    )
    top.set_defaults(command="start")
    top.add_argument("--port", type=int, default=8080, help="of the page, the stream and the function URLs (8080)")
    top.add_argument("--aws-port", type=int, default=8081, help="of the AWS endpoint for SDKs and functions (8081)")
    top.add_argument(
        "--bandwidth", action="store_true", help="slow streamed replies down as Lambda does: 6 MB at once, then 2 MB/s"
    )
    top.add_argument("--empty", action="store_true", help="run no template: an empty cloud that waits for `sam deploy`")
    top.add_argument("--cost", action="store_true", help="at the end, say what the invocations would cost on AWS")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=False)
    one = commands.add_parser(
        "invoke", parents=[common], allow_abbrev=False, help="run one event through a function, printing as it comes"
    )
    one.add_argument("function", help="logical id, name or ARN")
    one.add_argument("--event", default="-", metavar="FILE", help="the event as JSON; - for standard input (default)")
    judged = commands.add_parser(
        "lint", parents=[parameters], allow_abbrev=False, help="find what would keep a template from streaming"
    )
    judged.add_argument(
        "template", nargs="?", default=argparse.SUPPRESS, metavar="TEMPLATE", help="SAM or CloudFormation, YAML or JSON"
    )
    judged.add_argument("--format", choices=["text", "json"], default="text", help="how findings are written")
    judged.add_argument("--rules", action="store_true", help="tell every rule and its reason, and judge nothing")
    reckoned = commands.add_parser("cost", allow_abbrev=False, help="reckon what stories cost on AWS, as Markdown")
    reckoned.add_argument("--stories", type=_whole(1, 10**9), default=1000, metavar="N", help="how many (1000)")
    reckoned.add_argument("--seconds", type=_whole(1, 900), default=22, metavar="S", help="how long each is (22)")
    reckoned.add_argument("--memory", type=_whole(128, 10240), default=512, metavar="MB", help="of the function (512)")
    return top


async def _serve(options: argparse.Namespace) -> int:
    if options.empty and (options.parameter or options.template != DEFAULT_TEMPLATE):
        raise EmulatorError("An empty cloud runs no template: leave out --empty, or --template and --parameter.")
    console = Console()
    emulator = Emulator(
        None if options.empty else options.template,
        port=options.port,
        aws_port=options.aws_port,
        parameters=dict(options.parameter),
        overrides=dict(options.env),
        log_format=options.log_format,
        bandwidth=options.bandwidth,
        snapstart=options.snapstart,
        write=console.write,
    )
    end = asyncio.Event()
    _on_interrupt(end.set)
    await emulator.start()
    try:
        for line in emulator.banner():
            emulator.reports.note(line)
        emulator.deploy()
        await end.wait()
    finally:
        await emulator.stop()
        if options.cost:
            for line in emulator.reports.bill.lines():
                emulator.reports.note(line)
        console.flush()
    return 0


async def _invoke(options: argparse.Namespace) -> int:
    event = read_event(options.event)
    emulator = Emulator(
        options.template,
        port=0,
        aws_port=0,
        parameters=dict(options.parameter),
        overrides=dict(options.env),
        log_format=options.log_format,
        snapstart=options.snapstart,
        write=write_error,
    )
    task = asyncio.current_task()
    assert task is not None
    _on_interrupt(task.cancel)
    await emulator.start()
    try:
        succeeded = await invoke(emulator.stack, emulator.dispatcher, options.function, event, write=write_output)
    finally:
        await emulator.stop()
    return 0 if succeeded else 1


def _lint(options: argparse.Namespace) -> int:
    # PyYAML, which this needs, is not to be loaded before the first word of a story.
    from local.lint import report
    from local.lint.finding import Severity
    from local.lint.linter import lint

    if options.rules:
        _print(report.rules())
        return 0
    path = Path(options.template)
    result = lint(path, parameters=dict(options.parameter))
    _print(report.as_json(result, path) if options.format == "json" else report.as_text(result, path))
    return 1 if result.count(Severity.ERROR) else 0


def _cost(options: argparse.Namespace) -> int:
    from local.cost_page import cost_page

    _print(cost_page(stories=options.stories, seconds=options.seconds, memory_mb=options.memory))
    return 0


def _open_standard_streams() -> None:
    """Put the null device where a standard stream is closed, as some supervisors leave them; write in any locale.

    The first socket would get its number otherwise, and for libuv such a number is no socket's.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _LAST_STANDARD_STREAM:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: SIM115 - open to the end
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error: functions write what no locale hinders


def _raise_file_limit() -> None:
    """As many open files as the system lets us have: each environment takes five, and a shell's limit may be 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= hard < _FEWEST_FILES:  # what names no limit is below 0
        raise EmulatorError(f"Only {hard} files may be open at once: allow {_FEWEST_FILES} or more with ulimit -n.")
    with contextlib.suppress(ValueError, OSError):  # macOS names a limit that it does not grant
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _on_interrupt(then: Callable[[], object]) -> None:
    """Call *then* at Ctrl-C or SIGTERM; also where a shell started us in the background, with Ctrl-C ignored."""
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, then)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} does not read NAME=VALUE")
    return name, value


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        if not text.isdecimal() or not lowest <= int(text) <= highest:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {lowest} to {highest}")
        return int(text)

    return whole


def _print(text: str) -> None:
    write_output(f"{text}\n".encode(sys.stdout.encoding, "backslashreplace"))
