"""Where a deployment answers, and how it is asked.

What this is: `test -> [address] -> edge, function URL or bucket`. It is the only door to the network in this folder
but for `probe`, which uses the same addresses.

What the spec says that we follow: names below `.localhost` mean this machine (RFC 6761, section 6.3). Not every
resolver knows that, so they are connected to as `localhost`, and asked for by their own name.

What differs here, on purpose:
1. proxies of the environment are not used: one more hop, and it would be taken for a part of the deployment;
2. redirects are not followed: a redirect is an answer to be judged.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import httpx

TIMEOUT_SECONDS = 20.0  # of one connect or read
DEADLINE_SECONDS = 60.0  # of one whole response; the default story at its longest pauses takes 36 s
_PORTS = {"http": 80, "https": 443}


class AddressError(ValueError):
    """What was given is no address; the text says what one looks like."""


class NoAnswerError(Exception):
    """Nobody answers at an address."""


@dataclass(frozen=True, slots=True)
class Address:
    """One web origin. *host* is what is asked for, without a port."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Raises `AddressError` for what is no web origin (a slash at its end is fine)."""
        try:
            url = httpx.URL(text.strip())
        except httpx.InvalidURL as error:
            raise AddressError(f"{text!r} is no address: {error}.") from error
        if url.scheme not in _PORTS or not url.host or url.path not in ("", "/") or url.query or url.fragment:
            raise AddressError(f"{text!r} is no address: give one like https://d111111abcdef8.cloudfront.net.")
        return cls(url.scheme, url.host, url.port or _PORTS[url.scheme])

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}"

    @property
    def netloc(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def connects_to(self) -> str:
        """The base URL of connections, which differs from the address for names below `.localhost`."""
        netloc = f"localhost:{self.port}" if self.host.endswith(".localhost") else self.netloc
        return f"{self.scheme}://{netloc}"

    def client(self, *, transport: httpx.BaseTransport | None = None, auth: httpx.Auth | None = None) -> httpx.Client:
        """An HTTP/1.1 client of this address alone; no response of it lasts for ever."""
        inner = transport or httpx.HTTPTransport(verify=trusted(), trust_env=False)
        return httpx.Client(
            base_url=self.connects_to,
            headers={"host": self.netloc, "user-agent": "edge-tests"},
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
            transport=_Bounded(inner),
            auth=auth,
        )

    def check(self) -> None:
        """Raises `NoAnswerError` when a request for `/` is not answered, with whatever status."""
        try:
            with self.client() as client:
                client.head("/")
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise NoAnswerError(f"{self} does not answer ({reason}). Is the address right, and does it run?") from error


@cache
def trusted() -> ssl.SSLContext:
    """Certificates as httpx trusts them, also those of SSL_CERT_FILE. Made once: it takes longer than a request."""
    return httpx.create_ssl_context()


class _Bounded(httpx.BaseTransport):
    """Gives every response a deadline: a timeout alone never ends a stream of heartbeats."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        assert isinstance(response.stream, httpx.SyncByteStream)
        response.stream = _Until(response.stream, request)
        return response

    def close(self) -> None:
        self._inner.close()


class _Until(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, request: httpx.Request) -> None:
        self._stream = stream
        self._request = request
        self._deadline = time.monotonic() + DEADLINE_SECONDS

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            yield chunk
            if time.monotonic() > self._deadline:
                raise httpx.ReadTimeout(f"no end after {DEADLINE_SECONDS:.0f} s", request=self._request)

    def close(self) -> None:
        self._stream.close()
