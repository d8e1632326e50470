"""HTTP/1.1 on a socket: what viewers, SDKs and workers speak to the emulator.

`request_reader` makes requests of bytes, for everybody who listens; `connection` serves an ASGI application with them,
`exchange` is one request and its response there, and `response_head` writes how the response begins.
"""
