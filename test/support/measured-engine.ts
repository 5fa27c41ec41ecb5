/** An engine in a process of its own that says what memory it holds, garbage collected, whenever a line comes in. Needs --expose-gc. */
import { createInterface } from "node:readline";
import { startServer } from "@millrace/server";

const server = await startServer({ port: 0, directory: process.argv[2] ?? "" });
console.log(server.url);
for await (const _line of createInterface({ input: process.stdin })) {
  // Buffers let go in one collection are given back in the next.
  for (let round = 0; round < 3; round++) globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  console.log(JSON.stringify({ heldBytes: heapUsed + external, rssBytes: rss }));
}
