"""The operations of the Lambda API, each with its path.

What hop this is: `aws_endpoint -> [api] -> invoke, response_stream, catalog`.

What the real service does: method and path of each operation as in botocore's model of the service; the date in the
path is that of the operation, not of the service.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable

from local.asgi import ASGIApp, NotMeantError, Receive, Route, Scope, Send, respond
from local.config import Account, Function
from local.dispatcher import Dispatcher
from local.invoke_api.call import parameters
from local.invoke_api.catalog import Catalog, Document, Parameters
from local.invoke_api.event_queue import EventQueue
from local.invoke_api.invoke import Invoke
from local.invoke_api.refusal import RefusedError, refusing, unserved
from local.invoke_api.response_stream import InvokeWithResponseStream
from local.invoke_api.target import find_target
from local.reports import Reports

_NAME = "(?P<name>[^/]+)"
_OTHERS = rf"/\d{{4}}-\d\d-\d\d/(?:functions|tags)/{_NAME}(?:/.*)?"


class InvokeApi:
    """`routes` serve the functions of *account*; *url_of* is the address of a function's URL."""

    def __init__(
        self, account: Account, dispatcher: Dispatcher, reports: Reports, *, url_of: Callable[[Function], str]
    ) -> None:
        self._queue = EventQueue(dispatcher, reports)
        catalog = Catalog(account, url_of=url_of)
        operations: list[Route] = [
            ("POST", f"/2015-03-31/functions/{_NAME}/invocations", Invoke(account, dispatcher, self._queue)),
            (
                "POST",
                f"/2021-11-15/functions/{_NAME}/response-streaming-invocations",
                InvokeWithResponseStream(account, dispatcher),
            ),
            ("GET", "/2015-03-31/functions/?", _reading(catalog.list_functions)),
            ("GET", f"/2015-03-31/functions/{_NAME}", _reading(catalog.get_function)),
            ("GET", f"/2015-03-31/functions/{_NAME}/configuration", _reading(catalog.get_configuration)),
            ("GET", f"/2015-03-31/functions/{_NAME}/versions", _reading(catalog.list_versions)),
            ("GET", f"/2015-03-31/functions/{_NAME}/aliases", _reading(catalog.list_aliases)),
            ("GET", f"/2021-10-31/functions/{_NAME}/url", _reading(catalog.get_url)),
            ("GET", f"/2021-10-31/functions/{_NAME}/urls", _reading(catalog.list_urls)),
            ("GET", "/2016-08-19/account-settings/?", _reading(catalog.get_account_settings)),
        ]
        others = _unserved(account)
        operations += [(method, _OTHERS, others) for method in ("GET", "PUT", "POST", "DELETE")]
        self.routes = [(method, pattern, refusing(operation)) for method, pattern, operation in operations]

    async def close(self) -> None:
        """Forget what waits for its turn."""
        await self._queue.close()


def _unserved(account: Account) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            target = find_target(account, scope["path_params"]["name"])
        except RefusedError as error:
            raise NotMeantError from error  # one that was made with this API, perhaps
        raise unserved(scope["method"], scope["path"], target.function.logical_id)

    return app


def _reading(question: Callable[[str, Parameters], Document]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        document = question(scope["path_params"].get("name", ""), parameters(scope))
        headers = [(b"content-type", b"application/json"), (b"x-amzn-requestid", str(uuid.uuid4()).encode())]
        await respond(send, 200, headers=headers, body=json.dumps(document).encode())

    return app
