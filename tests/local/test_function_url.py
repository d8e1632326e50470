"""A function URL as an ASGI app: what a viewer gets for what a function does, in both invoke modes."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from local.asgi import ORIGIN_ACCESS_CONTROL
from local.config import Behavior, Cors, Distribution, Function, FunctionUrl, Origin, Permission
from local.dispatcher import Dispatcher
from local.edge.edge import Edge
from local.function_access import CLOUDFRONT, Access
from local.function_url import request_rate
from local.function_url.endpoint import MAX_REQUEST_BYTES, FunctionUrlApp
from local.function_url.request_rate import RequestRate
from local.invocation import HIGH_WATER_BYTES, Failure, Invocation
from local.reports import Reports, RequestReport
from local.wire.prelude import CONTENT_TYPE
from tests.local.asgi_viewer import Answer, ask
from tests.local.fakes.environment import a_function
from tests.local.fakes.local_lambda import Gate, local_lambda
from tests.local.fakes.raw_worker import until
from tests.local.fakes.viewer import Script, ScriptedDispatcher, live_viewer

pytestmark = pytest.mark.anyio

DOMAIN = "abc123.lambda-url.eu-west-1.localhost"
FAILURE = Failure.of("Function.Bad", "it went wrong")
PRELUDE = b'{"statusCode":201,"headers":{"Content-Type":"text/event-stream","Content-Length":"9"},"cookies":["a=1"]}'


ARN = "arn:aws:cloudfront::123456789012:distribution/E1"
PUBLIC = (Permission("lambda:InvokeFunctionUrl", "*"), Permission("lambda:InvokeFunction", "*"))
EDGE_ONLY = (
    Permission("lambda:InvokeFunctionUrl", CLOUDFRONT, source_arn=ARN),
    Permission("lambda:InvokeFunction", CLOUDFRONT, source_arn=ARN),
)


def url(
    script: Script | None, *, mode: str = "RESPONSE_STREAM", auth: str = "NONE", cors: Cors | None = None
) -> FunctionUrlApp:
    """The URL of a function that follows *script*; its dispatcher is at `app.scripted`."""
    permissions = PUBLIC if auth == "NONE" else EDGE_ONLY
    function = a_function(url=FunctionUrl("abc123", DOMAIN, auth, mode, cors), permissions=permissions)
    return app_of(function, ScriptedDispatcher(script), [])  # type: ignore[arg-type]


def app_of(function: Function, dispatcher: Dispatcher, lines: list[str]) -> FunctionUrlApp:
    """The endpoint of *function*; what it says goes to *lines*."""
    access = Access(function, "eu-west-1", {"local": "local"})
    return FunctionUrlApp(access, dispatcher, Reports(lines.append), account_id="123456789012")


def scripted(app: FunctionUrlApp) -> ScriptedDispatcher:
    return app._dispatcher  # type: ignore[return-value]


def replying(*pieces: bytes, content_type: str = CONTENT_TYPE, failure: Failure | None = None) -> Script:
    """A function that sends *pieces* and ends, with *failure* if there is one."""

    async def script(invocation: Invocation) -> None:
        invocation.begin_reply(content_type)
        for piece in pieces:
            invocation.reply.write(piece)
        invocation.end_reply(failure)

    return script


async def failing(invocation: Invocation) -> None:
    invocation.end_reply(FAILURE)


def ids(app: FunctionUrlApp) -> list[tuple[bytes, bytes]]:
    invocation = scripted(app).invocations[-1]
    return [(b"x-amzn-requestid", invocation.request_id.encode()), (b"x-amzn-trace-id", invocation.trace_id.encode())]


def bad_gateway(app: FunctionUrlApp) -> Answer:
    headers = [(b"content-type", b"application/json"), ids(app)[0], (b"content-length", b"21")]
    return Answer(502, headers, [b"Internal Server Error"], whole=True)


async def test_a_streamed_reply_is_what_its_prelude_says_and_every_chunk_as_it_comes() -> None:
    go = asyncio.Event()

    async def script(invocation: Invocation) -> None:
        invocation.begin_reply(CONTENT_TYPE)
        invocation.reply.write(PRELUDE)
        invocation.reply.write(bytes(8) + b"one")
        await go.wait()
        invocation.reply.write(b"two")
        invocation.end_reply()

    app = url(script)
    async with live_viewer(app) as viewer:
        assert await viewer.chunks(1) == [b"one"]
        assert viewer.answer.status == 201
        assert viewer.answer.headers == [
            (b"content-type", b"text/event-stream"),
            (b"x-amzn-remapped-content-length", b"9"),
            (b"set-cookie", b"a=1"),
            *ids(app),
        ]
        assert not viewer.answer.whole

        go.set()
        await viewer.done

        assert (viewer.answer.chunks, viewer.answer.whole) == ([b"one", b"two"], True)


async def test_status_and_headers_go_out_before_the_first_byte_of_the_body() -> None:
    async def script(invocation: Invocation) -> None:
        invocation.begin_reply(CONTENT_TYPE)
        invocation.reply.write(PRELUDE + bytes(8))
        await asyncio.Event().wait()

    async with live_viewer(url(script)) as viewer:
        await until(lambda: viewer.answer.status)
        assert (viewer.answer.status, viewer.answer.chunks) == (201, [])


@pytest.mark.parametrize(
    ("content_type", "told"), [("application/json", b"application/json"), ("", b"application/octet-stream")]
)
async def test_a_reply_without_a_prelude_is_streamed_as_a_200(content_type: str, told: bytes) -> None:
    """So a buffered function behind a streaming URL shows its raw JSON, as on AWS."""
    app = url(replying(b'{"statusCode":', b"404}", content_type=content_type))

    answer = await ask(app, "GET", "/")

    assert answer == Answer(200, [(b"content-type", told), *ids(app)], [b'{"statusCode":404}'], whole=True)


@pytest.mark.parametrize(
    ("content_type", "body", "told"),
    [
        ("application/json", b'{"headers":{},"statusCode":404}', True),
        ("application/octet-stream", b'{"statusCode":404}', True),
        ("application/json", b'{"status":404}', False),
        ("application/json", b'["statusCode"]', False),
        ("application/octet-stream", b'{"statusCode":404', False),
        ("application/octet-stream", b"", False),
        (CONTENT_TYPE, b'{"statusCode":404}' + bytes(8) + b'{"statusCode":404}', False),
    ],
)
async def test_a_document_that_only_a_buffering_url_takes_apart_is_told_of(
    content_type: str, body: bytes, told: bool
) -> None:
    """The viewer gets it as it is, and the line about the request says what to do."""

    async def script(invocation: Invocation) -> None:
        invocation.reply.write(body)
        invocation.begin_reply(content_type)
        invocation.end_reply()

    app, report = url(script), RequestReport("GET", "/", "")
    async with live_viewer(app, **{"local.report": report}) as viewer:  # type: ignore[arg-type]
        await viewer.done

    assert viewer.answer.body == body.rpartition(bytes(8))[2]
    assert report.note == (
        "the reply is a document with a statusCode, which a URL that streams passes on as it is: "
        "stream, or set InvokeMode of the URL to BUFFERED"
        if told
        else ""
    )


async def test_an_empty_body_behind_a_prelude_ends_cleanly() -> None:
    answer = await ask(url(replying(PRELUDE + bytes(8))), "GET", "/")

    assert (answer.status, answer.chunks, answer.whole) == (201, [], True)


@pytest.mark.parametrize(("method", "status"), [("GET", 204), ("GET", 304), ("HEAD", 200)])
@pytest.mark.parametrize("mode", ["RESPONSE_STREAM", "BUFFERED"])
async def test_some_responses_have_no_body_whatever_the_function_sends(method: str, status: int, mode: str) -> None:
    head = b'{"statusCode":%d' % status
    streamed = replying(head + b"}" + bytes(8), b"a body", b"and more")
    buffered = replying(head + b',"body":"a body"}', content_type="application/json")

    answer = await ask(url(streamed if mode == "RESPONSE_STREAM" else buffered, mode=mode), method, "/")

    assert (answer.status, answer.chunks, answer.whole) == (status, [], True)


async def test_a_reply_without_any_bytes_where_a_prelude_should_be_is_an_empty_200() -> None:
    """As it was seen on AWS; the line about the request says what is lost."""
    app, report = url(replying()), RequestReport("GET", "/", "")
    async with live_viewer(app, **{"local.report": report}) as viewer:  # type: ignore[arg-type]
        await viewer.done

    assert (viewer.answer.status, viewer.answer.body, viewer.answer.whole) == (200, b"", True)
    assert viewer.answer.header("content-type") == "application/octet-stream"
    assert report.note.endswith("status and headers are lost")


async def test_a_buffered_reply_is_taken_whole() -> None:
    """Chunk borders mean nothing there, and a response is there only when the function has ended."""
    app = url(replying(b'{"statusCode":404,"bo', b'dy":"no","headers":{"X-A":"1"}}'), mode="BUFFERED")

    answer = await ask(app, "GET", "/")

    headers = [(b"x-a", b"1"), (b"content-type", b"application/json"), (b"content-length", b"2"), *ids(app)]
    assert answer == Answer(404, headers, [b"no"], whole=True)
    assert not scripted(app).invocations[0].streamed


async def test_a_buffered_reply_has_the_length_of_its_body_whatever_the_function_says() -> None:
    """Difference 4: the function's own is renamed, so that it cannot cut the body or leave the viewer waiting."""
    reply = b'{"statusCode":200,"body":"caf\xc3\xa9","headers":{"content-length":"99"}}'
    app = url(replying(reply, content_type="application/json"), mode="BUFFERED")

    headers = (await ask(app, "GET", "/")).headers

    lengths = [field for field in headers if b"content-length" in field[0]]
    assert lengths == [(b"x-amzn-remapped-content-length", b"99"), (b"content-length", b"5")]


async def test_the_function_gets_the_request_as_its_event() -> None:
    seen: list[Invocation] = []

    async def script(invocation: Invocation) -> None:
        seen.append(invocation)
        await replying(b"{}", content_type="application/json")(invocation)

    await ask(url(script), "POST", "/caf%C3%A9?a=1&a=2", headers=[(b"content-type", b"text/plain")], body="ü".encode())

    (invocation,) = seen
    event = json.loads(invocation.event)
    assert event["rawPath"] == "/caf%C3%A9"
    forwarded = {name: value for name, value in event["headers"].items() if name.startswith("x-forwarded-")}
    assert set(forwarded) == {"x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}
    assert forwarded["x-forwarded-proto"] == "http"
    assert event["queryStringParameters"] == {"a": "1,2"}
    assert (event["body"], event["isBase64Encoded"]) == ("ü", False)
    assert event["requestContext"]["requestId"] == invocation.request_id
    assert event["requestContext"]["domainName"] == DOMAIN
    assert event["requestContext"]["http"] == {
        "method": "POST",
        "path": "/caf%C3%A9",
        "protocol": "HTTP/1.1",
        "sourceIp": "192.0.2.7",
        "userAgent": "",
    }
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Sampled=0", invocation.trace_id)
    assert event["headers"]["x-amzn-trace-id"] == invocation.trace_id


@pytest.mark.parametrize("sent", ["Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", "not\xffone", ""])
async def test_a_trace_goes_on_or_begins_here(sent: str) -> None:
    """The same in the event, at the runtime and in the response: the viewer's own where it brought one."""
    app = url(replying(b"{}", content_type="application/json"))

    answer = await ask(app, "GET", "/", headers=[(b"x-amzn-trace-id", sent.encode("latin-1"))] if sent else [])

    (invocation,) = scripted(app).invocations
    told = json.loads(invocation.event)["headers"]["x-amzn-trace-id"]
    assert told == invocation.trace_id == answer.header("x-amzn-trace-id")
    assert (told == sent) is sent.startswith("Root=")


async def test_a_body_in_parts_is_collected_and_one_that_is_too_large_is_refused() -> None:
    app = url(replying(b"{}", content_type="application/json"))
    async with live_viewer(app, "POST", uploads=True) as viewer:
        viewer.upload(b"one", more=True)
        viewer.upload(b"two")
        await viewer.done
    event = json.loads(scripted(app).invocations[0].event)
    assert event["body"] == "b25ldHdv"

    async with live_viewer(app, "POST", uploads=True) as viewer:
        viewer.upload(bytes(MAX_REQUEST_BYTES), more=True)
        viewer.upload(b"x", more=True)
        await viewer.done
        assert viewer.answer.status == 413
        assert json.loads(viewer.answer.body) == {"message": "Request must be smaller than 6291456 bytes"}
    assert len(scripted(app).invocations) == 1


async def test_a_viewer_who_leaves_while_it_uploads_invokes_nothing() -> None:
    app = url(replying(b"{}"))
    async with live_viewer(app, "POST", uploads=True) as viewer:
        viewer.upload(b"half of", more=True)
        viewer.leave()
        await viewer.done

        assert (viewer.taken, scripted(app).invocations) == (0, [])


async def test_an_unsigned_request_to_a_url_with_iam_is_forbidden() -> None:
    app = url(replying(b"{}"), auth="AWS_IAM")

    answer = await ask(app, "GET", "/")

    assert (answer.status, answer.header("x-amzn-errortype")) == (403, "AccessDeniedException")
    assert json.loads(answer.body)["Message"].startswith("Forbidden")
    assert scripted(app).invocations == []


async def test_the_edges_own_requests_pass_with_iam() -> None:
    app = url(replying(b"{}", content_type="application/json"), auth="AWS_IAM")
    extensions = {ORIGIN_ACCESS_CONTROL: {"source_arn": ARN}}

    async with live_viewer(app, extensions=extensions) as viewer:
        await viewer.done
        assert (viewer.answer.status, viewer.answer.body) == (200, b"{}")


async def test_a_distribution_without_permission_is_forbidden() -> None:
    """The viewer is told no more than that, the line of the request why."""
    app, report = url(replying(b"{}"), auth="AWS_IAM"), RequestReport("GET", "/", DOMAIN)
    scope = {"extensions": {ORIGIN_ACCESS_CONTROL: {"source_arn": ARN + "2"}}, "local.report": report}

    async with live_viewer(app, **scope) as viewer:  # type: ignore[arg-type]
        await viewer.done
        assert viewer.answer.status == 403
        assert b"permission of" not in viewer.answer.body
    assert report.note.startswith("no permission of")
    assert scripted(app).invocations == []


async def test_a_preflight_is_answered_without_the_function() -> None:
    app = url(replying(b"{}"), cors=Cors(allow_origins=("https://a.example",), allow_methods=("GET",)))
    asks = [(b"origin", b"https://a.example"), (b"access-control-request-method", b"GET")]

    answer = await ask(app, "OPTIONS", "/", headers=asks)

    assert (answer.status, answer.body) == (200, b"")
    assert answer.header("access-control-allow-origin") == "https://a.example"
    assert answer.header("access-control-allow-methods") == "GET"
    assert scripted(app).invocations == []


async def test_without_cors_an_options_request_is_the_functions() -> None:
    app = url(replying(PRELUDE + b"\0" * 8))

    answer = await ask(app, "OPTIONS", "/", headers=[(b"origin", b"x"), (b"access-control-request-method", b"GET")])

    assert answer.status == 201


async def test_configured_cors_headers_are_added_to_the_functions_response() -> None:
    app = url(replying(PRELUDE + b"\0" * 8), cors=Cors(allow_origins=("*",)))

    answer = await ask(app, "GET", "/", headers=[(b"origin", b"https://a.example")])

    assert answer.header("access-control-allow-origin") == "*"


async def test_the_functions_own_cors_header_is_passed_on_too_and_warned_about() -> None:
    prelude = b'{"statusCode":200,"headers":{"Access-Control-Allow-Origin":"*"}}' + b"\0" * 8
    lines: list[str] = []
    function = a_function(
        url=FunctionUrl("abc123", DOMAIN, "NONE", "RESPONSE_STREAM", Cors(allow_origins=("*",))), permissions=PUBLIC
    )
    app = app_of(function, ScriptedDispatcher(replying(prelude)), lines)  # type: ignore[arg-type]

    answer = await ask(app, "GET", "/", headers=[(b"origin", b"https://a.example")])

    assert [value for name, value in answer.headers if name == b"access-control-allow-origin"] == [b"*", b"*"]
    assert lines == ["Worker  sets access-control-allow-origin, and so does its URL's Cors: browsers refuse that"]


async def test_past_the_reserved_concurrency_of_a_real_function_is_a_429(tmp_path: Path) -> None:
    """Nothing waits in a queue, and there is room again when the first has ended; a reservation of 0 turns it off."""
    gate = Gate(tmp_path)
    function = scripted_worker(tmp_path, ["send", "one"], ["wait", gate.path])
    one = replace(function, reserved_concurrency=1)
    off = replace(function, logical_id="Off", name="off", arn=f"{function.arn}-off", reserved_concurrency=0)
    async with local_lambda(one, off, folder=tmp_path) as cloud:
        app = app_of(one, cloud.dispatcher, [])
        async with live_viewer(app) as first:
            assert await first.chunks(1) == [b"one"]
            assert (await ask(app, "GET", "/")).status == 429
            gate.open()
            await first.done
        assert (first.answer.status, first.answer.whole) == (200, True)
        await until(lambda: cloud.log("REPORT"))
        gate.open()  # for the next one
        answer = await ask(app, "GET", "/")
        assert (answer.status, answer.body) == (200, b"one")
        assert (await ask(app_of(off, cloud.dispatcher, []), "GET", "/")).status == 429
    gate.close()


async def test_the_timeout_of_a_real_function_is_a_502_before_its_first_byte_and_a_cut_after_it(tmp_path: Path) -> None:
    for name in ("silent", "talking"):
        (tmp_path / name).mkdir()
    silent = replace(scripted_worker(tmp_path / "silent", ["hang"]), timeout_seconds=1)
    talking = replace(scripted_worker(tmp_path / "talking", ["send", "one"], ["hang"]), timeout_seconds=1)
    talking = replace(talking, logical_id="Talking", name="talking", arn=f"{silent.arn}-talking")
    async with local_lambda(silent, talking, folder=tmp_path) as cloud:
        answers = await asyncio.gather(
            *(ask(app_of(function, cloud.dispatcher, []), "GET", "/") for function in (silent, talking))
        )

    before, after = answers
    assert (before.status, before.body, before.whole) == (502, b"Internal Server Error", True)
    assert (after.status, after.body, after.whole) == (200, b"one", False)


async def test_a_throttled_request_is_a_429() -> None:
    """Its line says which limit that is, and nothing of an environment: none had it."""
    app, report = url(None), RequestReport("GET", "/", DOMAIN)
    async with live_viewer(app, **{"local.report": report}) as viewer:  # type: ignore[arg-type]
        await viewer.done

    assert (report.note, report.cold_start) == ("ReservedFunctionConcurrentInvocationLimitExceeded", None)
    assert viewer.answer.status == 429
    assert json.loads(viewer.answer.body) == {
        "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
        "Type": "User",
        "message": "Rate Exceeded.",
    }


@pytest.mark.parametrize(
    ("mode", "script", "note"),
    [
        ("RESPONSE_STREAM", failing, "Function.Bad"),
        ("BUFFERED", failing, "Function.Bad"),
        ("RESPONSE_STREAM", replying(b"{}", failure=FAILURE), "Function.Bad"),
        ("BUFFERED", replying(b'{"statusCode":200', failure=FAILURE), "Function.Bad"),
        (
            "RESPONSE_STREAM",
            replying(b"{}"),
            "the reply ended after 2 bytes without a prelude delimiter (8 NUL bytes)",
        ),
        ("RESPONSE_STREAM", replying(b"[]" + bytes(8)), "the prelude is a JSON list, not an object"),
        (
            "RESPONSE_STREAM",
            replying(b" " * 20_000),
            "no prelude delimiter (8 NUL bytes) within the first 16384 bytes of the reply",
        ),
        ("BUFFERED", replying(b""), "the reply is not JSON: Expecting value: line 1 column 1 (char 0)"),
        ("BUFFERED", replying(b'{"statusCode":99}'), "statusCode 99 is not from 200 to 599"),
        (
            "BUFFERED",
            replying(PRELUDE + bytes(8) + b"x"),
            "the function streams and its URL buffers: set InvokeMode of the URL to RESPONSE_STREAM",
        ),
    ],
)
async def test_a_function_that_fails_or_makes_no_sense_is_a_502(mode: str, script: Script, note: str) -> None:
    """Its viewer learns nothing more; the line about the request says why."""
    app, report = url(script, mode=mode), RequestReport("GET", "/", DOMAIN)

    async with live_viewer(app, **{"local.report": report}) as viewer:
        await viewer.done

        assert viewer.answer == bad_gateway(app)
    assert report.note == note


async def test_what_makes_no_sense_does_not_stop_the_function_nor_count_as_a_viewer_who_left() -> None:
    go = asyncio.Event()

    async def script(invocation: Invocation) -> None:
        invocation.begin_reply(CONTENT_TYPE)
        invocation.reply.write(b"[]" + bytes(8))
        await go.wait()
        invocation.reply.write(bytes(HIGH_WATER_BYTES))

    app = url(script)
    async with live_viewer(app) as viewer:
        await viewer.done
        (invocation,) = scripted(app).invocations
        go.set()
        await invocation.completed.wait()

        assert viewer.answer == bad_gateway(app)
        assert (invocation.reply.full, invocation.timings.caller_left) == (False, None)


async def test_a_reply_that_is_cut_after_its_first_byte_has_no_clean_end() -> None:
    app, report = url(replying(PRELUDE + bytes(8) + b"one", failure=FAILURE)), RequestReport("GET", "/", DOMAIN)

    async with live_viewer(app, **{"local.report": report}) as viewer:
        await viewer.done

        assert (viewer.answer.status, viewer.answer.chunks, viewer.answer.whole) == (201, [b"one"], False)
    assert report.note == "Function.Bad"


async def test_the_line_about_the_request_knows_function_invocation_and_start() -> None:
    app = url(replying(b"{}", content_type="application/json"))
    for cold in (True, False):
        report = RequestReport("GET", "/", DOMAIN)
        async with live_viewer(app, **{"local.report": report}) as viewer:
            await viewer.done
        assert (report.function, report.cold_start, report.note) == ("Worker", cold, "")
        assert report.request_id == scripted(app).invocations[-1].request_id


async def test_a_viewer_who_leaves_in_the_middle_does_not_stop_the_function() -> None:
    go = asyncio.Event()

    async def script(invocation: Invocation) -> None:
        invocation.begin_reply("text/plain")
        invocation.reply.write(b"one")
        await go.wait()
        invocation.reply.write(bytes(2 * HIGH_WATER_BYTES))
        invocation.end_reply()

    app = url(script)
    async with live_viewer(app) as viewer:
        await viewer.chunks(1)
        viewer.leave()
        await viewer.done

        (invocation,) = scripted(app).invocations
        assert invocation.timings.caller_left is not None
        assert (viewer.answer.chunks, viewer.answer.whole) == ([b"one"], False)
        go.set()
        await invocation.completed.wait()
        assert (invocation.reply.full, invocation.reply.total_bytes) == (False, 3 + 2 * HIGH_WATER_BYTES)


@pytest.mark.parametrize("mode", ["RESPONSE_STREAM", "BUFFERED"])
@pytest.mark.parametrize("when", ["before the first byte", "before the end of the prelude"])
async def test_a_viewer_who_leaves_before_there_is_an_answer_gets_none(mode: str, when: str) -> None:
    """The request is over then, the invocation is not."""
    go = asyncio.Event()

    async def script(invocation: Invocation) -> None:
        if when == "before the end of the prelude":
            invocation.begin_reply(CONTENT_TYPE)
            invocation.reply.write(b"{")
        await go.wait()
        invocation.end_reply(FAILURE)

    app = url(script, mode=mode)
    async with live_viewer(app) as viewer:
        await until(lambda: scripted(app).invocations)
        await asyncio.sleep(0)
        viewer.leave()
        await viewer.done

        (invocation,) = scripted(app).invocations
        assert (viewer.taken, invocation.completed.is_set()) == (0, False)
        go.set()
        await invocation.completed.wait()


async def test_a_viewer_who_does_not_read_fills_the_one_buffer_and_no_other() -> None:
    """What a blocked `send` holds is one piece; behind it the full buffer stops the function."""
    pieces = 10

    async def script(invocation: Invocation) -> None:
        drained = asyncio.Event()
        invocation.reply.on_drained = drained.set
        invocation.begin_reply("text/plain")
        for _ in range(pieces):
            drained.clear()
            invocation.reply.write(bytes(HIGH_WATER_BYTES))
            await drained.wait()
        invocation.end_reply()

    app = url(script)
    async with live_viewer(app) as viewer:
        await viewer.chunks(2)
        viewer.reads.clear()
        for _ in range(50):
            await asyncio.sleep(0)
        (invocation,) = scripted(app).invocations
        assert invocation.reply.total_bytes == len(viewer.answer.body) + 2 * HIGH_WATER_BYTES
        assert invocation.reply.full

        viewer.reads.set()
        await viewer.done

        assert (len(viewer.answer.body), viewer.answer.whole) == (pieces * HIGH_WATER_BYTES, True)


def test_ten_requests_a_second_for_each_reserved_environment() -> None:
    """Those that are refused do not count."""
    now = 100.0
    rate = RequestRate(2, lambda: now)

    assert [rate.take() for _ in range(25)] == [True] * 20 + [False] * 5
    now += 0.5
    assert not rate.take()
    now += 0.5
    assert [rate.take() for _ in range(21)] == [True] * 20 + [False]


@pytest.mark.parametrize("reserved", [None, 0])
def test_without_a_reserved_environment_there_is_no_rate(reserved: int | None) -> None:
    """A concurrency of 0 is refused by another limit."""
    rate = RequestRate(reserved)
    assert all(rate.take() for _ in range(1000))


async def test_more_requests_than_that_are_throttled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_rate, "REQUESTS_PER_ENVIRONMENT", 1)
    function = a_function(url=FunctionUrl("abc123", DOMAIN), permissions=PUBLIC, reserved_concurrency=2)
    dispatcher = ScriptedDispatcher(replying(b'"well"'))
    app = app_of(function, dispatcher, [])  # type: ignore[arg-type]
    app._rate = RequestRate(2, lambda: 0.0)

    answers = [await ask(app, "GET", "/") for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]
    reason = "ReservedFunctionInvocationRateLimitExceeded"
    assert json.loads(answers[2].body) == {"Reason": reason, "Type": "User", "message": "Rate Exceeded."}
    assert len(dispatcher.invocations) == 2


async def test_an_edge_that_gives_up_waiting_leaves_the_function_running() -> None:
    go = asyncio.Event()

    async def script(invocation: Invocation) -> None:
        invocation.begin_reply("text/plain")
        invocation.reply.write(b"one")
        await go.wait()
        invocation.reply.write(bytes(HIGH_WATER_BYTES))

    app = url(script)
    async with live_viewer(app) as viewer:
        await viewer.chunks(1)
        viewer.done.cancel()
        await asyncio.wait([viewer.done])

        (invocation,) = scripted(app).invocations
        assert invocation.timings.caller_left is not None
        go.set()
        await invocation.completed.wait()
        assert not invocation.reply.full


async def test_the_report_says_at_which_event_the_viewer_left() -> None:
    go = asyncio.Event()

    async def script(invocation: Invocation) -> None:
        invocation.begin_reply("text/event-stream")
        for piece in (b"retry: 1000\n\ndata: one\n\nda", b"ta: two\n\n", b"data: th"):
            invocation.reply.write(piece)
        await go.wait()

    report = RequestReport("GET", "/", DOMAIN)
    app = url(script)
    async with live_viewer(app, **{"local.report": report}) as viewer:
        await viewer.chunks(1)
        viewer.leave()
        await viewer.done
        go.set()

    (invocation,) = scripted(app).invocations
    assert (report.left, invocation.abandoned) == ("at event 3", "its viewer had left at event 3")


async def test_a_server_that_cannot_send_leaves_the_function_running() -> None:
    app = url(replying(bytes(HIGH_WATER_BYTES), content_type="text/plain"))
    async with live_viewer(app) as viewer:
        viewer.broken = OSError("gone")
        with pytest.raises(OSError, match="^gone$"):
            await viewer.done

        (invocation,) = scripted(app).invocations
        assert (invocation.reply.full, invocation.timings.caller_left is None) == (False, False)


def scripted_worker(folder: Path, *steps: list[str]) -> Function:
    """A public function that takes the same *steps* for every event: that of a URL is not a list of steps."""
    bootstrap = folder / "bootstrap"
    worker = a_function().code / "worker.py"
    bootstrap.write_text(f"#!/bin/sh\nexec python3 -S {worker} '{json.dumps(steps)}'\n")
    bootstrap.chmod(0o755)
    url = FunctionUrl("abc123", DOMAIN, "NONE", "RESPONSE_STREAM")
    return a_function(url=url, code=folder, permissions=PUBLIC)


async def test_with_a_real_function_the_log_says_how_long_it_ran_on(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    function = scripted_worker(tmp_path, ["send", "one"], ["wait", gate.path], ["send", "two"])

    async with local_lambda(function, folder=tmp_path) as cloud:
        app = app_of(function, cloud.dispatcher, cloud.lines)
        async with live_viewer(app) as viewer:
            assert await viewer.chunks(1) == [b"one"]
            viewer.leave()
            await viewer.done
            assert not cloud.log("REPORT")
            gate.open()
            await until(lambda: cloud.log("ran on"))

        assert re.fullmatch(r"Worker  REPORT .* MB\tInit Duration: \d+\.\d\d ms\t", cloud.lines[-2])
        assert re.fullmatch(
            r"Worker  ran on for \d+\.\d\d s after its viewer had left at byte 3; billed on AWS: .*", cloud.lines[-1]
        )
    gate.close()


async def test_an_edge_that_asks_again_pays_for_two_invocations(tmp_path: Path) -> None:
    """The function of each attempt runs on when the edge has given it up, and the log says so."""
    gate = Gate(tmp_path)
    function = scripted_worker(tmp_path, ["wait", gate.path], ["send", "late"])
    origin = Origin("story", DOMAIN, response_timeout_seconds=0.2, attempts=2)  # type: ignore[arg-type]
    distribution = Distribution("D", ARN, "localhost", origins=(origin,), behaviors=(Behavior("*", "story"),))

    async with local_lambda(function, folder=tmp_path) as cloud:
        edge = Edge(distribution, {"story": app_of(function, cloud.dispatcher, cloud.lines)}, note=cloud.lines.append)
        assert (await ask(edge, "GET", "/")).status == 504
        assert [line for line in cloud.lines if "the edge asks it again" in line]
        for _ in range(2):
            gate.open()
        await until(lambda: len(cloud.log("ran on")) == 2)

        pattern = r"ran on for \d+\.\d\d s after the edge had given it up before the first byte; billed on AWS: .*"
        assert all(re.fullmatch(pattern, line) for line in cloud.log("ran on"))
        assert len(cloud.log("REPORT")) == 2
    gate.close()
