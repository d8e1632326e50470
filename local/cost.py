"""What an invocation would cost on AWS: the duration part of Lambda's bill.

What hop this is: beside `environment`, which says how long an invocation ran.

What the real service does: bills memory times duration in GB-seconds, by the millisecond, also for the init phase and
after the viewer has left (https://aws.amazon.com/lambda/pricing/). Prices of us-east-1, first tier, as published in
2024: look them up before you rely on them.

What differs here, on purpose:
1. the price of a request, the free tier, streamed bytes beyond 6 MB a request, and what CloudFront, S3 and logs cost
   are left out;
2. this machine is faster or slower than Lambda's at that memory size: a function that computes will differ, one that
   waits, as a stream does, hardly.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from local.config import Function

DOLLARS_PER_GB_SECOND = {"x86_64": 0.0000166667, "arm64": 0.0000133334}


def gb_seconds(function: Function, milliseconds: float) -> float:
    """Gigabytes (of 1,024 MB) times seconds."""
    return function.memory_mb / 1024 * milliseconds / 1000


def dollars(function: Function, milliseconds: float) -> float:
    """The price of that time at the function's memory size and architecture."""
    return gb_seconds(function, milliseconds) * DOLLARS_PER_GB_SECOND[function.architecture]


def in_words(function: Function, milliseconds: float) -> str:
    """`9.60 GB-s, $0.000128 (arm64)`."""
    price = f"${dollars(function, milliseconds):.6f} ({function.architecture})"
    return f"{gb_seconds(function, milliseconds):.2f} GB-s, {price}"


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
            count = self._invocations[name]
            told.append(
                f"{name}  {count} invocation{'s' * (count != 1)}, {self._billed_ms[name] / 1000:.2f} s billed: "
                f"{in_words(function, self._billed_ms[name])}"
            )
            if unwatched := self._unwatched_ms[name]:
                cost = in_words(function, unwatched)
                told.append(f"{name}  of that {unwatched / 1000:.2f} s after the viewer had left: {cost}")
        return told or ["Nothing was invoked."]
