"""Whose request is it? The `Host` header alone decides, and it must be there once and make sense."""

from __future__ import annotations

import pytest

from tests.hostile.viewer import Answer, Door, ask, viewer

BUCKET_SAYS_NO = (403, [b"AmazonS3"])


def of_edge(answer: Answer) -> bool:
    return bool(answer.header(b"x-amz-cf-id"))


@pytest.mark.parametrize("change", [str.upper, str.title, lambda host: host + ".", lambda host: host + ":80"])
def test_a_host_is_the_same_in_any_spelling(url: Door, change: object) -> None:
    """Upper case, a trailing dot, another port: https://www.rfc-editor.org/rfc/rfc9110#section-4.2.3"""
    assert callable(change)
    answer = ask(url, url.get().replace(url.host.encode(), change(url.host).encode()))

    assert answer.told["function"] == url.function
    assert not of_edge(answer)


def test_what_the_function_sees_as_its_domain_is_its_own(url: Door) -> None:
    """Not what the viewer called it."""
    event = ask(url, url.get().replace(url.host.encode(), url.host.upper().encode() + b".:1")).event

    context = event["requestContext"]
    assert isinstance(context, dict)
    assert context["domainName"] == url.host


@pytest.mark.parametrize("lines", [[b"Host: localhost"], [b"host: %b"], [b"Host: elsewhere.example", b"HOST: %b"]])
def test_two_hosts_are_none(door: Door, doors: dict[str, Door], lines: list[bytes]) -> None:
    """https://www.rfc-editor.org/rfc/rfc9112#section-3.2: a 400, whichever of them comes first."""
    other = doors["buffered URL"].host.encode()
    more = [line.replace(b"%b", other) for line in lines]

    assert ask(door, door.get(None, *more)).status == 400


def test_no_host_is_refused_by_http_1_1_only(cloud: object, edge: Door, doors: dict[str, Door]) -> None:
    """In HTTP/1.0 there was none, and the request is for whoever listens there first: the edge."""
    for door in (edge, doors["AWS endpoint"]):
        assert ask(door, f"GET {door.target} HTTP/1.1\r\n\r\n".encode()).status == 400
    assert of_edge(ask(edge, b"GET /echo HTTP/1.0\r\n\r\n"))


@pytest.mark.parametrize(
    "host",
    [
        "",
        "a b",
        "a/b",
        "a, b",
        "user@%",
        "%/..",
        "http://%",
        "%:80:80",
        "%:x",
        "[::1",
        "%\\..",
        "%?",
        "%#",
        "ä",
        "a" * 300,
    ],
)
def test_a_host_that_is_none_is_refused(url: Door, host: str) -> None:
    request = b"GET /echo HTTP/1.1\r\nHost: " + host.replace("%", url.host).encode() + b"\r\n\r\n"

    assert ask(url, request).status in (400, 404)


@pytest.mark.parametrize(
    "line",
    [
        b"X-Forwarded-Host: %",
        b"X-Host: %",
        b"Forwarded: host=%",
        b"X-Original-URL: http://%/echo",
        b"X-Forwarded-Server: %",
        b"Referer: http://%/",
        b"Origin: http://%",
    ],
)
def test_no_other_header_says_whose_a_request_is(url: Door, doors: dict[str, Door], line: bytes) -> None:
    other = doors["buffered URL"]
    named = line.replace(b"%", other.host.encode())

    assert ask(url, url.get(None, named)).told["function"] == url.function
    answer = ask(doors["edge"], doors["edge"].get("/nothing", named))
    assert (answer.status, answer.header(b"server")) == BUCKET_SAYS_NO


def test_each_request_of_a_connection_is_for_its_own_host(url: Door, edge: Door, doors: dict[str, Door]) -> None:
    """A connection belongs to nobody."""
    with viewer(Door("any", url.port, url.host, url.target, url.function)) as one:
        for door in (url, doors["buffered URL"], edge, url):
            answer = one.ask(door.get())
            assert (answer.told["function"], of_edge(answer)) == (door.function, door is edge)


def test_a_url_that_no_function_has_is_not_found(url: Door) -> None:
    """And it is neither another function's nor the page."""
    for name in ("0" * 32, "x." + url.host.partition(".")[0], ""):
        host = url.host.replace(url.host.partition(".")[0], name)
        assert ask(url, f"GET /echo HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()).status in (400, 404)


def test_the_edge_tells_a_function_its_own_domain_and_no_other(edge: Door, url: Door) -> None:
    """The viewer's Host stays at the edge, under AllViewerExceptHostHeader."""
    headers = ask(edge, edge.get(None, b"X-Forwarded-Host: elsewhere.example")).event["headers"]

    assert isinstance(headers, dict)
    assert headers["host"] == url.host
