"""A server that does nothing but send bytes it has ready: whatever the load client measures here is its own limit.

`python ready_server.py PORT`
"""

from __future__ import annotations

import socket
import sys

from events import Asked, asked, event

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def reply(count: int) -> bytes:
    """A whole reply with a chunk an event."""
    events = (event(position, Asked({})).encode() for position in range(1, count + 1))
    return HEAD + b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in events) + b"0\r\n\r\n"


def main() -> None:
    """Serve one connection after the other until the process is ended."""
    replies: dict[int, bytes] = {}
    with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
        while True:
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection:
                while request := connection.recv(65536):
                    count = asked(request.split(b" ", 2)[1].partition(b"?")[2].decode()).count
                    if count not in replies:
                        replies[count] = reply(count)
                    connection.sendall(replies[count])


main()
