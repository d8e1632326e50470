// The edge function on Node: `node edge_node.mjs PORT`. Node's server speaks no web standard, so this is the adapter.
import { once } from "node:events";
import { createServer } from "node:http";

import { handler } from "./edge.mjs";

const server = createServer(async (incoming, outgoing) => {
  const request = new Request(new URL(incoming.url, `http://${incoming.headers.host}`));
  const response = handler(request, process.hrtime.bigint);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  for await (const chunk of response.body) {
    if (!outgoing.write(chunk)) await once(outgoing, "drain");
  }
  outgoing.end();
});
server.keepAliveTimeout = 60_000;
server.listen(Number(process.argv[2]), "127.0.0.1", 2048);
