"""Words arrive one by one, and when they should."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, pairwise

import pytest

from tests.edge.buffering import Finding, measure, name_the_hop
from tests.edge.conftest import Deployment
from tests.edge.pacing import drift_ms, worst_miss
from tests.edge.telling import Telling, hear

pytestmark = pytest.mark.edge

TOLERANCE_MS = 400  # what network and machines may delay one event by, beyond the quickest
SHORTEST_MS, LONGEST_MS = 200, 800  # the story's own pace
REAL_EVENTS = 21
EQUAL_MS = 100


@pytest.fixture(scope="module")
def finding(deployment: Deployment) -> Finding:
    """The last events of the story, asked for at equal pauses."""
    return measure(deployment.edge, pause_ms=EQUAL_MS, tries=3)


def test_nothing_on_the_way_buffers(finding: Finding) -> None:
    """Events come one by one; `python -m tests.edge.buffering` tells which hop it is when they do not."""
    verdict = name_the_hop(finding)

    assert verdict.exit_code == 0, verdict.sentence


def test_equal_pauses(finding: Finding) -> None:
    """`min_ms` and `max_ms` bound the pauses; where they are equal, so are the pauses."""
    times = [elapsed_ms / 1000 for elapsed_ms in accumulate(finding.gaps_ms, initial=0)]
    miss = worst_miss(times, shortest_ms=EQUAL_MS, longest_ms=EQUAL_MS)

    assert miss.ms <= TOLERANCE_MS, miss.text


@pytest.mark.usefixtures("real_pace")
def test_the_pace_of_the_story(deployment: Deployment, whole: Telling) -> None:
    """Without min_ms and max_ms pauses are 200 to 800 ms, not all alike, and the same for the same seed."""
    told = len(whole.events) - REAL_EVENTS

    def listen(_: int) -> Telling:
        with deployment.edge.client() as client:
            return hear(client, min_ms=None, max_ms=None, last_event_id=told, query={"seed": "7"})

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(listen, range(2))

    miss = worst_miss(one.times, shortest_ms=SHORTEST_MS, longest_ms=LONGEST_MS)
    assert miss.ms <= TOLERANCE_MS, miss.text
    gaps_ms = sorted((after - before) * 1000 for before, after in pairwise(one.times))
    assert gaps_ms[-3] - gaps_ms[2] >= 100  # the middle ones: not even a noisy network makes these from equal pauses
    assert drift_ms(one.times, other.times) <= TOLERANCE_MS
