// Bytes in, events out, as the spec has it and with the raw lines kept
// (https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation).

// *lastEventId* is the one of the connection before this one.
export function eventStreamParser(lastEventId) {
  const decoder = new TextDecoder(); // takes a byte order mark away
  let rest = "";
  let afterReturn = false;
  let block = { data: [], raw: [] };
  let id = lastEventId;

  function read(line) {
    if (!line) return dispatch();
    if (line.startsWith(":")) return { type: "comment", id: "", data: line.slice(1).trimStart(), raw: line };
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    block.raw.push(line);
    if (field === "data") block.data.push(value);
    else if (field === "event") block.type = value;
    else if (field === "id" && !value.includes("\0")) id = value;
    else if (field === "retry" && /^[0-9]+$/.test(value)) parser.retryMs = Number(value);
  }

  function dispatch() {
    const { data, type, raw } = block;
    block = { data: [], raw: [] };
    parser.lastEventId = id;
    if (data.length) {
      return { isEvent: true, type: type || "message", id, data: data.join("\n"), raw: raw.join("\n") };
    }
  }

  const parser = {
    lastEventId,
    retryMs: undefined, // as the stream last said it
    // The events and comments that are complete with *bytes*. A block without data is no event.
    push(bytes) {
      let text = decoder.decode(bytes, { stream: true });
      if (afterReturn && text.startsWith("\n")) text = text.slice(1); // the second half of a CRLF
      if (text) afterReturn = text.endsWith("\r");
      const lines = (rest + text).split(/\r\n|\n|\r/);
      rest = lines.pop();
      return lines.map(read).filter(Boolean);
    },
  };
  return parser;
}
