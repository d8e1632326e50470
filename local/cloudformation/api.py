"""The operations of the CloudFormation API that deployment tools call.

What hop this is: `aws_endpoint -> [api] -> stacks`.

What the real service does: one path for all operations, which the form's `Action` names
(https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html).

What differs here, on purpose:
1. lists come in one page;
2. an operation that is not below is refused as one that does not exist.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable

from local.asgi import DisconnectedError, Receive, Scope, Send, respond, whole_body
from local.cloudformation import views
from local.cloudformation.blueprint import outline
from local.cloudformation.record import ChangeSet, StackRecord
from local.cloudformation.refusal import RefusedError, invalid, no_stack
from local.cloudformation.request import Request
from local.cloudformation.stacks import Stacks
from local.cloudformation.views import View
from local.errors import EmulatorError, TemplateError
from local.wire.aws_query import read_parameters, write_answer, write_error

NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"
MAX_REQUEST_BYTES = 1024 * 1024
PATIENCE_SECONDS = 10.0

Operation = Callable[[Request], Awaitable[View]]
ReadTemplate = Callable[[str], Awaitable[str]]
"""TemplateURL -> the template; raises `RefusedError`."""


class CloudFormationApi:
    """ASGI app: every operation on *stacks*."""

    def __init__(self, stacks: Stacks, read_template: ReadTemplate) -> None:
        self._stacks = stacks
        self._read_template = read_template
        self._operations: dict[str, Operation] = {
            "CreateChangeSet": self._create_change_set,
            "CreateStack": self._create_stack,
            "DeleteChangeSet": self._delete_change_set,
            "DeleteStack": self._delete_stack,
            "DescribeChangeSet": self._describe_change_set,
            "DescribeStackEvents": self._describe_stack_events,
            "DescribeStackResource": self._describe_stack_resource,
            "DescribeStackResources": self._describe_stack_resources,
            "DescribeStacks": self._describe_stacks,
            "ExecuteChangeSet": self._execute_change_set,
            "GetTemplate": self._get_template,
            "GetTemplateSummary": self._get_template_summary,
            "ListChangeSets": self._list_change_sets,
            "ListStackResources": self._list_stack_resources,
            "ListStacks": self._list_stacks,
            "RollbackStack": self._rollback_stack,
            "UpdateStack": self._update_stack,
            "ValidateTemplate": self._validate_template,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = str(uuid.uuid4())
        try:
            status, body = 200, await self._answer(await self._request(scope, receive), request_id)
        except DisconnectedError:
            return
        except RefusedError as error:
            status = error.status
            body = write_error(error.code, error.message, namespace=NAMESPACE, request_id=request_id)
        except EmulatorError as error:
            status = 503
            body = write_error("ServiceUnavailable", str(error), namespace=NAMESPACE, request_id=request_id)
        headers = [(b"content-type", b"text/xml"), (b"x-amzn-requestid", request_id.encode())]
        await respond(send, status, headers=headers, body=body)

    async def _request(self, scope: Scope, receive: Receive) -> Request:
        region = scope.get("local.region")
        if region not in (None, self._stacks.region):
            raise invalid(f"This local cloud is {self._stacks.region} alone; there is nothing in {region}.")
        body = await whole_body(scope, receive, limit=MAX_REQUEST_BYTES)
        if body is None:
            raise invalid(f"A request must be smaller than {MAX_REQUEST_BYTES} bytes: put the template into S3.")
        try:
            return Request(read_parameters(body or scope["query_string"]))
        except ValueError as error:
            raise invalid(f"The request is no form: {error}") from error

    async def _answer(self, request: Request, request_id: str) -> bytes:
        action = request.text("Action")
        operation = self._operations.get(action)
        if operation is None:
            version = request.text("Version") or "2010-05-15"
            raise RefusedError("InvalidAction", f"Could not find operation {action} for version {version}")
        return write_answer(action, await operation(request), namespace=NAMESPACE, request_id=request_id)

    # Change sets

    async def _create_change_set(self, request: Request) -> View:
        plan = request.plan(await self._template(request))
        kind = request.text("ChangeSetType") or "UPDATE"
        if kind not in ("CREATE", "UPDATE"):
            raise invalid(f"Change sets of the type {kind} are not served here, only CREATE and UPDATE.")
        name, stack_name = request.needed("ChangeSetName"), request.needed("StackName")
        async with self._stacks.deciding:
            change_set = await self._stacks.create_change_set(name, stack_name, kind, plan)
        return {"Id": change_set.arn, "StackId": self._stacks.find(stack_name).stack_id}

    async def _describe_change_set(self, request: Request) -> View:
        return views.change_set_view(*self._change_set(request))

    async def _execute_change_set(self, request: Request) -> View:
        stack, change_set = self._change_set(request)
        self._stacks.execute(stack, change_set, disable_rollback=request.flag("DisableRollback"))
        return {}

    async def _delete_change_set(self, request: Request) -> View:
        stack, change_set = self._change_set(request)
        del stack.change_sets[change_set.name]
        return {}

    async def _list_change_sets(self, request: Request) -> View:
        stack = self._stacks.find(request.needed("StackName"))
        return {"Summaries": [views.change_set_summary_view(stack, each) for each in stack.change_sets.values()]}

    # Stacks

    async def _create_stack(self, request: Request) -> View:
        plan = request.plan(await self._template(request))
        on_failure = "DO_NOTHING" if request.flag("DisableRollback") else request.text("OnFailure") or "ROLLBACK"
        async with self._stacks.deciding:
            stack = await self._stacks.create(request.needed("StackName"), plan, on_failure=on_failure)
        return {"StackId": stack.stack_id}

    async def _update_stack(self, request: Request) -> View:
        plan = request.plan(await self._template(request))
        disable_rollback = request.flag("DisableRollback")
        async with self._stacks.deciding:
            stack = await self._stacks.update(request.needed("StackName"), plan, disable_rollback=disable_rollback)
        return {"StackId": stack.stack_id}

    async def _rollback_stack(self, request: Request) -> View:
        return {"StackId": self._stacks.roll_back(request.needed("StackName")).stack_id}

    async def _delete_stack(self, request: Request) -> View:
        self._stacks.delete(request.needed("StackName"), request.texts("RetainResources"))
        return {}

    async def _describe_stacks(self, request: Request) -> View:
        if name := request.text("StackName"):
            stack = self._stacks.find(name)
            await stack.settled(PATIENCE_SECONDS)
            if name == stack.name and not stack.exists:
                raise no_stack(name)  # it was deleted meanwhile
            return {"Stacks": [views.stack_view(stack)]}
        return {"Stacks": [views.stack_view(stack) for stack in self._stacks.all() if stack.exists]}

    async def _list_stacks(self, request: Request) -> View:
        wanted = request.texts("StackStatusFilter")
        stacks = [stack for stack in self._stacks.all() if not wanted or stack.status in wanted]
        return {"StackSummaries": [views.summary_view(stack) for stack in stacks]}

    async def _describe_stack_events(self, request: Request) -> View:
        stack = self._stacks.find(request.needed("StackName"))
        return {"StackEvents": [views.event_view(stack, event) for event in reversed(stack.events)]}

    async def _describe_stack_resources(self, request: Request) -> View:
        logical_id, physical_id = request.text("LogicalResourceId"), request.text("PhysicalResourceId")
        name = request.text("StackName") or self._stack_of(physical_id)
        stack = self._stacks.find(name)
        resources = [
            views.resource_view(stack, event)
            for event in stack.resources.values()
            if logical_id in ("", event.logical_id)
        ]
        return {"StackResources": resources}

    async def _describe_stack_resource(self, request: Request) -> View:
        stack, logical_id = self._stacks.find(request.needed("StackName")), request.needed("LogicalResourceId")
        event = stack.resources.get(logical_id)
        if event is None:
            raise invalid(f"Resource {logical_id} does not exist for stack {stack.name}")
        view = views.resource_view(stack, event)
        return {"StackResourceDetail": {**view, "LastUpdatedTimestamp": view.pop("Timestamp")}}

    async def _list_stack_resources(self, request: Request) -> View:
        stack = self._stacks.find(request.needed("StackName"))
        return {"StackResourceSummaries": [views.resource_summary_view(each) for each in stack.resources.values()]}

    # Templates

    async def _get_template(self, request: Request) -> View:
        if request.text("ChangeSetName"):
            _, change_set = self._change_set(request)
            written, blueprint = change_set.template, change_set.blueprint
        else:
            blueprint = self._stacks.find(request.needed("StackName")).blueprint
            written = blueprint.written if blueprint else ""
        if blueprint and request.text("TemplateStage") == "Processed":
            written = blueprint.processed()
        return {"TemplateBody": written, "StagesAvailable": ["Original", "Processed"]}

    async def _get_template_summary(self, request: Request) -> View:
        if name := request.text("StackName"):
            blueprint = self._stacks.find(name).blueprint
            if blueprint is None:
                raise invalid(f"Stack [{name}] has no template yet")
            return views.template_view(blueprint)
        return await self._judged(request)

    async def _validate_template(self, request: Request) -> View:
        return await self._judged(request)

    async def _judged(self, request: Request) -> View:
        template = await self._template(request)
        try:
            blueprint = await outline(template, self._stacks.region)
        except TemplateError as error:
            raise invalid(str(error)) from error
        return views.template_view(blueprint)

    async def _template(self, request: Request) -> str:
        if request.flag("UsePreviousTemplate"):
            blueprint = self._stacks.find(request.needed("StackName")).blueprint
            if blueprint:
                return blueprint.written
        if body := request.text("TemplateBody"):
            return body
        if url := request.text("TemplateURL"):
            return await self._read_template(url)
        raise invalid("Either Template URL or Template Body must be specified.")

    def _change_set(self, request: Request) -> tuple[StackRecord, ChangeSet]:
        return self._stacks.find_change_set(request.needed("ChangeSetName"), request.text("StackName") or None)

    def _stack_of(self, physical_id: str) -> str:
        for stack in self._stacks.all():
            if any(event.physical_id == physical_id for event in stack.resources.values()):
                return stack.stack_id
        raise invalid(f"Stack for {physical_id} does not exist")
