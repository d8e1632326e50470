// Bytes in, events out, as the spec has it and with the raw lines kept
// (https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation).

export class EventStreamParser {
  retryMs; // as the stream last said it
  #decoder = new TextDecoder(); // it takes a byte order mark away, as it should
  #rest = "";
  #afterReturn = false;
  #block = { data: [], raw: [] };
  #id;

  // *lastEventId* is the one of the connection before this one.
  constructor(lastEventId) {
    this.lastEventId = this.#id = lastEventId;
  }

  // The events and comments that are complete with *bytes*. A block without data is no event.
  push(bytes) {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (this.#afterReturn && text.startsWith("\n")) text = text.slice(1); // the second half of a CRLF
    if (text) this.#afterReturn = text.endsWith("\r");
    const lines = (this.#rest + text).split(/\r\n|\n|\r/);
    this.#rest = lines.pop();
    return lines.map((line) => this.#read(line)).filter(Boolean);
  }

  #read(line) {
    if (!line) return this.#dispatch();
    if (line.startsWith(":")) return { type: "comment", id: "", data: line.slice(1).trimStart(), raw: line };
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    this.#block.raw.push(line);
    if (field === "data") this.#block.data.push(value);
    else if (field === "event") this.#block.type = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "retry" && /^[0-9]+$/.test(value)) this.retryMs = Number(value);
  }

  #dispatch() {
    const { data, type, raw } = this.#block;
    this.#block = { data: [], raw: [] };
    this.lastEventId = this.#id;
    if (!data.length) return;
    return { isEvent: true, type: type || "message", id: this.#id, data: data.join("\n"), raw: raw.join("\n") };
  }
}
