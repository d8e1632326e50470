"""The composition root: makes all hops from one template and connects them.

What hop this is: none; it is where the picture in README.md becomes objects. As a library:

    with Emulator("template.yaml", port=0, aws_port=0) as cloud:
        httpx.get(cloud.url + "/sse")
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from local.asgi import Receive, Scope, Send
from local.aws_endpoint import AwsEndpoint
from local.aws_services import AwsServices
from local.bandwidth import Bandwidth
from local.banner import banner
from local.bytecode import forget_doubtful
from local.cache_folder import prune_after
from local.code_watch import watch_code
from local.config import Function, Stack, is_reserved
from local.custom_resources import Answers, CustomResources
from local.deployed import Deployed
from local.dispatcher import Dispatcher
from local.environment.surroundings import Surroundings
from local.environment.variables import ACCESS_KEY, SECRET_KEY, World
from local.errors import EmulatorError
from local.front import Front
from local.invocation import FunctionError, Invocation
from local.invoke_api.api import InvokeApi
from local.loop_thread import LoopThread
from local.metadata import Metadata
from local.reports import Reports
from local.runtime_server.listener import RuntimeListener
from local.servers import HttpServer, bind, port_of
from local.template.addresses import Addresses
from local.template.stack import read_stack

DEPLOYING = ("cloudcontrolapi", "cloudformation")  # the services, as signatures name them, that deployments ask

if TYPE_CHECKING:
    from local.cloudformation.cloud import CloudFormation


class Emulator:
    """One template, running, and what is deployed beside it; without a template there is only the latter.

    *write* takes the lines that the emulator says; *parameters* are values for the template's own, *overrides*
    environment variables for all functions. With *bandwidth*, streamed replies are as slow as Lambda's; *snapstart* is
    for all functions. Ports may be 0. Raises `EmulatorError` when the template cannot be read or a port is taken.
    """

    def __init__(
        self,
        template: Path | str | None = "template.yaml",
        *,
        port: int = 8080,
        aws_port: int = 8081,
        parameters: Mapping[str, str] | None = None,
        overrides: Mapping[str, str] | None = None,
        log_format: str = "text",
        bandwidth: bool = False,
        snapstart: bool = False,
        write: Callable[[str], None] = print,
    ) -> None:
        self.reports = Reports(write, log_format)
        self._bandwidth = Bandwidth() if bandwidth else None
        if taken := [name for name in overrides or {} if is_reserved(name)]:
            raise EmulatorError(f"No function can be given {taken[0]}: AWS keeps that name to itself. Leave it out.")
        self._snapstart = snapstart
        self._template = None if template is None else Path(template).absolute()
        self._sockets = bind(port, "--port")
        try:
            self._aws_sockets = bind(aws_port, "--aws-port")
            self.port, self.aws_port = port_of(self._sockets), port_of(self._aws_sockets)
            addresses = Addresses(edge_port=self.port)
            self.stack = _stack(template, addresses, parameters or {})
        except BaseException:
            self._close_sockets()
            raise
        self._world = World(self.stack.region, f"http://127.0.0.1:{self.aws_port}", dict(overrides or {}))
        self._background: list[asyncio.Task[None]] = []
        self._thread: LoopThread | None = None
        self._stacks: CloudFormation | None = None

    @property
    def url(self) -> str:
        """The address of the edge."""
        return f"http://localhost:{self.port}"

    @property
    def aws_url(self) -> str:
        """The address of the AWS endpoint."""
        return f"http://localhost:{self.aws_port}"

    def function_url(self, function: Function) -> str:
        """The address of *function*'s URL, as browsers and curl find it.

        Python resolves no name below localhost: ask `url` then, with `function.url.domain` as the `Host`.
        """
        assert function.url is not None
        return f"http://{function.url.domain}:{self.port}/"

    def banner(self) -> list[str]:
        """What to print at the start."""
        return banner(self.stack, url=self.url, aws_url=self.aws_url, url_of=self.function_url)

    # Life

    async def start(self) -> None:
        """Serve; the page is published in the background."""
        stack = self.stack
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="lambda-sse-"))
        except OSError as error:
            self._close_sockets()
            raise EmulatorError(f"No temporary folder can be made: {error.strerror}; set TMPDIR to another.") from error
        self._surroundings = Surroundings(
            self._world, self.reports, self._folder, RuntimeListener.open, snapstart=self._snapstart
        )
        self.dispatcher = Dispatcher((), self._surroundings, bandwidth=self._bandwidth)
        self._services = AwsServices()
        self._answers = Answers(self._world.aws_endpoint)
        self._custom_resources = CustomResources(stack.stack_id, answers=self._answers, invoke=self._invoke_to_end)
        self._published: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.deployed = Deployed(
            stack.region,
            stack.account_id,
            dispatcher=self.dispatcher,
            services=self._services,
            reports=self.reports,
            secrets=_secrets(),
            url_of=self.function_url,
        )
        self.deployed.put(stack, published=self._published)
        self._invoke_api = InvokeApi(self.deployed, self.dispatcher, self.reports, url_of=self.function_url)
        routes = [*self._invoke_api.routes, *Metadata(stack.region, self._world.metadata_token).routes]
        self._servers = [
            HttpServer(Front(self.deployed.hosts, self.reports), self._sockets),
            HttpServer(
                AwsEndpoint(self._services, self._answers, routes, dict.fromkeys(DEPLOYING, self._cloudformation)),
                self._aws_sockets,
            ),
        ]
        for server in self._servers:
            await server.open()

    def deploy(self) -> None:
        """Do in the background what a deployment would: make the buckets, publish the page, watch the code."""
        if self._template is None:
            return
        self._background = [
            asyncio.create_task(self._publish()),
            asyncio.create_task(
                watch_code(self.stack.functions, self._template, on_change=self._code_changed, note=self.reports.note)
            ),
            asyncio.create_task(prune_after(self._published)),
        ]

    async def stop(self) -> None:
        """End everything; no process, socket or file is left."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._invoke_api.close()
        if self._stacks:
            await self._stacks.close()
        await self.dispatcher.close()
        await asyncio.gather(*(server.close() for server in self._servers))
        await self._services.stop()
        self._surroundings.reaper.close()
        forget_doubtful(self.stack.functions)
        self._close_sockets()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _close_sockets(self) -> None:
        for socket in [*self._sockets, *getattr(self, "_aws_sockets", [])]:
            socket.close()

    # As a context manager, in a thread of its own

    def __enter__(self) -> Emulator:
        self._thread = LoopThread(self._begin, self.stop)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._thread is not None
        self._thread.stop()

    async def _begin(self) -> None:
        await self.start()
        self.deploy()

    # Parts

    async def _cloudformation(self, scope: Scope, receive: Receive, send: Send) -> None:
        """CloudFormation, which is loaded when somebody asks for it."""
        if self._stacks is None:
            from local.cloudformation.cloud import CloudFormation, Means

            means = Means(
                services=self._services,
                answers=self._answers,
                invoke=self._invoke_to_end,
                reports=self.reports,
                folder=self._folder / "packages",
                edge_port=self.port,
                drained=self.dispatcher.drained,
            )
            self._stacks = CloudFormation(self.deployed, means)
        await self._stacks(scope, receive, send)

    async def _publish(self) -> None:
        """Make what the template's buckets and custom resources ask for."""
        try:
            if self.stack.buckets:
                await self._services.start()
            for bucket in self.stack.buckets:
                await self._services.create_bucket(bucket.name, self.stack.region)
            await self._run_custom_resources(self.stack.functions)
        except EmulatorError as error:
            self._published.set_exception(error)
            self._published.exception()  # the requests that wait for it say so
            self.reports.note(f"The stack is not whole: {error}")
        else:
            self._published.set_result(None)

    async def _run_custom_resources(self, functions: tuple[Function, ...] | list[Function]) -> None:
        """Create, or after a change update, the custom resources that *functions* make."""
        for resource in self.stack.custom_resources:
            if any(resource.service_token == function.arn for function in functions):
                await self._custom_resources.run(resource)
                self.reports.note(f"{resource.logical_id}  is up to date ({resource.type})")

    async def _invoke_to_end(self, service_token: str, event: bytes) -> None:
        function = self.deployed.function(service_token)
        if function is None:
            raise EmulatorError(f"No function here has the ARN {service_token}.")
        invocation = Invocation(function, event)
        self.dispatcher.invoke(invocation)
        with contextlib.suppress(FunctionError):  # the log has it, and CloudFormation does not look at it either
            await invocation.started()
            while await invocation.reply.read() is not None:
                pass

    async def _code_changed(self, functions: list[Function]) -> None:
        await asyncio.to_thread(forget_doubtful, functions)
        for function in functions:
            self.dispatcher.outdate(function)
        names = ", ".join(function.logical_id for function in functions)
        self.reports.note(f"Code changed: {names}; the next request runs it")
        try:
            await self._run_custom_resources(functions)
        except EmulatorError as error:
            self.reports.note(f"The update failed: {error}")


def _stack(template: Path | str | None, addresses: Addresses, parameters: Mapping[str, str]) -> Stack:
    if template is None:
        return Stack(addresses.stack_name, addresses.region, addresses.account_id, stack_id=addresses.stack_id)
    return read_stack(Path(template), addresses=addresses, parameters=parameters)


def _secrets() -> dict[str, str]:
    """The secret of each access key whose signature is accepted: the functions' own, and the user's if there is one."""
    known = {ACCESS_KEY: SECRET_KEY}
    if key := os.environ.get("AWS_ACCESS_KEY_ID"):
        known[key] = os.environ.get("AWS_SECRET_ACCESS_KEY", "")
    return known
