// The page's one job: open the stream, append each word as it arrives, say how it stands.
// EventSource does the hard part: it reconnects by itself and sends the last id it saw, so the function can resume
// (https://html.spec.whatwg.org/multipage/server-sent-events.html).

// What the page can be in, what it calls that, and where it may go from there.
const STATES = {
  silent: { label: "", next: ["connecting"] }, // as index.html is, until this script has run
  connecting: { label: "Connecting", next: ["streaming", "reconnecting", "stopped", "failed"] },
  streaming: { label: "Streaming", next: ["done", "reconnecting", "stopped", "failed", "connecting"] },
  reconnecting: { label: "Reconnecting", next: ["streaming", "stopped", "failed", "connecting"] },
  done: { label: "The end", next: ["connecting"] },
  stopped: { label: "Stopped", next: ["connecting"] },
  failed: { label: "Failed: the server refused the stream", next: ["connecting"] },
};
const PASSED_ON = ["story", "seed", "min_ms", "max_ms"];
const SENTENCE_END = /[.!?…。！？]["'”’“»)\]]*$/u;
const MS_PER_PIXEL = 40;
const WIDEST_GAP_MS = 4000;
const MOST_STROKES = 400;
const SPARE_PIXELS = 16;

const at = (id) => document.getElementById(id);
const page = document.body;
const story = at("story");

let source; // the EventSource of this telling
let seen; // ids of the events that were shown
let sentence; // words that were shown and not yet spoken
let startedAt;
let lastWordAt;

function tell() {
  source?.close();
  seen = new Set();
  sentence = [];
  startedAt = performance.now();
  lastWordAt = undefined;
  story.replaceChildren();
  story.classList.remove("latin");
  at("tape").replaceChildren();
  at("spoken").textContent = "";
  at("words").textContent = "0";
  for (const id of ["last-id", "first", "pause"]) at(id).textContent = "–";
  enter("connecting");
  source = new EventSource(`/api/sse${query()}`);
  source.addEventListener("open", () => enter("streaming"));
  source.addEventListener("message", receive);
  source.addEventListener("end-of-stream", finish);
  source.addEventListener("error", lose);
}

function query() {
  const asked = [...new URLSearchParams(location.search)].filter(([name]) => PASSED_ON.includes(name));
  return asked.length ? `?${new URLSearchParams(asked)}` : "";
}

function enter(state) {
  const before = page.dataset.state;
  if (state === before) return;
  if (!STATES[before].next.includes(state)) throw new Error(`The page cannot go from ${before} to ${state}`);
  page.dataset.state = state;
  at("state").textContent = STATES[state].label;
  allowStop(STATES[state].next.includes("stopped"));
}

function allowStop(allowed) {
  // A button that is disabled drops the keyboard's focus: hand it on first.
  if (!allowed && document.activeElement === at("stop")) at("again").focus();
  at("stop").disabled = !allowed;
}

function receive({ data, lastEventId }) {
  // A function that was cut off may send again what had already arrived.
  if (lastEventId && seen.has(lastEventId)) return;
  seen.add(lastEventId);
  const now = performance.now();
  const following = hiddenPixels() <= 0;
  append(data);
  measure(now, lastEventId);
  speak(data);
  // Who has scrolled up to read is left in peace.
  if (following && hiddenPixels() > 0) scrollBy(0, hiddenPixels() + SPARE_PIXELS);
}

function append(word) {
  const span = document.createElement("span");
  span.textContent = word;
  // A large initial suits Latin letters; joined or stacked scripts would be torn apart by it.
  if (!story.hasChildNodes() && /^\p{P}*\p{Script=Latin}/u.test(word)) story.classList.add("latin");
  story.append(...(story.hasChildNodes() ? [" ", span] : [span]));
}

function measure(now, lastEventId) {
  at("words").textContent = String(story.childElementCount);
  at("last-id").textContent = lastEventId || "–";
  if (lastWordAt === undefined) at("first").textContent = `${Math.round(now - startedAt)} ms`;
  else at("pause").textContent = `${Math.round(now - lastWordAt)} ms`;
  const stroke = document.createElement("i");
  const gap = Math.min(now - (lastWordAt ?? startedAt), WIDEST_GAP_MS);
  stroke.style.inlineSize = `${Math.max(gap / MS_PER_PIXEL, 3)}px`;
  at("tape").append(stroke);
  if (at("tape").childElementCount > MOST_STROKES) at("tape").firstElementChild.remove();
  lastWordAt = now;
}

function speak(word) {
  sentence.push(word);
  if (SENTENCE_END.test(word)) speakRest();
}

function speakRest() {
  if (sentence.length) at("spoken").textContent = sentence.join(" ");
  sentence = [];
}

function finish() {
  leave("done");
}

function lose() {
  // CONNECTING: the browser is about to try again. CLOSED: it has given up, for a status other than 200.
  if (source.readyState === EventSource.CLOSED) leave("failed");
  else enter("reconnecting");
}

function leave(state) {
  source.close();
  speakRest();
  enter(state);
}

// How far the newest word reaches behind the desk, which stays at the lower edge of the window.
function hiddenPixels() {
  const word = story.lastElementChild;
  return word ? word.getBoundingClientRect().bottom - at("desk").getBoundingClientRect().top : 0;
}

at("stop").addEventListener("click", () => leave("stopped"));
at("again").addEventListener("click", tell);
at("again").disabled = false;
at("command").textContent = `curl -N '${location.origin}/sse${query()}'`;
tell();
