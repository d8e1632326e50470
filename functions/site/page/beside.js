// The same run by polling, beside the stream: what each costs, and how late its events are behind the other's. The
// clock of each begins with its first event, as its schedule does.

import { pollerFor } from "./api.js";
import { beforePaint, median, milliseconds, whole } from "./display.js";
import { storyIn } from "./story.js";

const at = (id) => document.getElementById(id);

// *wire* counts the stream's requests and bytes.
export function besideOf(wire) {
  const story = storyIn(at("polled"));
  let poller, requests, bytes, beganAt;
  let firstMs; // by side: 1 is the stream, -1 the poller
  let leads; // of the stream, in milliseconds
  let single; // id to time, of an event that one side has and the other has not
  const draw = beforePaint(() => {
    show("streamed", wire.cost, 1);
    show("asked", { requests, bytes }, -1);
  });

  function show(id, { requests, bytes }, side) {
    const lags = leads.map((lead) => Math.max(-side * lead, 0)).sort((a, b) => a - b);
    at(id).textContent = [
      `requests: ${whole(requests)}`,
      `bytes: ${whole(bytes)}`,
      `first word: ${milliseconds(firstMs[side])}`,
      `late: ${milliseconds(median(lags))}, at most ${milliseconds(lags.at(-1))}`,
    ].join("\n");
  }

  function meet(id, side) {
    const now = performance.now() - beganAt;
    firstMs[side] ??= now;
    const time = now - firstMs[side];
    if (single.has(id)) leads.push(side * (single.get(id) - time));
    else single.set(id, time);
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
      firstMs = {};
      beganAt = performance.now();
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
