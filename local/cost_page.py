"""What stories cost on AWS, as Markdown: `python -m local cost`, and the same in README.md.

What hop this is: none; it only reckons, with the prices of `cost`.

What the real service does: a function's share of a processor grows with its memory, to a whole one at 1,769 MB
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html); an account runs 1,000 invocations at once
unless AWS has set another quota (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).

What differs here, on purpose:
1. polling takes 5 ms a request, as it does warm on our machine with a whole processor; Lambda at 512 MB gives a third
   of one, and a cold start takes longer than all of a story's polls.
"""

from __future__ import annotations

from collections.abc import Iterable

from local.cost import FREE_GB_SECONDS, FREE_REQUESTS, dollars, gb_seconds, streamed_dollars

MEMORY_MB = (128, 256, 512, 1024, 1769)
WHOLE_PROCESSOR_MB = 1769
ARCHITECTURE = "arm64"  # of the tables that have one only: the template's default
PAUSE_SECONDS = 0.5  # between two words, on average
POLL_MS = 5
LEAVES_AFTER_SECONDS = 5
LARGE_REPLY_MB = 10
CEILINGS = (1, 10, 100, 1000)
HOUR_SECONDS = 3600


def cost_page(*, stories: int = 1000, seconds: float = 22, memory_mb: int = 512) -> str:
    """The tables for *stories* that last *seconds* each; *memory_mb* where a table has one memory size only."""
    return "\n\n".join(
        [
            f"{stories:,} stories of {seconds:g} s, each told to its end:",
            _by_memory(stories, seconds),
            f"The same at {memory_mb:,} MB on {ARCHITECTURE}, when things go otherwise:",
            _otherwise(stories, seconds, memory_mb),
            f"The most that `StoryConcurrency` lets it cost, if stories were told without a pause, at {memory_mb:,} MB "
            f"on {ARCHITECTURE}:",
            _ceilings(seconds, memory_mb),
            f"Each month AWS gives an account {FREE_GB_SECONDS:,} GB-s and {FREE_REQUESTS:,} requests for nothing, "
            f"which is {_free_stories(seconds, memory_mb):,} such stories at {memory_mb:,} MB.",
        ]
    )


def _by_memory(stories: int, seconds: float) -> str:
    rows = []
    for memory_mb in MEMORY_MB:
        prices = (
            _price(dollars(memory_mb, stories * seconds * 1000, architecture=architecture, requests=stories))
            for architecture in ("arm64", "x86_64")
        )
        total = gb_seconds(memory_mb, stories * seconds * 1000)
        rows.append((f"{memory_mb:,} MB", f"{memory_mb / WHOLE_PROCESSOR_MB:.2f}", f"{total:,.0f}", *prices))
    return _table(("memory", "processors", "GB-s", "arm64", "x86_64"), rows)


def _otherwise(stories: int, seconds: float, memory_mb: int) -> str:
    def priced(milliseconds: float, requests: int = 0) -> float:
        return dollars(memory_mb, milliseconds, architecture=ARCHITECTURE, requests=requests)

    def row(case: str, requests: int, milliseconds: float, extra: float = 0, remark: str = "") -> tuple[str, ...]:
        total = gb_seconds(memory_mb, milliseconds)
        return case, f"{requests:,}", f"{total:,.0f}", _price(priced(milliseconds, requests) + extra) + remark

    whole_ms = stories * seconds * 1000
    unwatched_ms = stories / 2 * max(0.0, seconds - LEAVES_AFTER_SECONDS) * 1000
    polls = stories * (round(seconds / PAUSE_SECONDS) + 2)  # a word more than pauses, and the end
    large = streamed_dollars(LARGE_REPLY_MB * 1024**2, replies=stories)
    return _table(
        ("", "requests", "GB-s", "price"),
        [
            row("every viewer stays to the end", stories, whole_ms),
            row(
                f"every second viewer leaves after {LEAVES_AFTER_SECONDS} s",
                stories,
                whole_ms,
                remark=f", {_price(priced(unwatched_ms))} of it for words that nobody read",
            ),
            row(f"each reply has {LARGE_REPLY_MB} MB, not 2 kB", stories, whole_ms, extra=large),
            row(f"polled instead, {polls // stories} requests of {POLL_MS} ms a story", polls, polls * POLL_MS),
        ],
    )


def _ceilings(seconds: float, memory_mb: int) -> str:
    rows = []
    for ceiling in CEILINGS:
        in_an_hour = int(ceiling * HOUR_SECONDS / seconds)
        hour = dollars(memory_mb, ceiling * HOUR_SECONDS * 1000, architecture=ARCHITECTURE, requests=in_an_hour)
        rows.append((f"{ceiling:,}", f"{in_an_hour:,}", *(_price(hour * hours) for hours in (1, 24, 24 * 30))))
    return _table(("at once", "stories an hour", "an hour", "a day", "30 days"), rows)


def _free_stories(seconds: float, memory_mb: int) -> int:
    return min(FREE_REQUESTS, int(FREE_GB_SECONDS / gb_seconds(memory_mb, seconds * 1000)))


def _price(amount: float) -> str:
    return f"${amount:,.3f}" if amount < 1 else f"${amount:,.2f}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---", *["---:"] * (len(head) - 1)), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
