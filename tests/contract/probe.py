"""A runtime that asks the Runtime and Extensions APIs for what they must refuse, and tells in its next reply how.

It is the same process for both sides of `test_runtime_api_differential.py`. Each event names a probe; what the probe
was answered is a list of `[status, document]`. A probe that uses its invocation up is told about by the next event,
`"report"`, or, where there can be none, in the log.
"""

import http.client
import json
import os

ADDRESS = os.environ["AWS_LAMBDA_RUNTIME_API"]
BASE = "/2018-06-01/runtime"
EXTENSION = "/2020-01-01/extension"
OVERSIZE = 6 * 1024 * 1024 + 101
MARK = "PROBE"
ERROR = b'{"errorMessage":"probe","errorType":"Probe.Error"}'


def call(method, path, body=None, headers=None, base=BASE):
    connection = http.client.HTTPConnection(ADDRESS)
    connection.request(method, base + path, body, headers or {})
    answer = connection.getresponse()
    document = answer.read()
    connection.close()
    return answer, document


def probe(method, path, body=None, headers=None):
    """Status and document of an answer."""
    answer, document = call(method, path, body, headers)
    return [answer.status, json.loads(document) if document else None]


def extension(method, path, body=None, **headers):
    """Status and document of what an extension is answered, without the identifiers that are new each time."""
    names = {name: "Lambda-Extension-" + name.title().replace("_", "-") for name in headers}
    headers = {names[name]: value for name, value in headers.items()}
    answer, document = call(method, path, body, headers, EXTENSION)
    identifier = answer.headers.get("Lambda-Extension-Identifier", "") or headers.get("Lambda-Extension-Identifier", "")
    text = document.decode().replace(identifier or "no identifier", "IDENTIFIER")
    return [answer.status, json.loads(text)], identifier


def extensions():
    """What internal extensions are answered before the runtime has asked for its first event."""
    answers = []

    def ask(*arguments, **headers):
        answer, identifier = extension(*arguments, **headers)
        answers.append(answer)
        return identifier

    ask("POST", "/register", "{}")
    for body in ('{"events":["START"]}', '{"events":["SHUTDOWN"]}', '{"configurationKeys":["a"]}'):
        ask("POST", "/register", body, name="refused")
    one = ask("POST", "/register", '{"events":[]}', name="one")
    ask("POST", "/register", "{}", name="one")
    two = ask("POST", "/register", "{}", name="two")
    for method, path in (("GET", "/event/next"), ("POST", "/init/error"), ("POST", "/exit/error")):
        ask(method, path, function_error_type="Extension.Probe")
        ask(method, path, function_error_type="Extension.Probe", identifier="1")
        nobody = "00000000-0000-0000-0000-000000000000"
        ask(method, path, function_error_type="Extension.Probe", identifier=nobody)
    ask("POST", "/init/error", identifier=one)
    for _ in range(2):
        ask("POST", "/init/error", identifier=one, function_error_type="Extension.Probe")
    ask("POST", "/exit/error", identifier=one, function_error_type="Extension.Probe")
    ask("GET", "/event/next", identifier=one)
    ask("POST", "/exit/error", identifier=two, function_error_type="Extension.Probe")
    ask("POST", "/init/error", identifier=two, function_error_type="Extension.Probe")
    for number in range(9):
        ask("POST", "/register", "{}", name=f"more-{number}")
    return answers


def main():
    if os.environ["_HANDLER"] == "extensions":
        print(MARK, json.dumps(extensions()), flush=True)
        raise SystemExit(1)  # the extensions of the probe ask for nothing
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
