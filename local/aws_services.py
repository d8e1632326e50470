"""The rest of AWS: the moto process, from its start to its end, and the way to talk to it.

What hop this is: `site, aws_endpoint -> [aws_services] -> moto`.

What the real service does: some two hundred APIs over HTTP, of which moto answers most
(http://docs.getmoto.org/en/latest/docs/services/index.html).

What differs here, on purpose:
1. nothing is kept: every start begins with an empty account;
2. no signature is checked, moto reads from it only which service is meant; and no permission but what a bucket's policy
   says without a condition.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.asgi import end_to_end
from local.errors import EmulatorError
from local.wire.headers import Header

if TYPE_CHECKING:
    import httpx

START_SECONDS = 30.0
STOP_SECONDS = 5.0
CONNECT_SECONDS = 5.0
REPLY_SECONDS = 60.0  # the first call to a service loads its code

_PROGRAM = Path(__file__).with_name("moto_process.py")
_BUCKET_IN_REGION = (
    '<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<LocationConstraint>{}</LocationConstraint></CreateBucketConfiguration>"
)
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """moto's answer: its headers as they may travel on, its body as it comes in."""

    status: int
    headers: list[Header]
    chunks: AsyncIterator[bytes]


class AwsServices:
    """moto in a child process, which is started by `start` or by the first question, whichever comes first."""

    def __init__(self, *, program: Path = _PROGRAM, start_seconds: float = START_SECONDS) -> None:
        self._program = program
        self._start_seconds = start_seconds
        self._starting: asyncio.Task[str] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._last_words = "it said nothing"
        self._transport: httpx.AsyncHTTPTransport | None = None

    async def start(self) -> None:
        """Begins to start moto in the background, and returns at once."""
        if self._starting is None:
            self._starting = asyncio.create_task(self._launch())

    async def address(self) -> str:
        """Where moto answers, `http://127.0.0.1:<port>`, once it does. Raises `EmulatorError` when it does not."""
        await self.start()
        assert self._starting is not None
        try:
            return await asyncio.shield(self._starting)
        except asyncio.CancelledError:
            if not self._starting.cancelled():
                raise  # it is the caller that was cancelled
            raise EmulatorError("The rest of AWS (moto) has been stopped.") from None

    async def stop(self) -> None:
        """Ends the process, started or still starting; it has `STOP_SECONDS` to go by itself."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        if self._transport is not None:
            await self._transport.aclose()
        if self._process is not None:
            await self._end(self._process)
        if self._listening is not None:
            await self._listening

    @asynccontextmanager
    async def request(
        self, method: str, target: bytes, *, headers: Iterable[Header], body: AsyncIterator[bytes] | None = None
    ) -> AsyncIterator[Reply]:
        """One request to moto, both bodies streamed. *target* is the raw path with its query, sent as it is.

        *headers* decide how *body* is framed: by their content-length, else in chunks.
        Raises `EmulatorError` when moto cannot be asked or stops in the middle of its answer.
        """
        address = await self.address()
        assert self._transport is not None
        import httpx  # loaded with the transport, so this costs nothing

        timeout = httpx.Timeout(REPLY_SECONDS, connect=CONNECT_SECONDS, pool=None).as_dict()
        extensions = {"target": target, "timeout": timeout}
        request = httpx.Request(method, address, headers=list(headers), content=body, extensions=extensions)
        try:
            response = await self._transport.handle_async_request(request)
            try:
                yield Reply(response.status_code, _forwarded(response), response.aiter_raw())
            finally:
                await response.aclose()
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise EmulatorError(f"The rest of AWS (moto) does not answer: {reason}. Restart the emulator.") from error

    async def create_bucket(self, name: str, region: str) -> None:
        """Makes a bucket, unless it is there. Raises `EmulatorError`."""
        document = b"" if region == "us-east-1" else _BUCKET_IN_REGION.format(region).encode()
        headers = [signature("s3", region), (b"content-length", str(len(document)).encode())]
        async with self.request("PUT", f"/{name}".encode(), headers=headers, body=_once(document)) as reply:
            answer = b"".join([chunk async for chunk in reply.chunks])
        if reply.status not in (200, 409):
            reason = re.search("<Message>(.*?)</Message>", answer.decode(errors="replace"))
            raise EmulatorError(f"The bucket {name} cannot be made: {reason[1] if reason else f'HTTP {reply.status}'}")

    async def _launch(self) -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", str(self._program)),
            stdin=asyncio.subprocess.PIPE,  # its end is the child's signal to end
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
            start_new_session=True,  # a Ctrl-C reaches the emulator alone, which then stops its parts in order
        )
        self._process = process
        assert process.stderr is not None
        self._listening = asyncio.create_task(self._listen(process.stderr))
        # In a thread, and while the child starts: the loop must go on, stories may be streaming.
        self._transport = await asyncio.to_thread(_new_transport)
        return f"http://127.0.0.1:{await self._port(process)}"

    async def _port(self, process: asyncio.subprocess.Process) -> int:
        assert process.stdout is not None
        try:
            async with asyncio.timeout(self._start_seconds):
                line = await process.stdout.readline()
        except TimeoutError:
            process.kill()
            raise EmulatorError(
                f"The rest of AWS (moto) did not start within {self._start_seconds:g} seconds: {self._last_words}."
            ) from None
        if not line:
            assert self._listening is not None
            await self._listening
            raise EmulatorError(
                f"The rest of AWS (moto) cannot start: {self._last_words}. Run `make install` to repair it."
            )
        return int(line)

    async def _listen(self, stderr: asyncio.StreamReader) -> None:
        while data := await stderr.read(64 * 1024):
            text = data.decode(errors="replace").strip()
            if text:
                self._last_words = text.splitlines()[-1]
                _logger.debug("moto: %s", text)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def signature(service: str, region: str) -> Header:
    """Stands for a SigV4 signature: moto takes from it which service a request is for, and that somebody signed it."""
    scope = f"emulator/20000101/{region}/{service}/aws4_request"
    return b"authorization", f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0".encode()


def _forwarded(response: httpx.Response) -> list[Header]:
    # The server in front dates its responses itself, and would wait for a body that these two statuses never have.
    dropped = {b"date", b"server"} | ({b"content-length"} if response.status_code in (204, 304) else set())
    return [header for header in end_to_end(response.headers.raw) if header[0] not in dropped]


def _environment() -> dict[str, str]:
    """The emulator's own, without the user's AWS settings: a profile or an endpoint is not meant for moto."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


def _new_transport() -> httpx.AsyncHTTPTransport:
    """What is under httpx's client: it adds no header, keeps no cookie, follows no redirect and knows no proxy."""
    import httpx

    # moto's server closes every connection after its answer; one that is kept might be closed when it is used again.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx.AsyncHTTPTransport(verify=False, limits=limits)  # plain HTTP on loopback: no certificates to load


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
