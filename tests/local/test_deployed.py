"""What is deployed: who answers for which host, while stacks come and go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local.aws_services import AwsServices
from local.config import Behavior, Distribution, Function, FunctionUrl, Origin, Stack
from local.deployed import Deployed
from local.front import Front
from local.reports import Reports
from tests.local.asgi_viewer import Answer
from tests.local.fakes.viewer import live_viewer

pytestmark = pytest.mark.anyio


class FakeDispatcher:
    """Keeps what is deployed."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def deploy(self, functions: tuple[Function, ...]) -> None:
        self.names = [function.name for function in functions]


class Cloud:
    """An account, and the front through which it is seen."""

    def __init__(self) -> None:
        self.dispatcher = FakeDispatcher()
        reports = Reports([].append, "json")
        self.deployed = Deployed(
            "us-east-1",
            "123456789012",
            dispatcher=self.dispatcher,  # type: ignore[arg-type]
            services=AwsServices(),
            reports=reports,
            secrets={},
            url_of=lambda function: f"http://{function.url.domain if function.url else ''}:8080/",
        )
        self._front = Front(self.deployed.hosts, reports)

    async def ask(self, host: str) -> Answer:
        async with live_viewer(self._front, headers=[(b"host", host.encode())]) as viewer:
            await viewer.done
            return viewer.answer


def stack(name: str, domain: str = "", **fields: Any) -> Stack:
    """One function with a URL that needs a signature, and where *domain* is given a distribution of nothing."""
    url = FunctionUrl(name, f"{name}.lambda-url.us-east-1.localhost", "AWS_IAM")
    function = Function(name, f"{name}-f", f"arn:{name}", "python3.13", "f.f", Path(), url=url)
    behavior = Behavior("*", "gone")
    distribution = Distribution(
        "D", f"arn:{name}", domain, origins=(Origin("gone", "gone"),), behaviors=(behavior,),
        own_domain=f"{name}.cloudfront.localhost",
    )  # fmt: skip
    told = Stack(
        name, "us-east-1", "123456789012", functions=(function,), distribution=distribution if domain else None,
        stack_id=f"id-{name}",
    )  # fmt: skip
    return told if not fields else Stack(**{**vars(told), **fields})


async def test_nothing_is_deployed_at_first() -> None:
    answer = await Cloud().ask("localhost:8080")

    assert answer.status == 404
    assert b"No AWS::CloudFront::Distribution is deployed" in answer.body


async def test_a_stack_answers_from_its_deployment_to_its_deletion() -> None:
    """Its function URL, its distribution at both hosts, and its functions by name."""
    cloud = Cloud()
    cloud.deployed.put(stack("one", "localhost"))

    assert (await cloud.ask("one.lambda-url.us-east-1.localhost:8080")).status == 403  # it wants a signature
    for host in ("localhost:8080", "127.0.0.1:8080", "one.cloudfront.localhost:8080"):
        assert (await cloud.ask(host)).status == 502  # its origin is none
    assert cloud.deployed.function("one-f") == cloud.deployed.functions[0]
    assert cloud.dispatcher.names == ["one-f"]

    cloud.deployed.remove("id-one")

    assert (await cloud.ask("one.lambda-url.us-east-1.localhost:8080")).status == 404
    assert (await cloud.ask("one.cloudfront.localhost:8080")).status == 404
    assert cloud.deployed.function("one-f") is None
    assert cloud.dispatcher.names == []


async def test_stacks_stand_side_by_side() -> None:
    """The second distribution has a host of its own; each may go without the other."""
    cloud = Cloud()
    cloud.deployed.put(stack("one", "localhost"))
    cloud.deployed.put(stack("two", "two.cloudfront.localhost"))

    assert (await cloud.ask("two.cloudfront.localhost:8080")).status == 502
    assert len(cloud.deployed.distributions()) == 2
    cloud.deployed.remove("id-one")
    assert (await cloud.ask("two.cloudfront.localhost:8080")).status == 502
    assert (await cloud.ask("localhost:8080")).status == 404
    assert (await cloud.ask("two.lambda-url.us-east-1.localhost")).status == 403


async def test_a_stack_is_replaced_by_what_it_is_now() -> None:
    cloud = Cloud()
    cloud.deployed.put(stack("one", "localhost"))
    cloud.deployed.put(stack("one"))

    assert (await cloud.ask("localhost:8080")).status == 404
    assert [function.name for function in cloud.deployed.functions] == ["one-f"]
