// Handlers as one writes them for AWS's managed Node: each does what its event's path says, `/paced` for instance.
import { open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";

const PRELUDE = {
  statusCode: 201,
  headers: { "content-type": "text/event-stream", "x-place": "Z\u00fcrich" },
  cookies: ["a=1; Path=/", "b=2; HttpOnly"],
};

const kinds = {
  async prelude(stream) {
    stream = awslambda.HttpResponseStream.from(stream, PRELUDE);
    stream.write("one");
    stream.end();
  },

  // Waits until the test opens the gate between two writes.
  async paced(stream, event) {
    stream = awslambda.HttpResponseStream.from(stream, PRELUDE);
    stream.write("before");
    const gate = await open(event.headers?.["x-gate"] ?? event.gate);
    await gate.read(Buffer.alloc(1), 0, 1);
    await gate.close();
    stream.end("after");
  },

  async small(stream) {
    stream.setContentType("text/plain");
    for (let number = 0; number < 5000; number++) stream.write(`${number}\n`);
    stream.end();
  },

  async large(stream) {
    await pipeline(Readable.from(Array.from({ length: 100 }, (_, number) => Buffer.alloc(50_000, number))), stream);
  },

  async fails_at_once() {
    throw new TypeError("at once");
  },

  async fails_in_the_middle(stream) {
    stream = awslambda.HttpResponseStream.from(stream, PRELUDE);
    stream.write("one");
    await new Promise((resolve) => setTimeout(resolve, 50)); // until it has left the process
    throw new RangeError("in the\nmiddle");
  },

  async empty(stream) {
    stream = awslambda.HttpResponseStream.from(stream, { statusCode: 301, headers: { location: "/" } });
    stream.end();
  },

  async empty_write(stream) {
    stream = awslambda.HttpResponseStream.from(stream, { statusCode: 301, headers: { location: "/" } });
    stream.write("");
    stream.end();
  },

  async empty_pipeline(stream) {
    stream = awslambda.HttpResponseStream.from(stream, { statusCode: 403 });
    await pipeline(Readable.from(Buffer.alloc(0)), stream);
  },

  // The client writes the prelude at the first write(), and end() is none.
  async only_end(stream) {
    stream = awslambda.HttpResponseStream.from(stream, PRELUDE);
    stream.end("one");
  },

  // Nothing ends the stream: the client waits with the function.
  async never_ends(stream) {
    stream.write("one");
  },

  async echo(stream, event, context) {
    stream = awslambda.HttpResponseStream.from(stream, { statusCode: 200 });
    stream.write(JSON.stringify({ event, request: context.awsRequestId, arn: context.invokedFunctionArn }));
    stream.end();
  },
};

export const streamed = awslambda.streamifyResponse(async (event, stream, context) => {
  await kinds[event.kind ?? event.rawPath.slice(1)](stream, event, context);
});

export const buffered = async (event, context) => {
  if (event.rawPath === "/fails") throw new SyntaxError("as asked");
  return {
    statusCode: 203,
    headers: { "x-request": context.awsRequestId, "x-left": String(context.getRemainingTimeInMillis() > 0) },
    cookies: ["a=1"],
    body: Buffer.from([0, 255]).toString("base64"),
    isBase64Encoded: true,
  };
};
