"""Codecs: bytes to values and back. No I/O in here, so each can be tested with every input, split at every byte."""
