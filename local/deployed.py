"""What is deployed at this moment, and who answers for it.

What hop this is: none; `front` and the Lambda API look up here whom a request is for, and deployments change it.

What the real service does: a function URL and a distribution answer from the moment they exist until they are deleted,
requests that are under way included.

What differs here, on purpose:
1. every distribution has a host of its own, `<id>.cloudfront.localhost`, and one of them has `localhost` as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from local.asgi import ASGIApp
from local.aws_services import AwsServices
from local.config import Distribution, Function, Stack
from local.dispatcher import Dispatcher
from local.edge.edge import Edge
from local.function_access import Access
from local.function_url.endpoint import FunctionUrlApp
from local.reports import Reports
from local.site import S3Origin


class Deployed:
    """All stacks of one account; `hosts` is what `Front` reads. *url_of* is the address of a function's URL."""

    def __init__(
        self,
        region: str,
        account_id: str,
        *,
        dispatcher: Dispatcher,
        services: AwsServices,
        reports: Reports,
        secrets: Mapping[str, str],
        url_of: Callable[[Function], str],
    ) -> None:
        self.region = region
        self.account_id = account_id
        self.functions: tuple[Function, ...] = ()
        self.hosts: dict[str, ASGIApp] = {}
        self._dispatcher = dispatcher
        self._services = services
        self._reports = reports
        self._secrets = secrets
        self._url_of = url_of
        self._stacks: dict[str, tuple[Stack, asyncio.Future[None]]] = {}
        self._connect()

    def function(self, wanted: str) -> Function | None:
        """The function with that logical id, name or ARN; None when there is none."""
        found = (stack.function(wanted) for stack, _ in self._stacks.values())
        return next((function for function in found if function), None)

    def put(self, stack: Stack, *, published: asyncio.Future[None] | None = None) -> None:
        """*stack* is as it is from now on; requests for what is in its buckets wait until *published* is done."""
        self._stacks[stack.stack_id] = (stack, published or _done())
        self._connect()

    def remove(self, stack_id: str) -> None:
        """Nothing of that stack answers any more."""
        self._stacks.pop(stack_id, None)
        self._connect()

    def distributions(self) -> list[Distribution]:
        """Those of all stacks."""
        return [stack.distribution for stack, _ in self._stacks.values() if stack.distribution]

    def _connect(self) -> None:
        self.functions = tuple(function for stack, _ in self._stacks.values() for function in stack.functions)
        self._dispatcher.deploy(self.functions)
        urls = {
            function.url.domain: FunctionUrlApp(
                Access(function, self.region, self._secrets),
                self._dispatcher,
                self._reports,
                account_id=self.account_id,
            )
            for function in self.functions
            if function.url
        }
        nothing = Edge(None, {}, function_urls=[self._url_of(function) for function in self.functions if function.url])
        hosts: dict[str, ASGIApp] = {"": nothing, **urls}
        for stack, published in self._stacks.values():
            if distribution := stack.distribution:
                edge = Edge(distribution, self._origins(stack, distribution, urls, published), note=self._reports.note)
                hosts[distribution.own_domain] = edge
                if distribution.domain != distribution.own_domain:
                    hosts[""] = edge
        self.hosts.clear()
        self.hosts.update(hosts)

    def _origins(
        self,
        stack: Stack,
        distribution: Distribution,
        urls: Mapping[str, ASGIApp],
        published: asyncio.Future[None],
    ) -> dict[str, ASGIApp]:
        buckets = {bucket.name: bucket for bucket in stack.buckets}
        origins: dict[str, ASGIApp] = {}
        for origin in distribution.origins:
            bucket = buckets.get(origin.domain.partition(".s3.")[0])
            if origin.domain in urls:
                origins[origin.origin_id] = urls[origin.domain]
            elif bucket:
                origins[origin.origin_id] = S3Origin(
                    bucket.name, self._services, published=published, may_list=bucket.edge_may_list
                )
        return origins


def _done() -> asyncio.Future[None]:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future
