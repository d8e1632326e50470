"""The story over real HTTP, from the function's own process through Runtime API, function URL and edge."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO

import httpx
import psutil
import pytest
from httpx_sse import EventSource, ServerSentEvent

from tests.e2e.local_cloud import LocalCloud

QUICK = {"min_ms": "0", "max_ms": "0"}


def events(response: httpx.Response) -> list[ServerSentEvent]:
    return list(EventSource(response).iter_sse())


def test_whole_story(viewer: httpx.Client) -> None:
    """45 words with ids from 1, then the end event with an id of its own."""
    with viewer.stream("GET", "/sse", params=QUICK) as response:
        story = events(response)

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["cache-control"] == "no-cache, no-transform"
    assert [event.id for event in story] == [str(position) for position in range(1, 47)]
    assert {event.event for event in story[:-1]} == {"message"}
    assert (story[-1].event, story[-1].data) == ("end-of-stream", "Stream ended")


def test_words_arrive_while_the_function_still_runs(cloud: LocalCloud) -> None:
    """curl prints the first word while the worker that makes the story is still at it, at the original's pace."""
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("no curl on this machine; apt install curl")
    command = [curl, "-sN", "-H", "Last-Event-ID: 38", f"{cloud.url}/sse?seed=45"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        words = []
        while len(words) < 3:
            line = process.stdout.readline()
            if line.startswith("data: "):
                words.append(line[6:].strip())
                # Had anything on the way collected the story, it would be told by now.
                assert not any("Story told" in said and '"seed":45' in said for said in cloud.lines)
        assert words == ["the", "ending", "and"]
        assert process.poll() is None
        process.kill()
    cloud.wait_for("viewer left")
    cloud.wait_for(lambda line: "Story told" in line and '"seed":45' in line)


def test_each_event_is_a_chunk_of_its_own(cloud: LocalCloud) -> None:
    """At a pace that leaves time between them no two events share a chunk of HTTP, however many streams there are."""
    with ExitStack() as stack:
        wires = [stack.enter_context(asked(cloud, "/sse?min_ms=400&max_ms=400", "Last-Event-ID: 40")) for _ in range(4)]
        streams = [chunks(wire) for wire in wires]

    for stream in streams:
        assert [re.findall(rb"^id: (\d+)$", chunk, re.M) for chunk in stream] == [[b"%d" % n] for n in range(41, 47)]


@contextmanager
def asked(cloud: LocalCloud, target: str, *lines: str) -> Iterator[BinaryIO]:
    """A connection that has sent a GET; how its answer is framed can be read there."""
    address = httpx.URL(cloud.url)
    with socket.create_connection((address.host, address.port), timeout=20) as connection:
        head = [f"GET {target} HTTP/1.1", f"Host: {address.host}", *lines, "", ""]
        connection.sendall("\r\n".join(head).encode())
        with connection.makefile("rb") as wire:
            yield wire


def chunks(wire: BinaryIO) -> list[bytes]:
    """The chunks of a response's body, as they are on the wire, when all of them are there."""
    while wire.readline() != b"\r\n":
        pass
    found = []
    while size := int(wire.readline(), 16):
        found.append(wire.read(size))
        assert wire.readline() == b"\r\n"
    return found


@pytest.mark.parametrize(("told", "first"), [("5", "6"), ("45", "46"), ("", "1")])
def test_resume(viewer: httpx.Client, told: str, first: str) -> None:
    """`Last-Event-ID: 5` starts at the sixth word."""
    with viewer.stream("GET", "/sse", params=QUICK, headers={"last-event-id": told}) as response:
        assert events(response)[0].id == first


def test_past_the_end(viewer: httpx.Client) -> None:
    """A reader that has everything is told to stop for good."""
    response = viewer.get("/sse", headers={"last-event-id": "46"})

    assert (response.status_code, response.content) == (204, b"")


def test_same_seed_same_story_at_both_paths(viewer: httpx.Client) -> None:
    """The page's path and the original's are one function."""
    query = {**QUICK, "seed": "7", "story": "snail"}

    assert viewer.get("/sse", params=query).content == viewer.get("/api/sse", params=query).content


def test_head(viewer: httpx.Client) -> None:
    """The headers of the stream, and nothing else."""
    response = viewer.head("/sse")

    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"] == "text/event-stream"


def test_bad_query(viewer: httpx.Client) -> None:
    """The function's refusal reaches the viewer as it is."""
    response = viewer.get("/sse", params={"min_ms": "many"})

    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["field"] == "min_ms"


def test_method_that_the_behavior_does_not_allow(viewer: httpx.Client) -> None:
    """CloudFront refuses it before any origin is asked."""
    assert viewer.post("/sse").status_code == 403


def test_viewer_who_leaves_does_not_stop_the_function(cloud: LocalCloud, viewer: httpx.Client) -> None:
    """The report still comes, with the full duration of the story."""
    with viewer.stream("GET", "/sse", params={"min_ms": "20", "max_ms": "20"}) as response:
        next(response.iter_raw())
        request_id = response.headers["x-amzn-requestid"]

    cloud.wait_for(r"viewer left at event \d+, the function runs on")
    cloud.wait_for(lambda line: request_id in line and "Story told" in line and '"words":45' in line)
    report = cloud.wait_for(lambda line: request_id in line and "platform.report" in line)
    duration_ms = float(report.partition('"durationMs": ')[2].partition(",")[0])
    assert duration_ms >= 45 * 20
    cloud.wait_for("ran on for")


def test_twenty_streams_are_twenty_processes(cloud: LocalCloud) -> None:
    """All correct; a worker that is killed breaks its own stream visibly, and no other."""
    count = 20
    began, killed = threading.Barrier(count + 1), threading.Event()
    outcomes: list[list[str] | str] = []

    def read(client: httpx.Client) -> None:
        ids = []
        try:
            # A story of 5 s: longer than twenty cold starts take.
            with client, client.stream("GET", "/sse", params={"min_ms": "110", "max_ms": "110"}) as response:
                for event in EventSource(response).iter_sse():
                    ids.append(event.id)
                    if len(ids) == 1:
                        began.wait(timeout=20)
                        killed.wait(timeout=20)
        except httpx.RemoteProtocolError as error:
            outcomes.append(str(error))
        else:
            outcomes.append(ids)

    clients = [httpx.Client(base_url=cloud.url, timeout=30) for _ in range(count)]  # each takes a while to make
    readers = [threading.Thread(target=read, args=[client]) for client in clients]
    for reader in readers:
        reader.start()
    began.wait(timeout=20)
    workers = cloud.workers()
    busy = [worker for worker in workers if worker.is_running()]
    assert len({worker.pid for worker in busy}) >= count
    _kill_one_that_streams(cloud, busy)
    killed.set()
    for reader in readers:
        reader.join(timeout=30)

    broken = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert len(broken) == 1
    assert "incomplete chunked read" in broken[0]
    assert [outcome for outcome in outcomes if isinstance(outcome, list)] == [
        [str(position) for position in range(1, 47)]
    ] * (count - 1)
    cloud.wait_for("Runtime.ExitError")


def _kill_one_that_streams(cloud: LocalCloud, workers: list[psutil.Process]) -> None:
    """Kill the youngest worker: those of earlier tests may be idle, and it is not."""
    max(workers, key=lambda worker: worker.create_time()).kill()
