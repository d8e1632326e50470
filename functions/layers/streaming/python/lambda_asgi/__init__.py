"""Runs an ASGI application in a streaming Lambda function: `from lambda_asgi.streaming import Streaming`.

The way of one request through the files: `streaming` is the handler that the runtime calls; `scope` makes the event an
ASGI scope; `cycle` calls the application and stands between its `send` and the runtime's `write`; `prelude` turns
`http.response.start` into the reply's status and headers. `lifespan` starts the application once per environment.
`asgi` has the names for annotations.

The standard library only. It knows nothing of sockets: those are `lambda_runtime`'s.
"""
