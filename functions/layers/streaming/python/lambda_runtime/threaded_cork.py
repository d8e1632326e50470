"""What a body that is not asynchronous writes to in a burst: its items leave together, and none waits for the next one.

What this is: `replies -> [threaded_cork] -> client.ResponseStream's connection -> Runtime API`.

What the real service does: nothing here is Lambda's. A system call for each event is four fifths of what an event
costs, so a burst is best sent in one. Nobody can tell whether the next item of an iterator takes a microsecond or an
hour, and while it is made this thread cannot send. So there is a second thread, from the burst to the end of the body,
which sends what is held as soon as it gets a turn: within microseconds when the body waits, since whatever waits in
Python, for a clock, a socket or a disk, lets other threads run; within the interpreter's switch interval, 5 ms, when
the body computes. What comes a millisecond or more after the item before is sent at once, with what is held.

What differs here, on purpose:
1. the end of a body that did not fail is held, and leaves with the end of the reply, in one write;
2. a single call into C that keeps the interpreter's lock, such as `json.dumps` of megabytes, holds back for as long
   what was written in the millisecond before it.
"""

from __future__ import annotations

import time
from _thread import allocate_lock, start_new_thread  # not `threading`, which costs several milliseconds to import

from lambda_runtime.client import BURST_SECONDS, MAX_HELD_BYTES, ReplyLostError
from lambda_runtime.http1 import chunk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType
    from collections.abc import Callable, Iterable

    from lambda_runtime.client import ResponseStream

GRACE_SECONDS = 0.05  # for what is held when the process is told to exit


class ThreadedCork:
    """Sends chunks through *stream*, whose opening has left already."""

    def __init__(self, stream: ResponseStream) -> None:
        self._stream = stream
        self._held: list[bytes] = []  # `write` adds to its end, whoever has `_sending` takes from its beginning
        self._written_bytes = 0
        self._taken_bytes = 0
        self._max_held_bytes = MAX_HELD_BYTES
        self._burst_until = 0.0
        self._ending = False
        self._sending = allocate_lock()
        self._asleep = allocate_lock()  # locked while the second thread has nothing to do
        self._running = allocate_lock()  # locked until the second thread has ended, where there is one

    def pour(self, items: Iterable[bytes], close: Callable[[], object]) -> bytes:
        """Send *items*, *close* the body whatever happens, and return the frame that leaves with the end of the reply.

        What is held does not wait for a body that takes its time to close. What the iteration or *close* raises is
        raised when everything before it has left. Raises `ReplyLostError`.
        """
        try:
            try:
                self._start()
                for item in items:
                    self.write(item)
            except Exception:
                self._send_the_last()
                raise
            finally:
                close()
            self._end()
            with self._sending:
                return chunk(self._taken())
        except Exception:  # perhaps of `close`
            self._send_the_last()
            raise
        except BaseException:  # the process is to exit, and not to wait for a receiver that takes nothing
            self.join(GRACE_SECONDS)
            self._stream.connection.hang_up()
            self.join()
            self._stream.connection.close()
            raise

    def join(self, timeout: float = -1) -> None:
        """Tell the second thread to end, where `pour` did not come to that, and wait until it has; it sends no more."""
        self._end()
        if self._running.acquire(timeout=timeout):
            self._running.release()

    def write(self, data: bytes) -> None:
        """Send *data* now or with its burst, and wait while the receiver is slow."""
        if self._stream.loss:
            raise self._stream.loss
        now = time.monotonic()
        in_burst, self._burst_until = now < self._burst_until, now + BURST_SECONDS
        self._held.append(data)
        self._written_bytes += len(data)
        if in_burst and self._written_bytes - self._taken_bytes < self._max_held_bytes:
            self._wake()
        else:
            with self._sending:
                self._send()

    def _start(self) -> None:
        running = allocate_lock()
        running.acquire()
        self._asleep.acquire()
        try:
            start_new_thread(self._run, (running,))
        except Exception:  # noqa: BLE001 - no more threads, no memory, an audit hook's refusal: then nothing is held
            self._max_held_bytes = 0
        else:
            self._running = running  # not before: nobody waits for a thread that was never started

    def _end(self) -> None:
        self._ending = True
        self._wake()

    def _wake(self) -> None:
        if self._asleep.locked():
            self._asleep.release()

    def _run(self, running: LockType) -> None:
        """The second thread."""
        try:
            while not self._ending:
                self._asleep.acquire()
                with self._sending:
                    self._send()
        except ReplyLostError:
            pass  # the first thread is told when it writes next, or ends the reply
        finally:
            running.release()

    def _send_the_last(self) -> None:
        try:
            with self._sending:
                self._send()
        except ReplyLostError:
            pass  # told at the end of the reply

    def _send(self) -> None:
        """Send all that is held; only for who has `_sending`. Raises `ReplyLostError`."""
        if self._stream.loss:
            raise self._stream.loss
        try:
            if data := self._taken():
                self._stream.connection.send(chunk(data))
        except Exception as error:  # whatever it was, a signal handler's exception too: half a frame may be out
            raise self._stream.lost(error) from error

    def _taken(self) -> bytes:
        items = self._held[:]
        del self._held[: len(items)]  # what has been added since stays
        data = b"".join(items)
        self._taken_bytes += len(data)
        return data
