"""A runtime that asks the Runtime API for what it must refuse, and prints how it was refused.

It is the same process for both sides of `test_runtime_api_differential.py`. Each event names a probe. A probe first
brings the runtime into a state, then asks for everything that this state does not allow; every answer is one line of
the log, `PROBE <event> <what was asked> <JSON of status, content type and document>`.
"""

import http.client
import json
import os
import socket
import sys

ADDRESS = os.environ["AWS_LAMBDA_RUNTIME_API"]
BASE = "/2018-06-01/runtime"
OTHER = "/invocation/00000000-0000-0000-0000-000000000000"
LIMIT = 6 * 1024 * 1024 + 100
ERROR = b'{"errorMessage":"probe","errorType":"Probe.Error"}'
MODE = "Lambda-Runtime-Function-Response-Mode"


def call(method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(ADDRESS)
    connection.request(method, BASE + path, body, headers or {})
    answer = connection.getresponse()
    document = answer.read()
    connection.close()
    return answer, document


class Probe:
    """What is asked while one event is worked on."""

    def __init__(self, event, request_id, document):
        self.event = event
        self.own = f"/invocation/{request_id}"
        self.document = document

    def told(self, what, answer, document=b""):
        try:
            decoded = json.loads(document)
        except ValueError:
            decoded = document.decode()
        self.print(what, [answer.status, answer.headers["Content-Type"], decoded])

    def ask(self, what, method, path, body=None, headers=None):
        try:
            self.told(what, *call(method, path, body, headers))
        except (http.client.HTTPException, OSError):
            self.print(what, ["no answer"])

    def print(self, what, answer):
        print("PROBE", json.dumps([self.event, what, answer]), flush=True)

    def ask_for_others(self):
        """What is refused in every state after the first event."""
        for kind in ("response", "error"):
            self.ask(f"{kind}, wrong id", "POST", f"{OTHER}/{kind}", ERROR)
            self.ask(f"{kind}, no id", "POST", f"/invocation//{kind}", ERROR)
        self.ask("response, wrong id, bad mode", "POST", f"{OTHER}/response", b"{}", {MODE: "odd"})
        self.ask("init error", "POST", "/init/error", ERROR)

    def ask_again(self):
        """What is refused once the reply has begun."""
        for kind in ("response", "error"):
            self.ask(f"{kind}, own id", "POST", f"{self.own}/{kind}", ERROR)
        self.ask("response, own id, bad mode", "POST", f"{self.own}/response", b"{}", {MODE: "odd"})

    def reply(self, body=b"{}"):
        call("POST", f"{self.own}/response", body)

    def wait_for_state(self, name):
        """A request is on its way that brings the runtime into that state; refusals tell when it is there."""
        while f"from {name} to" not in call("POST", "/init/error", ERROR)[1].decode():
            pass

    # Each of these is an event.

    def running(self):
        self.ask_for_others()
        again, document = call("GET", "/invocation/next")
        self.told("next", again, document)
        self.print("next brings the same event", [again.headers["Lambda-Runtime-Aws-Request-Id"] in self.own])
        self.reply()

    def no_such_thing(self):
        for method, path in [
            ("GET", f"{self.own}/response"),
            ("PUT", f"{self.own}/response"),
            ("GET", f"{self.own}/error"),
            ("POST", "/invocation/next"),
            ("GET", "/init/error"),
            ("GET", ""),
            ("GET", "/invocation"),
            ("POST", f"{self.own}/nothing"),
            ("POST", f"{self.own}/response/more"),
        ]:
            answer, _ = call(method, path, b"" if method != "GET" else None)
            self.print(f"{method} {path.replace(self.own, '/own')}", [answer.status])
        self.reply()

    def after_response(self):
        self.reply()
        self.ask_for_others()
        self.ask_again()

    def after_error(self):
        call("POST", f"{self.own}/error", ERROR)
        self.ask_for_others()
        self.ask_again()

    def during_response(self):
        """AWS's emulator keeps every other reply waiting until this one has ended, so none is made."""
        held = Held(f"{self.own}/response")
        self.wait_for_state("InvocationResponse")
        self.ask("init error", "POST", "/init/error", ERROR)
        self.ask("next", "GET", "/invocation/next")
        self.told("the end of the response", *held.finish())

    def during_error(self):
        held = Held(f"{self.own}/error")
        self.wait_for_state("InvocationErrorResponse")
        self.ask_for_others()
        self.ask_again()
        self.ask("next", "GET", "/invocation/next")
        self.told("the end of the error", *held.finish())

    def too_large(self):
        self.ask("response", "POST", f"{self.own}/response", b"x" * (LIMIT + 1))
        self.ask_for_others()
        self.ask_again()

    def too_large_in_chunks(self):
        parts = (b"x" * 1024 * 1024 for _ in range(7))
        self.ask("response", "POST", f"{self.own}/response", parts)
        self.ask_for_others()
        self.ask_again()

    def just_not_too_large(self):
        self.ask("response", "POST", f"{self.own}/response", b'"' + b"x" * (LIMIT - 2) + b'"')

    def mode_streaming(self):
        self.ask("response", "POST", f"{self.own}/response", b"{}", {MODE: "streaming"})

    def bad_mode(self):
        """AWS's emulator never leaves the state after this one."""
        self.ask("response", "POST", f"{self.own}/response", b"{}", {MODE: self.document["mode"]})
        sys.exit(1)

    def truncated(self):
        """The sending half is closed in the middle of the body."""
        held = Held(f"{self.own}/response", "Content-Length: 100")
        held.socket.shutdown(socket.SHUT_WR)
        try:
            self.told("response", *held.answer())
        except (http.client.HTTPException, OSError):
            self.print("response", ["no answer"])
        self.ask_for_others()
        self.ask_again()


class Held:
    """A request whose body does not end before it is told to."""

    def __init__(self, path, framing="Transfer-Encoding: chunked"):
        host, _, port = ADDRESS.partition(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.sendall(f"POST {BASE}{path} HTTP/1.1\r\nHost: {ADDRESS}\r\n{framing}\r\n\r\n2\r\n{{}}\r\n".encode())

    def finish(self):
        self.socket.sendall(b"0\r\n\r\n")
        return self.answer()

    def answer(self):
        answer = http.client.HTTPResponse(self.socket)
        answer.begin()
        document = answer.read()
        self.socket.close()
        return answer, document


def main():
    before = Probe("before the first event", "none", None)
    for kind in ("response", "error"):
        before.ask(kind, "POST", f"{OTHER}/{kind}", ERROR)
    if os.environ["_HANDLER"] == "fails":
        call("POST", "/init/error", ERROR)
        failed = Probe("after an init error", "none", None)
        failed.ask("next", "GET", "/invocation/next")
        failed.ask("init error", "POST", "/init/error", ERROR)
        failed.ask("response", "POST", f"{OTHER}/response", ERROR)
        sys.exit(1)
    while True:
        answer, event = call("GET", "/invocation/next")
        if answer.status != 200:
            sys.exit(f"no next event: {event.decode()}")
        document = json.loads(event)
        probe = Probe(document["probe"], answer.headers["Lambda-Runtime-Aws-Request-Id"], document)
        getattr(probe, document["probe"])()


if __name__ == "__main__":
    main()
