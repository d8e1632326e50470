"""The OpenAPI document, the page that shows it, and the application away from Mangum."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

import records
from application import create_app
from docs_page import FILES, FOLDER
from stories.library import STORIES
from tests.function.api_calls import Api, running
from tests.function.test_events import load

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with running() as api:
        yield api


def test_openapi_lists_every_operation_and_promises_only_what_is_kept(api: Api) -> None:
    """A refusal is a problem; FastAPI's own 422 is never sent, so it is not promised."""
    document = api.get("/api/openapi.json").json()

    assert {path: list(methods) for path, methods in document["paths"].items()} == {
        "/api/stories": ["get"],
        "/api/stories/{slug}": ["get"],
        "/api/poll": ["get"],
        "/api/health": ["get"],
    }
    for path in document["paths"].values():
        assert set(path["get"]["responses"]) == {"200", "4XX"}
        assert list(path["get"]["responses"]["4XX"]["content"]) == ["application/problem+json"]


def test_openapi_knows_the_rules_of_each_field(api: Api) -> None:
    """Names, bounds and choices are those by which requests are judged."""
    parameters = api.get("/api/openapi.json").json()["paths"]["/api/poll"]["get"]["parameters"]
    fields = {parameter["name"]: parameter["schema"] for parameter in parameters}
    bounds = {
        name: option["maximum"]
        for name, schema in fields.items()
        for option in schema.get("anyOf", [schema])
        if option["type"] == "integer"
    }

    assert list(fields) == ["story", "min_ms", "max_ms", "seed", "after", "started"]
    assert (fields["story"]["enum"], fields["story"]["default"]) == (list(STORIES), "lighthouse")
    assert bounds == {
        "min_ms": 5000, "max_ms": 5000, "seed": 2**63 - 1, "after": 2**63 - 1, "started": 2**63 - 1,
    }  # fmt: skip
    assert all(parameter["description"] for parameter in parameters)


@pytest.mark.parametrize("path", FILES)
def test_every_file_of_the_page_is_sent_as_it_is(api: Api, path: str) -> None:
    name, media_type = FILES[path]

    answer = api.get(path)

    assert answer.body == (FOLDER / name).read_bytes()
    assert answer.headers["content-type"] == media_type
    assert {name for name, _ in FILES.values()} == {path.name for path in FOLDER.iterdir()}


class Page(HTMLParser):
    """What the content security policy of the site has a say in."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.addresses += [attributes[name] or "" for name in ("src", "href", "action") if name in attributes]
        self.inline += [name for name in attributes if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in attributes):
            self.inline.append(tag)


def test_the_page_needs_nothing_but_this_site(api: Api) -> None:
    """No inline script or style, no other host; the browser's own word on it is in tests/browser."""
    page = Page(api.get("/api/docs").body.decode())
    addresses = {urljoin("/api/docs", address) for address in page.addresses}

    assert page.inline == []
    assert addresses == {"/favicon.svg", "/api/docs/docs.css", "/api/docs/docs.js", "/api/openapi.json"}
    for path in FILES:
        assert re.findall(r"(?:https?:)?//[a-z]", re.sub(r"^\s*//.*", "", api.get(path).body.decode())) == []


def test_the_readme_polls_as_the_api_answers(api: Api) -> None:
    """Its two requests, the second when it says that it was due and a little later."""
    told = README.partition("## The JSON API")[2].partition("\n## ")[0]
    commands = re.findall(r"^\$ curl 'localhost:8080(\S+)'\n(.*)$", told, re.MULTILINE)
    (first, said_first), (second, said_second) = [(path, json.loads(said)) for path, said in commands]
    late_ms = 12

    api.now = said_first["started"]
    assert api.get(*first.split("?")).json() != said_first  # another seed by chance
    path, query = f"{first}&seed={said_first['seed']}".split("?")
    assert api.get(path, query).json() == said_first
    api.now += said_first["next_ms"] + late_ms
    assert api.get(*second.split("?")).json() == said_second


def test_the_readme_tells_every_path_and_every_metric(api: Api) -> None:
    told = README.partition("## The JSON API")[2].partition("\n## ")[0]
    paths = {*api.get("/api/openapi.json").json()["paths"], "/api/docs", "/api/openapi.json"}
    counted = set(re.findall(r'"((?:Request|Poll|Word)[A-Z]\w+)"', inspect.getsource(records)))

    assert set(re.findall(r"`(?:GET )?(/api/[a-z/{}.]+)`", told)) - {"/api/*"} == paths
    assert counted == {name for name in re.findall(r"`([A-Z][a-z]+[A-Z][a-z]+)`", told) if name != "ColdStart"}


def test_the_application_runs_under_any_asgi_server() -> None:
    """Nothing in it needs Lambda, or Mangum."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(create_app())
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get("/api/poll", params={"min_ms": 0, "max_ms": 0, "story": "snail"})

    assert asyncio.run(ask()).json()["done"] is True


@pytest.mark.parametrize(
    ("name", "path"), [("api-stories", "/api/stories"), ("api-poll", "/api/poll")], ids=lambda value: value
)
def test_event_files_are_answered(api: Api, name: str, path: str) -> None:
    event = load(name)

    assert event["rawPath"] == path
    assert api.answer(event).status == 200
