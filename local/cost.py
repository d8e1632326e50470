"""What a function's work would cost on AWS: Lambda's own part of the bill.

What hop this is: beside `environment`, which says how long an invocation ran.

What the real service does: bills memory times duration in GB-seconds, by the millisecond, also for the init phase and
after the viewer has left; each request; and what a reply streams beyond its first 6 MB
(https://aws.amazon.com/lambda/pricing/). The prices are those of us-east-1, in the first tier, from the price list of
1 October 2025, and were read at second hand: look them up before you rely on them.

What differs here, on purpose:
1. the free tier, and what CloudFront, S3 and logs cost, are left out;
2. this machine is faster or slower than Lambda's at that memory size: a function that computes will differ, one that
   waits, as a stream does, hardly;
3. the sum at the end of a run leaves out what replies streamed beyond 6 MB.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from local.config import Function

DOLLARS_PER_GB_SECOND = {"arm64": 0.0000133334, "x86_64": 0.0000166667}
DOLLARS_PER_REQUEST = 0.20 / 1_000_000
DOLLARS_PER_STREAMED_GB = 0.008
FREE_BYTES_PER_REPLY = 6 * 1024**2
FREE_GB_SECONDS, FREE_REQUESTS = 400_000, 1_000_000  # of an account, each month


def gb_seconds(memory_mb: int, milliseconds: float) -> float:
    """Gigabytes (of 1,024 MB) times seconds."""
    return memory_mb / 1024 * milliseconds / 1000


def dollars(memory_mb: int, milliseconds: float, *, architecture: str, requests: int = 0) -> float:
    """The price of that time, all in all, and of so many requests."""
    return gb_seconds(memory_mb, milliseconds) * DOLLARS_PER_GB_SECOND[architecture] + requests * DOLLARS_PER_REQUEST


def streamed_dollars(bytes_per_reply: int, *, replies: int) -> float:
    """The price of what *replies* stream beyond what is free in each."""
    return replies * max(0, bytes_per_reply - FREE_BYTES_PER_REPLY) / 1024**3 * DOLLARS_PER_STREAMED_GB


def in_words(function: Function, milliseconds: float, *, requests: int = 0) -> str:
    """`9.60 GB-s, $0.000128 (arm64)`."""
    price = dollars(function.memory_mb, milliseconds, architecture=function.architecture, requests=requests)
    return f"{gb_seconds(function.memory_mb, milliseconds):.2f} GB-s, ${price:.6f} ({function.architecture})"


@dataclass(slots=True)
class Bill:
    """The sum over all invocations since the start."""

    _functions: dict[str, Function] = field(default_factory=dict)
    _invocations: Counter[str] = field(default_factory=Counter)
    _billed_ms: Counter[str] = field(default_factory=Counter)
    _unwatched_ms: Counter[str] = field(default_factory=Counter)

    def add(self, function: Function, billed_ms: int) -> None:
        """One invocation."""
        name = function.logical_id
        self._functions[name] = function
        self._invocations[name] += 1
        self._billed_ms[name] += billed_ms

    def add_unwatched(self, function: Function, milliseconds: float) -> None:
        """So much of an invocation passed after its viewer had left."""
        self._unwatched_ms[function.logical_id] += round(milliseconds)

    def lines(self) -> list[str]:
        """The summary: a line a function, and what was told to nobody."""
        told = []
        for name, function in self._functions.items():
            count, billed_ms = self._invocations[name], self._billed_ms[name]
            told.append(
                f"{name}  {count} invocation{'s' * (count != 1)}, {billed_ms / 1000:.2f} s billed: "
                f"{in_words(function, billed_ms, requests=count)}"
            )
            if unwatched := self._unwatched_ms[name]:
                cost = in_words(function, unwatched)
                told.append(f"{name}  of that {unwatched / 1000:.2f} s after the viewer had left: {cost}")
        return told or ["Nothing was invoked."]
