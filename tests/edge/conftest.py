"""Which deployment is tested: the one at EDGE_URL, or else the local stack, started here.

Modules with the marker `edge` ask that deployment. The others test the tools of this folder (the detector, the parity
report), always on this machine.

`make test-edge` sets these variables; every one may be left out:
EDGE_URL         the edge, such as https://d111111abcdef8.cloudfront.net
EDGE_STORY_URL   the story function's own URL, to see that it refuses strangers
EDGE_BUCKET_URL  the page's bucket, to see that it is private
EDGE_PACE        "real" adds the tests that listen at the story's own pace
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import pytest

from tests.e2e.local_cloud import LocalCloud
from tests.edge.address import Address, AddressError, NoAnswerError
from tests.edge.observation import Observation, observe
from tests.edge.page import files_of
from tests.edge.proxies import HOPS, proxy
from tests.edge.telling import Telling, hear

ELSEWHERE = "https://elsewhere.example"  # a web origin that is not this site


@dataclass(frozen=True, slots=True)
class Deployment:
    """What is known of the thing under test."""

    edge: Address
    story: Address | None
    bucket: Address | None


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "edge: asks the deployment at EDGE_URL, or the local stack, over HTTP only")


@pytest.fixture(scope="session")
def local_deployment() -> Iterator[Deployment]:
    """The local stack; moto has no access control, so nothing is said of its bucket."""
    cloud = LocalCloud()
    story = re.search(r"StoryFunction +(http://\S+\.lambda-url\.\S+)", "\n".join(cloud.lines))
    yield Deployment(Address.parse(cloud.url), Address.parse(story[1]) if story else None, None)
    assert cloud.stop() == 0


@pytest.fixture(scope="session")
def deployment(request: pytest.FixtureRequest) -> Deployment:
    """The one under test."""
    if os.environ.get("EDGE_URL"):
        return deployed()
    local: Deployment = request.getfixturevalue("local_deployment")
    return local


def deployed() -> Deployment:
    """What the variables name. An edge that does not answer ends the run, with one sentence."""
    try:
        edge, story, bucket = (_given(name) for name in ("EDGE_URL", "EDGE_STORY_URL", "EDGE_BUCKET_URL"))
        assert edge is not None
        edge.check()
    except (AddressError, NoAnswerError) as error:
        pytest.exit(str(error), returncode=2)
    return Deployment(edge, story, bucket)


def _given(name: str) -> Address | None:
    text = os.environ.get(name)
    return Address.parse(text) if text else None


@pytest.fixture(scope="session")
def edge(deployment: Deployment) -> Iterator[httpx.Client]:
    """An HTTP client of the edge."""
    with deployment.edge.client() as client:
        yield client


@pytest.fixture(scope="session")
def whole(edge: httpx.Client) -> Telling:
    """The default story, heard to its end without pauses."""
    telling = hear(edge, headers={"origin": ELSEWHERE})
    if telling.status != 200:
        pytest.fail(f"{edge.base_url} answers {telling.status} instead of a story.", pytrace=False)
    return telling


@pytest.fixture(scope="session")
def page(edge: httpx.Client) -> dict[str, httpx.Response]:
    """Every file of the page by its path. It needs nothing from elsewhere."""
    files, elsewhere = files_of(edge)
    assert elsewhere == []
    return files


@pytest.fixture(scope="session")
def observations(local_deployment: Deployment) -> dict[str, Observation]:
    """The local edge, twice, and the same edge behind each of the proxies, all observed at the same time."""
    with ExitStack() as stack:
        edge = local_deployment.edge
        addresses = {"edge": edge, "edge again": edge}
        addresses |= {hop.__name__: stack.enter_context(proxy(edge, hop)) for hop in HOPS}
        # Those that buffer would do so each time; the others are measured again where this machine was busy.
        tries = {"edge": 3, "edge again": 3, "passing": 3}
        pool = stack.enter_context(ThreadPoolExecutor(len(addresses)))
        running = {name: pool.submit(observe, at, tries=tries.get(name, 1)) for name, at in addresses.items()}
        return {name: future.result() for name, future in running.items()}


@pytest.fixture
def real_pace() -> None:
    """For tests that take as long as the story does."""
    if os.environ.get("EDGE_PACE") != "real":
        pytest.skip("listening at the story's own pace takes 12 s; make test-edge does it")
