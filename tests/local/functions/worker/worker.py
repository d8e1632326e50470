"""Does what its event says, step by step: `[["send", "one"], ["exit", 1]]`.

What it does at start, AT_START says; steps on its command line are those of every event.
"""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time

BASE = "/2018-06-01/runtime"
try:
    with open("version") as file:
        VERSION = file.read()
except FileNotFoundError:
    VERSION = ""


class Reply:
    """The reply to one event, chunk by chunk; `end` sends even an empty one."""

    def __init__(self, connection: http.client.HTTPConnection, request_id: str) -> None:
        self._connection = connection
        self._path = f"{BASE}/invocation/{request_id}"
        self._begun = False

    def send(self, text: str) -> None:
        if not self._begun:
            self._begun = True
            self._connection.putrequest("POST", f"{self._path}/response")
            self._connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
            self._connection.putheader("Content-Type", "text/plain")
            self._connection.putheader("Transfer-Encoding", "chunked")
            self._connection.endheaders()
        if text:
            self._connection.send(b"%x\r\n%b\r\n" % (len(text.encode()), text.encode()))

    def send_bytes(self, count: int) -> None:
        self.send("x" * count)

    def send_pid(self) -> None:
        self.send(str(os.getpid()))

    def send_environ(self) -> None:
        self.send(json.dumps(dict(os.environ)))

    def send_working_directory(self) -> None:
        self.send(os.getcwd())

    def send_version(self) -> None:
        self.send(VERSION)

    def end(self) -> None:
        self.send("")
        self._connection.send(b"0\r\n\r\n")
        self._connection.getresponse().read()

    def take_memory(self, mebibytes: int) -> None:
        self._taken = b"x" * (mebibytes * 2**20)  # each page written to

    def wait(self, fifo: str) -> None:
        """Until the test lets it go on."""
        with open(fifo, "rb", buffering=0) as gate:
            gate.read(1)

    def print(self, text: str) -> None:
        print(text, flush=True)

    def child(self) -> None:
        """A child of its own, which holds its standard output."""
        self.send(str(subprocess.Popen(["sleep", "60"]).pid))

    def daemon(self) -> None:
        """The same, but out of its process group."""
        self.send(str(subprocess.Popen(["sleep", "60"], start_new_session=True).pid))

    def write_temporary(self, text: str) -> None:
        with open(os.path.join(os.environ["TMPDIR"], "kept"), "a+") as file:
            file.write(text)
            file.seek(0)
            self.send(file.read())

    def fail(self, error_type: str) -> None:
        headers = {"Lambda-Runtime-Function-Error-Type": error_type}
        self._connection.request("POST", f"{self._path}/error", b'{"errorMessage":"as told"}', headers)
        self._connection.getresponse().read()
        raise StopIteration

    def trap(self) -> None:
        """Say when it is asked to end, and do."""
        signal.signal(signal.SIGTERM, lambda *_: (print("asked to end", flush=True), os._exit(0)))

    def stay(self) -> None:
        """Say when it is asked to end, and do not."""
        signal.signal(signal.SIGTERM, lambda *_: print("asked to end", flush=True))

    def exit(self, code: int) -> None:
        os._exit(code)

    def kill(self, number: int) -> None:
        os.kill(os.getpid(), number)
        self.hang()

    def hang(self) -> None:
        time.sleep(60)


def inside() -> None:
    """An internal extension: a thread of the runtime."""
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    extension = "/2020-01-01/extension"
    connection.request("POST", f"{extension}/register", '{"events":["INVOKE"]}', {"Lambda-Extension-Name": "inside"})
    answer = connection.getresponse()
    answer.read()
    headers = {"Lambda-Extension-Identifier": answer.headers["Lambda-Extension-Identifier"]}

    def listen() -> None:
        while True:
            connection.request("GET", f"{extension}/event/next", headers=headers)
            print("inside hears", json.load(connection.getresponse())["eventType"], flush=True)

    threading.Thread(target=listen, daemon=True).start()


def start(connection: http.client.HTTPConnection) -> None:
    what, _, argument = os.environ.get("AT_START", "").partition(" ")
    if what == "print":
        print(argument, flush=True)
    elif what == "exit":
        print("about to leave", flush=True)
        sys.exit(int(argument))
    elif what == "internal":
        inside()
    elif what == "hang":
        time.sleep(60)
    elif what == "wait":
        with open(argument, "rb", buffering=0) as gate:
            gate.read(1)
    elif what == "fail":
        headers = {"Lambda-Runtime-Function-Error-Type": "Runtime.NoGood"}
        connection.request("POST", f"{BASE}/init/error", b'{"errorMessage":"no good"}', headers)
        connection.getresponse().read()
        sys.exit(1)


def main() -> None:
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    start(connection)
    while True:
        connection.request("GET", f"{BASE}/invocation/next")
        answer = connection.getresponse()
        reply = Reply(connection, answer.headers["Lambda-Runtime-Aws-Request-Id"])
        try:
            event = answer.read()
            for verb, *arguments in json.loads(sys.argv[1] if len(sys.argv) > 1 else event):
                getattr(reply, verb)(*arguments)
        except StopIteration:
            continue
        reply.end()


if __name__ == "__main__":
    main()
