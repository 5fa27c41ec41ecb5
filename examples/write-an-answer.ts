/** An answer, token by token: written at full rate over one WebSocket, each token once, and followed live by a reader. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, type LlmDelta } from "@millrace/client";
import { startServer } from "@millrace/server";

const directory = await mkdtemp(join(tmpdir(), "millrace-example-"));
const server = await startServer({ directory, port: 0 });
const client = createClient({ url: server.url });
const chat = client.stream("chat-7");

// The reader shows text as it comes; it has asked to be told what would survive a power cut.
let safe = 0;
const reading = (async () => {
  let text = "";
  const onDurable = (seq: number) => {
    safe = seq;
  };
  for await (const frame of chat.subscribe({ onDurable })) {
    if (frame.type === "llm.delta") text += (frame.data as LlmDelta).append;
    else if (frame.type === "llm.final") return `${text}\n${frame.seq} frames`;
  }
  return text;
})();

// `write` waits only when too much is under way. A lost connection is made again, and nothing is appended twice.
const writer = chat.writer();
await writer.write({ type: "llm.start", id: "m1", data: { model: "mill-1" } });
for (const token of ["The wheel", " turns", " the stone", "."]) {
  await writer.write({ type: "llm.delta", id: "m1", data: { append: token } });
}
await writer.write({ type: "llm.final", id: "m1", data: {} });
await writer.close(); // everything is durable

const shown = await reading;
console.log(`${shown}, safe up to ${Math.max(safe, writer.durableSeq)}`);

client.close();
await server.close();
await rm(directory, { recursive: true });
