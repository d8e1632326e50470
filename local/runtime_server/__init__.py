"""The Runtime API on a socket of its own for each domain: HTTP/1.1 in, `runtime_api` and `extensions_api` calls out.

What hop this is: `worker -> [runtime_server] -> runtime_api, extensions_api`. `listener` has the socket, `connection`
is one of the worker's connections there, and `headers` are what an event and a reply carry beside their bodies.

What the real service does: listens on loopback inside the environment; waits on `next` without a limit; takes replies
of any framing, with trailers (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).

What differs here, on purpose:
1. a refused request is read to its end before it is answered, so that the answer is not lost in a reset connection;
2. a runtime may ask for the next event while a slow caller keeps its last reply from being read: it has hung up then,
   at its deadline, which is seen once the rest of that reply is read.
"""
