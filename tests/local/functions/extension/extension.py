"""An external extension: registers under its first argument, prints what it hears, and ends when it is told to.

What else it does, the variable `<NAME>_DOES` says: `exit` before it registers, `init_error`, `exit_error` or `crash` at
the first event, `wait <fifo>` at each, `stay` when it is told to end, `telemetry`.
"""

import http.client
import json
import os
import sys
import time

BASE = "/2020-01-01/extension"


class Client:
    """Asks the Extensions API."""

    def __init__(self) -> None:
        self._connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
        self.headers: dict[str, str] = {}

    def ask(self, method: str, path: str, body: str = "", **headers: str):
        self._connection.request(method, path, body, {**self.headers, **headers})
        answer = self._connection.getresponse()
        return answer, answer.read().decode().strip()

    def register(self, name: str, events: list[str]) -> str:
        headers = {"Lambda-Extension-Name": name, "Lambda-Extension-Accept-Feature": "accountId"}
        answer, document = self.ask("POST", f"{BASE}/register", json.dumps({"events": events}), **headers)
        self.headers = {"Lambda-Extension-Identifier": answer.headers["Lambda-Extension-Identifier"]}
        return document

    def next(self) -> dict[str, object]:
        return json.loads(self.ask("GET", f"{BASE}/event/next")[1])

    def fail(self, kind: str) -> None:
        error = {"Lambda-Extension-Function-Error-Type": "Extension.NoGood"}
        print(self.ask("POST", f"{BASE}/{kind}/error", "{}", **error)[1], flush=True)
        sys.exit(1)


def main(name: str) -> None:
    does, _, argument = os.environ.get(f"{name.upper()}_DOES", "").partition(" ")
    if does == "exit":
        sys.exit(int(argument))
    client = Client()
    print(name, "registers", flush=True)
    print(name, "is told", client.register(name, os.environ.get("EVENTS", "INVOKE SHUTDOWN").split()), flush=True)
    if does == "init_error":
        client.fail("init")
    if does == "telemetry":
        print(name, "is told", client.ask("PUT", "/2022-07-01/telemetry", "{}")[1], flush=True)
    while True:
        event = client.next()
        print(name, "hears", json.dumps(event), flush=True)
        if event["eventType"] == "SHUTDOWN":
            if does == "stay":
                time.sleep(60)
            print(name, "leaves", flush=True)
            sys.exit(0)
        if does == "exit_error":
            client.fail("exit")
        if does == "crash":
            os.abort()
        if does == "wait":
            with open(argument, "rb", buffering=0) as gate:
                gate.read(1)


if __name__ == "__main__":
    main(os.path.basename(sys.argv[1]))
