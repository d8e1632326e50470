"""A local Lambda that streams: the functions of a SAM template in real processes behind a real Runtime API.

Run it with `python -m local`; the way of one word through the files is told in README.md.
"""
