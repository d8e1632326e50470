"""Request lines that are odd, too long, or meant for a proxy."""

from __future__ import annotations

import pytest

from tests.hostile.viewer import Door, ask, viewer


@pytest.mark.parametrize("byte", [b"\0", b"\x01", b"\t", b" ", b"\x0b", b"\x7f", b"\xc3\xbc", b"\xff"])
@pytest.mark.parametrize("place", [b"/a%bb", b"/a?b=%bc"])
def test_a_byte_that_must_be_escaped_is_refused(door: Door, place: bytes, byte: bytes) -> None:
    """A control character, a space or what is not ASCII, in path and query."""
    request = door.get("/TARGET").replace(b"/TARGET", place.replace(b"%b", byte))
    with viewer(door) as one:
        assert one.ask(request).status == 400
        assert one.is_closed()


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/%ff%fe", "/%ff%fe", ""),
        ("/%zz%", "/%zz%", ""),
        ("/a%00b%0d%0aX-Injected:%20yes", "/a%00b%0d%0aX-Injected:%20yes", ""),
        ("//elsewhere.example/a", "//elsewhere.example/a", ""),
        ("/a//b/../c/./d", "/a//b/../c/./d", ""),
        ("/a%2fb%5Cc%2e%2e", "/a%2fb%5Cc%2e%2e", ""),
        ("/a;b=c,d", "/a;b=c,d", ""),
        ("/a?", "/a", ""),
        ("/a??b=?", "/a", "?b=?"),
        ("/a?q=%ff%00%zz&&=&x", "/a", "q=%ff%00%zz&&=&x"),
        ("/a?b=http://c/?d#e", "/a", "b=http://c/?d"),
    ],
)
def test_a_target_reaches_the_function_as_it_came(url: Door, target: str, path: str, query: str) -> None:
    """Escaped, whatever the escapes mean: nothing is decoded, resolved, merged or mended."""
    event = ask(url, url.get(target)).event

    assert (event["rawPath"], event["rawQueryString"]) == (path, query)


def test_a_target_that_names_its_host_is_a_path_all_the_same(url: Door) -> None:
    """The absolute form, https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2"""
    answer = ask(url, url.get(f"http://{url.host}/a?b=c"))

    assert (answer.event["rawPath"], answer.event["rawQueryString"]) == ("/a", "b=c")


def test_a_target_that_names_another_host_is_for_that_host(url: Door, doors: dict[str, Door]) -> None:
    """Whatever the Host header says, https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2"""
    other = doors["buffered URL"]

    assert ask(other, url.get(f"http://{other.host}/a")).told["function"] == other.function
    assert ask(url, url.get("http://localhost/a")).header(b"server") == [b"AmazonS3"]


@pytest.mark.parametrize(
    "request_line",
    [
        "CONNECT example.com:443 HTTP/1.1",
        "GET example.com:443 HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "GET * HTTP/1.1",
        "GET echo HTTP/1.1",
        "GET HTTP/1.1",
        "FOO /echo HTTP/1.1",
        "get /echo HTTP/1.1",
        "GET /echo http/1.1",
        "GET /echo HTTP/1.2",
        "GET /echo HTTP/11",
        "GET /echo HTTP/3.7",
        "GET /echo ICE/1.0",
    ],
)
def test_what_is_no_request_for_a_path_is_refused(door: Door, request_line: str) -> None:
    """Proxies' forms, unknown methods, other versions."""
    with viewer(door) as one:
        answer = one.ask(f"{request_line}\r\nHost: {door.host}\r\n\r\n".encode())

    assert answer.status in (400, 403, 405, 501, 505)


@pytest.mark.parametrize("version", ["HTTP/2.0", "HTTP/0.9"])
def test_a_version_that_is_spoken_otherwise_is_refused(door: Door, version: str) -> None:
    assert ask(door, f"GET {door.target} {version}\r\nHost: {door.host}\r\n\r\n".encode()).status in (400, 505)


@pytest.mark.parametrize(
    ("name", "length", "statuses"), [("function URL", 2**20, (400, 414, 431)), ("edge", 8192, (413,))]
)
def test_a_target_that_is_too_long_is_refused(
    doors: dict[str, Door], name: str, length: int, statuses: tuple[int, ...]
) -> None:
    """AWS's limits: 1 MB of request line and headers at a function URL, 8,192 bytes of URL at CloudFront."""
    door = doors[name]

    assert ask(door, door.get("/echo" + "a" * length)).status in statuses


def test_a_target_may_be_as_long_as_cloudfront_takes(edge: Door) -> None:
    target = "/echo" + "a" * (8192 - len(f"http://{edge.host}/echo"))

    assert ask(edge, edge.get(target)).event["rawPath"] == target
    assert ask(edge, edge.get(target + "a")).status == 413


def test_a_method_without_end_is_refused(door: Door) -> None:
    with viewer(door) as one:
        assert one.ask(b"G" * 2**20 + b" / HTTP/1.1\r\n\r\n").status in (400, 431)
        assert one.is_closed()
