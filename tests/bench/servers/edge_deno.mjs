// The edge function on Deno: `deno run --allow-net --allow-ffi edge_deno.mjs PORT`.
// Deno's own clock begins with the process; the C library's is the one that all processes share.
import { handler } from "./edge.mjs";

const libc = Deno.dlopen("libc.so.6", { clock_gettime: { parameters: ["i32", "buffer"], result: "i32" } });
const CLOCK_MONOTONIC = 1;
const time = new BigInt64Array(2);
const now = () => {
  libc.symbols.clock_gettime(CLOCK_MONOTONIC, time);
  return time[0] * 1_000_000_000n + time[1];
};

Deno.serve({ hostname: "127.0.0.1", port: Number(Deno.args[0]), onListen() {} }, (request) => handler(request, now));
