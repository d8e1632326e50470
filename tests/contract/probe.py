"""A runtime that asks the Runtime API for what it must refuse, and tells in its next reply how it was refused.

It is the same process for both sides of `test_runtime_api_differential.py`. Each event names a probe; what the probe
was answered is a list of `[status, document]`. A probe that uses its invocation up is told about by the next event,
`"report"`, or, where there can be none, in the log.
"""

import http.client
import json
import os

ADDRESS = os.environ["AWS_LAMBDA_RUNTIME_API"]
BASE = "/2018-06-01/runtime"
OVERSIZE = 6 * 1024 * 1024 + 101
MARK = "PROBE"
ERROR = b'{"errorMessage":"probe","errorType":"Probe.Error"}'


def call(method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(ADDRESS)
    connection.request(method, BASE + path, body, headers or {})
    answer = connection.getresponse()
    document = answer.read()
    connection.close()
    return answer, document


def probe(method, path, body=None, headers=None):
    """Status and document of an answer."""
    answer, document = call(method, path, body, headers)
    return [answer.status, json.loads(document) if document else None]


def main():
    results = []
    while True:
        answer, event = call("GET", "/invocation/next")
        request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
        own, other = f"/invocation/{request_id}", "/invocation/00000000-0000-0000-0000-000000000000"
        name = json.loads(event)
        if name == "wrong id":
            results = [probe("POST", f"{other}/{kind}", ERROR) for kind in ("response", "error")]
        elif name == "wrong id and bad mode":
            results = [probe("POST", f"{other}/response", b"{}", {"Lambda-Runtime-Function-Response-Mode": "odd"})]
        elif name == "init error after init":
            results = [probe("POST", "/init/error", ERROR)]
        elif name == "next again":
            again, document = call("GET", "/invocation/next")
            same_id = again.headers["Lambda-Runtime-Aws-Request-Id"] == request_id
            results = [[again.status, json.loads(document)], [same_id, None]]
        elif name == "second reply":
            results = [probe("POST", f"{own}/response", b'"first"')]
            results += [probe("POST", f"{own}/{kind}", ERROR) for kind in ("response", "error")]
            continue
        elif name == "reply after error":
            results = [probe("POST", f"{own}/error", ERROR), probe("POST", f"{own}/response", b"{}")]
            continue
        elif name == "bad mode":
            bad = {"Lambda-Runtime-Function-Response-Mode": "Streaming"}
            print(MARK, json.dumps([probe("POST", f"{own}/response", b"{}", bad)]), flush=True)
            raise SystemExit(1)  # AWS's emulator never leaves that state again
        elif name == "oversize":
            results = [probe("POST", f"{own}/response", b"x" * OVERSIZE)]
            continue
        call("POST", f"{own}/response", json.dumps(results).encode())


if __name__ == "__main__":
    main()
