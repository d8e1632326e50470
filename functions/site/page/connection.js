// A stream held as an EventSource holds it: after a loss it is asked for again, with the last id that was seen
// (https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model).
//
// EventSource would do to read the story, but it hides bytes, headers, comments and raw lines, and cannot be broken.
// Unlike the spec, on purpose: a server that gave no event to five attempts in a row is given up.

import { reasonOf, typeOf } from "./api.js";
import { eventStreamParser } from "./parser.js";

const MOST_ATTEMPTS = 5;

// *heard* is told what happens, as app.js does it; over() is for 204.
export function connectionTo(url, heard) {
  let lastEventId = "";
  let leaving;
  let retryMs = 3000; // until the stream says another
  let fruitless; // attempts in a row without an event

  // One request, to its end; whether there is to be another.
  async function attempt(signal) {
    fruitless += 1;
    heard.asked(lastEventId);
    const headers = { accept: "text/event-stream", ...(lastEventId && { "last-event-id": lastEventId }) };
    // no-store: or a browser waits for the cache entry of the stream before, which has no end.
    const response = await fetch(url, { headers, signal, cache: "no-store" }).catch(() => {});
    const refusal = response && ![200, 204].includes(response.status) && (await reasonOf(response));
    if (signal.aborted) return false;
    if (!response) return lose("no answer");
    if (response.status === 204) heard.over();
    else if (refusal) heard.failed(refusal);
    else if (typeOf(response) !== "text/event-stream") heard.failed("the answer is no event stream");
    else return read(response, signal);
    return false;
  }

  async function read(response, signal) {
    heard.opened(response);
    const reader = response.body.getReader();
    const parser = eventStreamParser(lastEventId);
    for (;;) {
      const { value, done } = await reader.read().catch(() => ({}));
      if (signal.aborted) return false;
      if (!value) return lose(done ? "the server ended its reply" : "the connection broke");
      if (connection.breaking) {
        leaving.abort(); // after reader.cancel() Firefox would read on
        return lose("dropped on purpose", new TextDecoder().decode(value));
      }
      const records = parser.push(value);
      retryMs = parser.retryMs ?? retryMs;
      lastEventId = parser.lastEventId;
      if (records.some((record) => record.isEvent)) fruitless = 0;
      heard.received(value, records);
    }
  }

  function lose(reason, thrownAway) {
    connection.breaking = false;
    heard.lost(reason, thrownAway);
    return true;
  }

  const connection = {
    breaking: false, // whether to throw away the next chunk, and the connection with it
    // Ask for the events after the last one that was seen.
    async open() {
      fruitless = 0;
      let { signal } = (leaving = new AbortController());
      while (await attempt(signal)) {
        if (fruitless >= MOST_ATTEMPTS) return heard.failed("the server cannot be reached");
        ({ signal } = leaving = new AbortController());
        await wait(retryMs * 2 ** Math.max(fruitless - 1, 0), signal);
        if (signal.aborted) return;
      }
    },
    close() {
      leaving.abort();
    },
  };
  return connection;
}

function wait(milliseconds, signal) {
  return new Promise((resolve) => {
    if (navigator.onLine) setTimeout(resolve, milliseconds);
    addEventListener("online", resolve, { once: true, signal });
    signal.addEventListener("abort", resolve);
  });
}
