"""The worker of an environment that was restored from a snapshot.

What hop this is: `snapshot -> [restored] -> control -> restorer`.

What the real service does: restores a virtual machine. What differs is told in `managed_runtime/restorer.py`; seen from
here, a restored worker is the child of another process, which is asked how it ended.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping

from local.environment.control import Control
from local.environment.process import Output, Worker, in_words


class RestoredProcess(Worker):
    """A copy of the worker that waits behind *control*."""

    def __init__(self, pid: int, control: Control, output: Output, pipe: asyncio.BaseTransport) -> None:
        self.pid = pid
        self._control = control
        self._output = output
        self._pipe = pipe
        self._exited = asyncio.Event()
        self._watched = os.pidfd_open(pid)  # readable when the process has ended
        asyncio.get_running_loop().add_reader(self._watched, self._on_exit)

    @classmethod
    async def restore(
        cls, control: Control, environ: Mapping[str, str], on_line: Callable[[str], None]
    ) -> RestoredProcess:
        """Make one, in which the variables of *environ* differ from those of the snapshot. Raises `OSError`."""
        reading, writing = os.pipe()
        output = Output(on_line)
        pipe, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: output, os.fdopen(reading, "rb", 0))
        try:
            answer = await control.ask({"restore": environ}, writing)
            if "error" in answer:
                raise OSError(answer["error"])
            return cls(answer["pid"], control, output, pipe)
        except BaseException:
            pipe.close()
            raise

    @property
    def running(self) -> bool:
        return not self._exited.is_set()

    async def ended(self) -> str:
        await self._exited.wait()
        self.kill()  # what else is in its group; the group lasts until its parent was asked
        try:
            answer = await self._control.ask({"wait": self.pid})
            how = in_words(os.waitstatus_to_exitcode(answer["status"]))
        except ConnectionError:  # the parent has ended before it
            how = "exit status unknown"
        await self._output.last_words()
        self._pipe.close()
        return how

    def _on_exit(self) -> None:
        asyncio.get_running_loop().remove_reader(self._watched)
        os.close(self._watched)
        self._exited.set()
