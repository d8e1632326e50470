// What goes over the wire, as an instrument shows it: every event, the gaps between them, and what they add up to.

import { beforePaint, median, milliseconds, whole } from "./display.js";
import { SLOTS, plotIn } from "./plot.js";
import { tableIn } from "./table.js";

const CELLS = [
  ({ id }) => id,
  ({ type }) => type,
  ({ data }) => data,
  ({ atMs }) => (atMs / 1000).toFixed(3),
  ({ gapMs }) => (gapMs === undefined ? "" : whole(gapMs)),
];

export function wireIn(element) {
  const at = (id) => element.querySelector(`#${id}`);
  let bytes, requests, events, beganAt;
  let records, chosen; // its raw lines are shown; without one, those of the newest
  let gaps; // milliseconds; NaN for a loss
  let last; // event
  let readings; // texts by id
  const plot = plotIn(at("plot"));
  const table = tableIn(at("events"), at("rows"), CELLS, (record) => {
    chosen = record;
    draw();
  });
  const draw = beforePaint(() => {
    const shown = gaps.slice(-SLOTS);
    const told = shown.filter((gap) => gap >= 0);
    Object.assign(readings, {
      count: whole(events),
      bytes: whole(bytes),
      reconnects: whole(requests - 1),
      gap: milliseconds(told.at(-1)),
      median: milliseconds(median(told)),
      raw: (chosen ?? records.at(-1)).raw,
    });
    for (const [id, text] of Object.entries(readings)) if (at(id).textContent !== text) at(id).textContent = text;
    plot.draw(shown);
    table.draw();
  });

  function add(record) {
    record.atMs = performance.now() - beganAt;
    records.push(record);
    draw();
  }

  function measure(event) {
    if (last) gaps.push((event.gapMs = event.atMs - last.atMs));
    else readings.first = milliseconds(event.atMs);
    readings["last-id"] = event.id || "–";
    events += 1;
    last = event;
  }

  // What happened and is no event.
  function mark(type, data, raw = data) {
    add({ type, id: "", data, raw });
  }

  return {
    mark,
    get cost() {
      return { requests, bytes };
    },
    begin(pauses) {
      bytes = requests = events = 0;
      records = [];
      gaps = [];
      readings = { first: "–", "last-id": "–", environment: "–" };
      last = chosen = undefined;
      beganAt = performance.now();
      plot.begin(pauses);
      table.show(records);
    },
    asked(url, lastEventId) {
      requests += 1;
      const header = lastEventId && `last-event-id: ${lastEventId}`;
      mark("request", header, `GET ${url}\naccept: text/event-stream\n${header}`);
    },
    opened({ status, headers }) {
      readings.environment = headers.get("x-environment") ?? "–";
      const lines = [...headers].map((header) => header.join(": "));
      mark("open", `${status} ${readings.environment}`, [status, ...lines].join("\n"));
    },
    received(chunk, fresh) {
      bytes += chunk.byteLength;
      for (const record of fresh) {
        add(record);
        if (record.isEvent) measure(record);
      }
    },
    lost(reason, thrownAway) {
      gaps.push(NaN);
      mark("lost", reason, thrownAway && `Thrown away; it comes again after the reconnect:\n\n${thrownAway}`);
    },
  };
}
