"""Stands in for moto where a test must see what is sent to it, or decide when it answers; started as moto is.

`/echo...` answers with what it was sent: request line, headers, body, as JSON.
`/paced` answers "one", and "two" only after somebody asked for `/go`.
`/upload` reads the first chunk of a body, then the rest only after somebody asked for `/go`.
`/cut` announces ten bytes, sends four and hangs up.
`/status/<code>` answers that status.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

go = threading.Event()
first_chunk = threading.Event()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_request(self) -> None:
        self.close_connection = True
        name = self.path.split("/")[1].split("?")[0]
        getattr(self, f"answer_{name}", self.answer_echo)()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_request

    def answer_echo(self) -> None:
        headers = [[name.lower(), value] for name, value in self.headers.items()]
        document = {"line": self.requestline, "headers": headers, "body": self.body().decode()}
        self.answer(200, json.dumps(document).encode())

    def answer_paced(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"3\r\none\r\n")
        go.wait(10)
        self.wfile.write(b"3\r\ntwo\r\n0\r\n\r\n")

    def answer_go(self) -> None:
        go.set()
        self.answer(200, b"")

    def answer_upload(self) -> None:
        first = self.chunk()
        first_chunk.set()
        go.wait(10)
        self.answer(200, first + b"|" + self.body())

    def answer_first(self) -> None:
        first_chunk.wait(10)
        self.answer(200, b"")

    def answer_cut(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "10")
        self.end_headers()
        self.wfile.write(b"half")

    def answer_status(self) -> None:
        self.answer(int(self.path.rpartition("/")[2]), b"")

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "upstream=1")
        self.end_headers()
        self.wfile.write(body)

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return b"".join(iter(self.chunk, b""))

    def chunk(self) -> bytes:
        data = self.rfile.read(int(self.rfile.readline(), 16))
        self.rfile.readline()
        return data

    def log_message(self, format: str, *args: object) -> None:
        pass


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
