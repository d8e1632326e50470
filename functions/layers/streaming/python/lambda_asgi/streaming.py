"""An ASGI application as a Lambda handler that streams.

What this is: `lambda_runtime.loop -> [Streaming] -> scope, cycle -> application`.

What the real service does: nothing here is Lambda's. Mangum (https://mangum.fastapiexpert.com) is the same idea for
buffered replies, and an application that runs under one runs under the other.

What differs from Mangum, on purpose:
1. the lifespan is that of the execution environment, as the specification has it ("once per event loop"), not of a
   single request; its shutdown comes only where Lambda says that it ends an environment, see `lambda_runtime.loop`;
2. an exception before the response has started is the function's error, a 502 with the error in the log and the
   metrics, instead of a 500 that looks like a success; frameworks send their own 500 first, as anywhere;
3. `root_path` says where the application is mounted; there is no option to cut a prefix off, none to leave headers out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambda_asgi.cycle import Cycle
from lambda_asgi.lifespan import Lifespan
from lambda_asgi.scope import body_of, scope_of

if TYPE_CHECKING:
    from lambda_asgi.asgi import App
    from lambda_asgi.lifespan import Mode
    from lambda_runtime.response import Response


class Streaming:
    """The handler that serves *app*: `handler = Streaming(app)`.

    *lifespan* is "auto" (an application that does not know the lifespan protocol runs without), "on" (it must know it)
    or "off". *root_path* is the path at which a viewer finds the application, "/api" say, where that is not the root.

    Raises `ValueError` for another *lifespan*, or a *root_path* that does not begin with a slash.
    """

    def __init__(self, app: App, lifespan: Mode = "auto", *, root_path: str = "") -> None:
        if lifespan not in ("auto", "on", "off"):
            raise ValueError(f'lifespan must be "auto", "on" or "off", not {lifespan!r}')
        if root_path and not root_path.startswith("/"):
            raise ValueError(f"root_path must begin with a slash, unlike {root_path!r}")
        self._app = app
        self._lifespan = Lifespan(app, lifespan)
        self._root_path = root_path.rstrip("/")

    async def __call__(self, event: Any, context: Any) -> Response:
        """The reply to *event*, once the application has started it.

        Raises what the application raises until then, and `UnsupportedEventError` for what is no HTTP request.
        """
        scope = scope_of(event, context, root_path=self._root_path)
        await self.startup()  # done long ago, unless this handler is called by another
        scope["state"] = self._lifespan.state.copy()
        return await Cycle(self._app, scope, body_of(event)).response()

    async def startup(self) -> None:
        """Start the application; called by the runtime in the init phase. Raises what the application raises."""
        await self._lifespan.startup()

    async def shutdown(self) -> None:
        """Shut the application down; called by the runtime when the environment ends."""
        await self._lifespan.shutdown()
