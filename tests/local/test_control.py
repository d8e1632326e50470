"""The socket on which a snapshot is asked for copies: any number of questions, answered in their order."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading

import pytest

from local.environment.control import Control

pytestmark = pytest.mark.anyio

DEADLINE_SECONDS = 20


def answer_all(theirs: socket.socket, gate: threading.Event) -> None:
    """A restorer that says `taken`, and when the *gate* opens answers every question with what was asked."""
    theirs.send(b'{"threads": 0}')
    gate.wait(DEADLINE_SECONDS)
    while True:
        message, descriptors, *_ = socket.recv_fds(theirs, 65536, 1)
        if not message:
            return
        for descriptor in descriptors:
            os.write(descriptor, message)
            os.close(descriptor)
        theirs.send(message)


async def test_more_questions_than_the_socket_holds_are_answered_in_their_order() -> None:
    """What does not go in at once goes when there is room; each brings its own descriptor."""
    gate = threading.Event()
    async with asyncio.timeout(DEADLINE_SECONDS):
        control = Control()
        theirs = socket.socket(fileno=os.dup(control.theirs.fileno()))
        restorer = threading.Thread(target=answer_all, args=[theirs, gate], daemon=True)
        restorer.start()
        assert await control.taken == {"threads": 0}

        pipes = [os.pipe() for _ in range(800)]
        asked = [control.ask({"copy": number}, writing) for number, (_, writing) in enumerate(pipes)]
        answers = asyncio.gather(*asked)
        await asyncio.sleep(0)
        gate.set()

        assert await answers == [{"copy": number} for number in range(len(pipes))]
        for number, (reading, _) in enumerate(pipes):
            assert json.loads(os.read(reading, 100)) == {"copy": number}
            os.close(reading)
        control.close()
        await asyncio.to_thread(restorer.join)
        theirs.close()


async def test_when_the_other_side_hangs_up_nobody_waits_for_ever() -> None:
    """Neither those who have asked, nor those who ask then; their descriptors are closed."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        control = Control()
        reading, writing = os.pipe()
        asking = asyncio.create_task(control.ask({"restore": {}}))
        await asyncio.sleep(0)
        control.theirs.shutdown(socket.SHUT_RDWR)

        with pytest.raises(ConnectionError):
            await asking
        with pytest.raises(ConnectionError):
            await control.ask({"restore": {}}, writing)
        assert os.read(reading, 1) == b""
        os.close(reading)
        assert isinstance(control.taken.exception(), ConnectionError)
        control.close()
