"""Waits in an initialized worker for requests to restore it, each in a process of its own.

What hop this is: `snapshot -> control socket -> [restorer] -> a copy of the worker`. The runtime calls `wait` where on
AWS it would wait at `restore/next`: ours finds this file by `LOCAL_LAMBDA_RESTORER`, AWS's through `bootstrap`.

What the real service does: when the runtime asks for `restore/next` it saves memory and disk of the whole machine, and
each environment goes on from there (https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html).

What differs here, on purpose:
1. an environment is a fork of the worker: threads are not in it, and files and connections that are open are shared by
   all of them. What was registered with `os.register_at_fork` is called only where it mends what lost threads leave
   behind: on AWS nothing is, and calling it would cost each environment a tenth of its memory;
2. what would go wrong silently in a fork is mended: an event loop gets descriptors of its own, `tempfile` looks for the
   new environment's folder, and `random` begins anew. A loop whose descriptors are out of reach (uvloop's) keeps a
   worker from being copied;
3. the worker that is copied stays, as their parent, and says how each of them ended.

Every message is a JSON object, every request gets one answer, in their order:
`{"restore": {NAME: value}}` with a descriptor to print to -> `{"pid": 1}` or `{"error": "why not"}`;
`{"wait": 1}` -> `{"status": 0}`.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import selectors
import signal
import socket
import sys
import warnings
from collections.abc import Callable
from typing import Any

_MAX_MESSAGE_BYTES = 64 * 1024
_ANCILLARY_BYTES = socket.CMSG_LEN(4)  # one descriptor


def wait() -> None:
    """Serve requests; returns in each copy, and ends the process when nobody is left who could ask."""
    control = socket.socket(fileno=int(os.environ.pop("LOCAL_LAMBDA_CONTROL")))
    control.set_inheritable(False)
    os.environ.pop("LOCAL_LAMBDA_RESTORER", None)
    loops = _event_loops()
    foreign = [loop for loop in loops if not hasattr(loop, "_make_self_pipe")]
    threads = len(os.listdir("/proc/self/task")) - 1
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    # What is there now stays for good: a collection that looked at it would make each copy pay for memory of its own.
    gc.collect()
    gc.freeze()
    control.send(json.dumps({"threads": threads, "foreign": [type(loop).__module__ for loop in foreign]}).encode())
    # The system's own fork, of which Python knows nothing, or Python's, which looks after threads.
    fork = os.fork if threads else ctypes.PyDLL(None, use_errno=True).fork
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which have been spoken of now
        request, output = _serve(control, fork)
    control.close()
    _become(request, output, loops)


def _serve(control: socket.socket, fork: Callable[[], int]) -> tuple[bytes, int]:
    """Make a copy for each request; returns in the copy, with the request and the descriptor that came with it.

    What the worker touches from one fork to the next, each copy has to keep as it was. So a copy is made without a call
    of anything that is written in Python; the request is for the copy to read.
    """
    while True:
        message, ancillary, _, _ = control.recvmsg(_MAX_MESSAGE_BYTES, _ANCILLARY_BYTES)
        if not message:
            os._exit(0)
        if not ancillary:
            control.send(b'{"status": %d}' % _status(json.loads(message)["wait"]))
            continue
        output = int.from_bytes(ancillary[0][2], sys.byteorder)
        try:
            pid = fork()
            if pid < 0:
                raise OSError(os.strerror(ctypes.get_errno()))
        except OSError as error:  # no process or no memory to be had
            control.send(json.dumps({"error": str(error)}).encode())
            os.close(output)
            continue
        # A process group of its own, told by both: it may be stopped or killed as soon as its pid is known.
        if pid == 0:
            os.setpgid(0, 0)
            return message, output
        try:  # noqa: SIM105 - contextlib is written in Python
            os.setpgid(pid, pid)
        except ProcessLookupError:  # it has ended already
            pass
        control.send(b'{"pid": %d}' % pid)
        os.close(output)


def _status(pid: int) -> int:
    """How that copy ended, as `os.waitpid` says it; it has ended already."""
    try:
        return os.waitpid(pid, 0)[1]
    except ChildProcessError:  # the function ignores SIGCHLD, and the system forgets its children
        return 0


def _become(request: bytes, output: int, loops: list[Any]) -> None:
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    # One by one: `update` would touch, and so copy, much more memory.
    for name, value in json.loads(request)["restore"].items():
        os.environ[name] = value
    for loop in loops:
        _part(loop)
    if tempfile := sys.modules.get("tempfile"):
        tempfile.tempdir = None  # type: ignore[attr-defined]  # a module that is there
    if random := sys.modules.get("random"):
        random.seed()


def _event_loops() -> list[Any]:
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return []
    # Not isinstance, which asks an object for its class: what a proxy stands for must not be made for that.
    loops = [thing for thing in gc.get_objects() if issubclass(type(thing), asyncio.AbstractEventLoop)]
    return [loop for loop in loops if not loop.is_closed()]


def _part(loop: Any) -> None:
    """Give *loop* a selector and a pipe to wake it up with: those it has are its siblings' too, and its parent's."""
    shared = loop._selector
    loop._selector = selectors.DefaultSelector()
    for key in shared.get_map().values():
        loop._selector.register(key.fileobj, key.events, key.data)
    shared.close()
    loop._close_self_pipe()
    loop._make_self_pipe()
    loop._default_executor = None  # its threads are gone
    if loop._signal_handlers:
        signal.set_wakeup_fd(loop._csock.fileno())
