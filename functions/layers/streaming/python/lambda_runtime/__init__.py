"""A streaming runtime for AWS Lambda in pure Python: it speaks the Runtime API and nothing else.

The way of one invocation through the files: `__main__` sets the search path (`search_path`) and loads the handler
(`handler`); `loop` asks for an event (`client` on `http1`), calls the handler with it and a `context`, and hands
what comes back to `replies`, which streams the `body` of a `response` or sends a JSON document (`marshal`).
What a buffering handler would return becomes a response by `document`.
`aio` does the same for async handlers, bursts leave through `cork` and `threaded_cork`, `snapshot` ends the init phase
where SnapStart is on, `faults` says what went wrong (`trace` how it came to it), `logging_hook` sets `logs` up.

The standard library only, and of that only what the first byte needs: every import is part of a cold start.
"""
