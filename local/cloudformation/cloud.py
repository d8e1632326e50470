"""All of CloudFormation composed: what the emulator needs of it is one ASGI app.

What hop this is: none; it makes the parts of this package and connects them with what serves requests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from local.asgi import ASGIApp, Receive, Scope, Send
from local.aws_services import AwsServices
from local.cloudformation.api import CloudFormationApi
from local.cloudformation.cloud_control import CloudControlApi
from local.cloudformation.makers import Makers
from local.cloudformation.moto import ServiceError
from local.cloudformation.operation import Operations
from local.cloudformation.packages import CODE_PROPERTIES, Packages
from local.cloudformation.record import StackRecord
from local.cloudformation.refusal import invalid
from local.cloudformation.s3 import S3, place_of
from local.cloudformation.stacks import Stacks
from local.cloudformation.tables_and_queues import TablesAndQueues
from local.config import Distribution, Stack
from local.custom_resources import Answers, Invoke
from local.reports import Reports
from local.template.resources import Resources
from local.template.stack import compose_stack


class Serving(Protocol):
    """What serves requests, and is told of every change."""

    @property
    def region(self) -> str: ...
    @property
    def account_id(self) -> str: ...
    def distributions(self) -> list[Distribution]: ...
    def put(self, stack: Stack) -> None: ...
    def remove(self, stack_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Means:
    """What the stacks are made with; *folder* is for their code, *drained* returns when no environment is outdated."""

    services: AwsServices
    answers: Answers
    invoke: Invoke
    reports: Reports
    folder: Path
    edge_port: int
    drained: Callable[[], Awaitable[None]]


class CloudFormation:
    """The stacks that are deployed into *serving*; as an ASGI app it is the services that they are asked by."""

    def __init__(self, serving: Serving, means: Means) -> None:
        self._serving = serving
        self._drained = means.drained
        self._s3 = S3(means.services, serving.region)
        self._packages = Packages(self._s3, means.folder)
        makers = Makers(
            self._s3,
            self._packages,
            TablesAndQueues(means.services, serving.region),
            means.answers,
            means.invoke,
            is_site_taken=lambda: any(each.domain != each.own_domain for each in serving.distributions()),
        )
        self.stacks = Stacks(
            Operations(makers, self._serve, self._sweep),
            region=serving.region,
            account_id=serving.account_id,
            edge_port=means.edge_port,
            tell=means.reports.note,
        )
        self._apis: dict[str, ASGIApp] = {
            "cloudformation": CloudFormationApi(self.stacks, self._read_template),
            "cloudcontrolapi": CloudControlApi(self.stacks),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._apis[scope["local.service"]](scope, receive, send)

    async def close(self) -> None:
        """Stop what is under way."""
        await self.stacks.close()

    def _serve(self, stack: StackRecord) -> None:
        if not stack.made:
            self._serving.remove(stack.stack_id)
            return
        written = {name: {"Type": made.type, "Properties": dict(made.properties)} for name, made in stack.made.items()}
        attributes = {name: made.attributes for name, made in stack.made.items()}
        resources = Resources({"Resources": written}, parameters={}, addresses=stack.addresses, made=attributes)
        self._serving.put(compose_stack(resources, self._packages.folder))

    async def _sweep(self) -> None:
        """Remove the code that nothing runs any more."""
        await self._drained()
        await self._packages.keep_only(self._used_folders)

    def _used_folders(self) -> Collection[Path] | None:
        """Those of all resources; None while one may be on its way."""
        stacks = self.stacks.all()
        if any(stack.at_work for stack in stacks):
            return None
        used = [made for stack in stacks for made in (*stack.made.values(), *stack.kept())]
        found = (self._packages.folder(made.properties.get(name), "") for made in used for name in CODE_PROPERTIES)
        return {folder for folder in found if folder}

    async def _read_template(self, url: str) -> str:
        place = place_of(url)
        if place is None:
            raise invalid("TemplateURL must be a supported URL.")
        try:
            return (await self._s3.read(place)).decode()
        except ServiceError as error:
            raise invalid(f"S3 error: {error.message}") from error
        except UnicodeDecodeError as error:
            raise invalid("Template format error: the template is not UTF-8 text") from error
