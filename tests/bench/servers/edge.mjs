// The edge function that all this began with, as a web-standard handler: a request in, a Response with a ReadableStream
// out. `now` is the monotonic clock in nanoseconds, which each runtime reads its own way.

const words = (
  "Every evening the old lighthouse told the sea a story, and every evening the sea pretended not to listen, " +
  "rolling over in its grey blankets, until the lamp came round again and found it lying there quite still, " +
  "patiently waiting for the very next word."
).split(" ");

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export function handler(request, now) {
  const query = new URL(request.url).searchParams;
  const count = Number(query.get("count") ?? words.length);
  const pauses = query.get("pauses")?.split(",").map(Number) ?? [];
  const encoder = new TextEncoder();
  let position = 0;
  const body = new ReadableStream({
    async pull(controller) {
      if (position === count) {
        controller.close();
        return;
      }
      position += 1;
      if (pauses.length && position > 1) await sleep(pauses[(position - 2) % pauses.length]);
      const data = pauses.length ? now() : words[position % words.length];
      controller.enqueue(encoder.encode(`id: ${position}\ndata: ${data}\n\n`));
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream", "cache-control": "no-cache" } });
}
