/** A conversation as a stream: append without duplicates, read some of it, and go on from the cursor as after a reload. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, formatCursor } from "@millrace/client";
import { startServer } from "@millrace/server";

const directory = await mkdtemp(join(tmpdir(), "millrace-example-"));
const server = await startServer({ directory, port: 0 });
const client = createClient({ url: server.url });
const chat = client.stream("chat-42");

const said = (id: string, text: string) => ({ type: "x.said", id, data: { text } });
const producer = { id: "agent", epoch: 1, seq: 1 };
const opening = [said("m1", "Where do frames live?"), said("m2", "In the log, in order.")];
await chat.append(opening, { producer });
// A retry after a lost answer: the producer's numbers make it one append.
const { accepted, duplicates } = await chat.append(opening, { producer });
console.log(`sent again: ${accepted} accepted, ${duplicates} already there`);

let cursor = "";
for await (const frame of chat.subscribe()) {
  console.log(`first reader   ${frame.seq} ${JSON.stringify(frame.data)}`);
  cursor = formatCursor(frame);
  if (frame.seq === 2) break;
}

await chat.append([said("m3", "And when I come back?"), said("m4", "You go on after your cursor.")], {
  producer: { ...producer, seq: 3 },
});

for await (const frame of chat.subscribe({ after: cursor })) {
  console.log(`second reader  ${frame.seq} ${JSON.stringify(frame.data)}`);
  if (frame.seq === 4) break;
}

client.close();
await server.close();
await rm(directory, { recursive: true });
