"""The emulator's end of the socket on which a snapshot is asked for copies.

What hop this is: `snapshot, restored -> [control] -> restorer`; the messages are told in `managed_runtime/restorer.py`.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections import deque
from collections.abc import Mapping
from typing import Any

_MAX_MESSAGE_BYTES = 64 * 1024


class Control:
    """Asks one thing after another without waiting for the answers; the first answer, `taken`, is to no question.

    *theirs* is the other end, for the worker to inherit. When that has hung up, all answers are `ConnectionError`.
    """

    def __init__(self) -> None:
        self._socket, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)
        self._unsent: deque[tuple[bytes, tuple[int, ...]]] = deque()
        self._unanswered: deque[asyncio.Future[dict[str, Any]]] = deque()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._receive)
        self.taken = self._answer()

    async def ask(self, request: Mapping[str, object], *descriptors: int) -> dict[str, Any]:
        """The answer to *request*, with which *descriptors* are sent away. Raises `OSError`."""
        if self._socket.fileno() < 0:
            _close_all(descriptors)
            raise ConnectionError("the snapshot is gone")
        self._unsent.append((json.dumps(request).encode(), descriptors))
        answer = self._answer()
        self._send()
        return await answer

    def close(self) -> None:
        """Hang up, on which a worker that waits to be asked ends."""
        if self._socket.fileno() < 0:
            return
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        self.theirs.close()
        while self._unsent:
            _close_all(self._unsent.popleft()[1])
        while self._unanswered:
            answer = self._unanswered.popleft()
            if not answer.done():
                answer.set_exception(ConnectionError("the snapshot is gone"))
                answer.exception()  # it is no mistake when nobody asks

    def _answer(self) -> asyncio.Future[dict[str, Any]]:
        answer: asyncio.Future[dict[str, Any]] = self._loop.create_future()
        self._unanswered.append(answer)
        return answer

    def _send(self) -> None:
        try:
            while self._unsent:
                message, descriptors = self._unsent[0]
                socket.send_fds(self._socket, [message], descriptors)
                self._unsent.popleft()
                _close_all(descriptors)
        except BlockingIOError:  # so many have been asked for at once that it goes on when some were made
            self._loop.add_writer(self._socket, self._send)
        except OSError:
            self.close()
        else:
            self._loop.remove_writer(self._socket)

    def _receive(self) -> None:
        try:
            while message := self._socket.recv(_MAX_MESSAGE_BYTES):
                answer = self._unanswered.popleft()
                if not answer.done():
                    answer.set_result(json.loads(message))
        except BlockingIOError:
            return
        except OSError:
            pass
        self.close()


def _close_all(descriptors: tuple[int, ...]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
