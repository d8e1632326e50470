// The same run by polling, beside the stream: what each costs, and how much later than the other it has an event. Both
// are asked at the same moment.

import { pollerFor } from "./api.js";
import { beforePaint, median, milliseconds, whole } from "./display.js";
import { storyIn } from "./story.js";

const at = (id) => document.getElementById(id);

// *wire* counts the stream's requests and bytes.
export function besideOf(wire) {
  const story = storyIn(at("polled"));
  let poller, requests, bytes;
  let leads; // of the stream, in milliseconds
  let single; // id to time, of an event that one side has and the other has not
  const draw = beforePaint(() => {
    show("streamed", wire.cost, leads.map((lead) => Math.max(-lead, 0)));
    show("asked", { requests, bytes }, leads.map((lead) => Math.max(lead, 0)));
  });

  function show(id, { requests, bytes }, lags) {
    const most = lags.length ? Math.max(...lags) : undefined;
    const late = `${milliseconds(median(lags))} later, at most ${milliseconds(most)}`;
    at(id).textContent = `${whole(requests)} request${requests === 1 ? "" : "s"}, ${whole(bytes)} bytes, ${late}`;
  }

  // An event has come to a side: 1 for the stream, -1 for the poller.
  function meet(id, side) {
    const now = performance.now();
    if (single.has(id)) leads.push(side * (single.get(id) - now));
    else single.set(id, now);
    draw();
  }

  function say(state) {
    at("polled-state").textContent = state;
  }

  function goOn() {
    say("Polling");
    poller.open();
  }

  return {
    goOn,
    tellIn: story.tellIn,
    begin(run) {
      requests = bytes = 0;
      leads = [];
      single = new Map();
      story.clear();
      poller = pollerFor(run, {
        asked: () => (requests += 1),
        answered(size, events) {
          bytes += size;
          for (const { id, event, data } of events) {
            meet(String(id), -1);
            if (!event) story.add(data);
          }
          draw();
        },
        done: () => say("The end"),
        failed: (reason) => say(`Failed: ${reason}`),
      });
      goOn();
    },
    stop() {
      say("Stopped");
      poller?.close();
    },
    // The stream has the event *id*.
    streamed(id) {
      if (poller) meet(id, 1);
    },
  };
}
