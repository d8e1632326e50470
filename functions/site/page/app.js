// The page put together: a connection brings the run that was asked for, story and wire show it.

import { readCatalogue } from "./api.js";
import { besideOf } from "./beside.js";
import { connectionTo } from "./connection.js";
import { Run } from "./run.js";
import { storyIn } from "./story.js";
import { wireIn } from "./wire.js";

// What the page can be in, how it says so, and what its first button then does.
const STATES = {
  connecting: { label: "Connecting", button: "Stop" },
  streaming: { label: "Streaming", button: "Stop" },
  reconnecting: { label: "Reconnecting", button: "Stop" },
  done: { label: "The end" },
  stopped: { label: "Stopped", button: "Go on" },
  failed: { label: "Failed", button: "Try again" },
};

const at = (id) => document.getElementById(id);
const story = storyIn(at("story"), at("spoken"), at("desk"));
const wire = wireIn(at("wire"));
const beside = besideOf(wire);

let run = new Run(location.search);
let catalogue = { default: "", stories: [] }; // until it is there
let connection;
let seen; // ids of the events that were shown

function tell() {
  connection?.close();
  beside.stop();
  seen = new Set();
  story.clear();
  wire.begin(run.pauses);
  showRun();
  const url = `/api/sse${run.query}`;
  connection = connectionTo(url, {
    asked: (lastEventId) => wire.asked(url, lastEventId),
    opened: (response) => (wire.opened(response), enter("streaming")),
    received: (chunk, records) => (wire.received(chunk, records), records.forEach(hear)),
    lost: (reason, thrownAway) => (wire.lost(reason, thrownAway), enter("reconnecting")),
    over: () => leave("done", "204: nothing is left"),
    failed: (reason) => leave("failed", reason),
  });
  enter("connecting");
  connection.open();
  if (at("both").checked) beside.begin(run);
}

function hear({ isEvent, type, id, data }) {
  // A function that was cut off may send again what was there already.
  if (!isEvent || (id && seen.has(id))) return;
  seen.add(id);
  beside.streamed(id);
  if (type === "message") story.add(data);
  else if (type === "end-of-stream") leave("done", "by the page, at the end");
}

function leave(state, reason) {
  connection.close();
  story.finish();
  wire.mark("closed", reason);
  if (state !== "done") beside.stop();
  enter(state, reason);
}

function goOn() {
  enter("connecting");
  connection.open();
  if (at("both").checked) beside.goOn();
}

function enter(state, reason) {
  document.body.dataset.state = state;
  const { label, button } = STATES[state];
  at("state").textContent = state === "failed" ? `${label}: ${reason}` : label;
  // A disabled button drops the focus: hand it on first.
  if (!button && document.activeElement === at("stop")) at("again").focus();
  at("stop").disabled = !button;
  at("stop").textContent = button ?? "Stop";
  at("drop").disabled = button !== "Stop";
  allowDrop(connection.breaking && !at("drop").disabled);
  showNetwork();
}

function showNetwork() {
  if (document.body.dataset.state !== "reconnecting") return;
  at("state").textContent = navigator.onLine ? "Reconnecting" : "Offline: it goes on when the network is back";
}

function allowDrop(wanted) {
  connection.breaking = wanted;
  at("drop").ariaChecked = wanted;
}

function showRun() {
  const pace = `${run.get("min_ms")},${run.get("max_ms")}`;
  at("pace").value = pace;
  if (!at("pace").value) at("pace").add(new Option(`${run.pauses.join(" to ")} ms`, pace, true, true));
  at("seed").value = run.get("seed");
  at("command").textContent = `curl -N '${location.origin}/sse${run.query}'`;
  showStory();
}

function showStory() {
  const slug = run.get("story") || catalogue.default;
  const told = catalogue.stories.find((each) => each.slug === slug);
  const options = catalogue.stories.map((each) => new Option(each.title, each.slug));
  if (!told) options.unshift(new Option(slug || "A story", slug));
  at("slug").replaceChildren(...options);
  at("slug").value = slug;
  for (const each of [story, beside]) each.tellIn(told?.lang ?? "", told?.dir ?? "auto");
}

async function showCatalogue() {
  try {
    catalogue = await readCatalogue();
    showStory();
  } catch (error) {
    at("note").textContent = `Only this story, and no polling: the JSON API is not there (${error.message}).`;
    at("both").disabled = true;
  }
}

function choose(changes) {
  run = run.with(changes);
  history.pushState(null, "", run.addressIn(location.search));
  tell();
}

async function copy() {
  const copied = await navigator.clipboard?.writeText(at("story").textContent).then(() => true, () => false);
  if (!copied) getSelection().selectAllChildren(at("story"));
  at("copy").textContent = copied ? "Copied" : "Selected";
  setTimeout(() => (at("copy").textContent = "Copy"), 2000);
}

const on = (id, type, listener) => at(id).addEventListener(type, listener);

on("slug", "change", ({ target }) => choose({ story: target.value }));
on("pace", "change", ({ target }) => {
  const [min_ms, max_ms] = target.value.split(",");
  choose({ min_ms, max_ms });
});
on("seed", "change", ({ target }) => choose({ seed: target.value }));
on("both", "change", ({ target }) => {
  document.body.classList.toggle("both", target.checked);
  tell();
});
on("stop", "click", () => (at("stop").textContent === "Stop" ? leave("stopped", "by the reader") : goOn()));
on("again", "click", tell);
on("copy", "click", copy);
on("drop", "click", () => allowDrop(!connection.breaking));
addEventListener("online", showNetwork);
addEventListener("offline", showNetwork);
addEventListener("popstate", () => {
  run = new Run(location.search);
  tell();
});

for (const control of [at("controls"), at("again"), at("copy")]) control.disabled = false;
history.replaceState(null, "", run.addressIn(location.search));
tell();
showCatalogue();
