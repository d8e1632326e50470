"""Codecs: bytes to values and back. No I/O in here, so each can be tested with every input, split at every byte.

`http_event` makes an event of a request and a response of a buffered reply, `prelude` finds where a streamed reply's
body begins, `headers` are those that may pass; `amazon_eventstream` and `aws_query` are how AWS's APIs write.
"""
