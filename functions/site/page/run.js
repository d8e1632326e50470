// What is asked for: story, seed and pauses. The page's address names them as the stream's does, so that a link tells
// the same run again. The function judges what is in it.

const NAMES = ["story", "seed", "min_ms", "max_ms"];

export class Run {
  #asked;

  // From the query of an address; without a seed in it, one by chance.
  constructor(search) {
    this.#asked = new URLSearchParams([...new URLSearchParams(search)].filter(([name]) => NAMES.includes(name)));
    if (!this.get("seed")) this.#asked.set("seed", crypto.getRandomValues(new Uint32Array(1))[0]);
  }

  get(name) {
    return this.#asked.get(name) ?? "";
  }

  // The same run but for *changes*; an empty value asks for nothing.
  with(changes) {
    const asked = new URLSearchParams(this.#asked);
    for (const [name, value] of Object.entries(changes)) asked[value ? "set" : "delete"](name, value || undefined);
    return new Run(asked);
  }

  get query() {
    return `?${this.#asked}`;
  }

  // The page's address with this run in it; what else is in *search* stays.
  addressIn(search) {
    const others = [...new URLSearchParams(search)].filter(([name]) => !NAMES.includes(name));
    return `?${new URLSearchParams([...this.#asked, ...others])}`;
  }

  // The shortest and the longest pause, in milliseconds.
  get pauses() {
    return [this.get("min_ms") || 200, this.get("max_ms") || 800].map((text) => Number(text) || 0);
  }
}
