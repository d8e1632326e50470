"""The page's own reader of event streams, beside the browser's EventSource: the same bytes, the same events."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.fake_site import FakeSite

pytestmark = pytest.mark.browser

# The browser reads the whole body at once; the page gets it in pieces of 1, 2, 3 bytes and so on, each a chunk.
COMPARE = """async ([path, body]) => {
  const {eventStreamParser} = await import(path);
  const bytes = new TextEncoder().encode(body);
  const readings = [1, 2, 3, 7, bytes.length].map((size) => {
    const parser = eventStreamParser("");
    const records = [];
    for (let at = 0; at < bytes.length; at += size) records.push(...parser.push(bytes.slice(at, at + size)));
    return records.filter(({isEvent}) => isEvent).map(({type, id, data}) => [type, id, data]);
  });
  return readings;
}"""
LISTEN = """() => new Promise((resolve) => {
  const heard = [];
  const source = new EventSource("/api/sse?by=browser");
  const note = ({type, lastEventId, data}) => heard.push([type, lastEventId, data]);
  for (const type of ["message", "named", "end-of-stream"]) source.addEventListener(type, note);
  source.onerror = () => { source.close(); resolve(heard); };
})"""
BODIES = [
    "id: 1\ndata: Once\n\nid: 2\nevent: named\ndata: upon\n\n",
    "data: CRLF\r\n\r\ndata: CR\r\rdata: LF\n\n",
    "data: mixed\r\ndata: ends\rdata: here\n\r\n",
    "\ufeffdata: after a byte order mark\n\n",
    "data\n\ndata:\n\ndata: \n\ndata:  two spaces\n\n",
    "data: a\ndata\ndata: b\n\n",
    "id: 7\n\ndata: with the id of a block without data\n\n",
    "id: 7\ndata: x\n\nid\ndata: an empty id\n\n",
    "id: 7\ndata: x\n\nid: a\0b\ndata: an id with NUL is ignored\n\n",
    "event: named\n\ndata: the type does not outlive its block\n\n",
    ": a comment\ndata: x\n:another\n\n",
    "unknown: y\ndata: x\nno colon\n: \n\n",
    "data: שלום 📮 👩‍👩‍👧‍👦 \u2028 \x0b \x85\n\n",
    "data: not complete\n",
    "retry: 5\nretry: 1x\nretry:\ndata: x\n\n",
]


def test_the_same_events_as_the_browser(page: Page, site: FakeSite) -> None:
    """However the bytes are cut."""
    page.goto(site.url)
    site.stream().open()
    for body in BODIES:
        page.evaluate(f"() => {{ window.heard = ({LISTEN})(); }}")
        browser = site.stream()
        browser.open()
        browser.send(body)
        browser.finish()
        heard = page.evaluate("window.heard")

        assert page.evaluate(COMPARE, ["/parser.js", body]) == [heard] * 5, body
