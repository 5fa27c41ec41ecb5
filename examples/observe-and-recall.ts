/** Observations: texts and vectors taken in as they come, each durable when its promise resolves, and recalled with filters and reasons. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@millrace/client";
import { startServer } from "@millrace/server";

const directory = await mkdtemp(join(tmpdir(), "millrace-example-"));
const server = await startServer({ directory, port: 0 });
const client = createClient({ url: server.url });

await client.spaces.create({ name: "mill" });
const mill = client.space("mill");

// Calls share a connection and batches. A lost connection is made again, and nothing is taken twice.
await mill.observe([
  { id: "wheel", text: "The wheel squeaks when the water is low.", who: "ada", confidence: 0.9 },
  { id: "stone", text: "The stone was dressed in May.", who: "bob", payload: { part: "stone" } },
  { id: "sack", text: "Forty sacks of rye were ground today.", who: "ada", ttlMs: 86_400_000 },
]);

const { results } = await mill.recall({ query: "what is wrong with the wheel?", k: 1, filter: { who: "ada" } });
for (const { text, score, observation } of results) {
  console.log(`${score.toFixed(2)}  ${text}`);
  for (const { name, share } of observation?.terms ?? []) console.log(`      ${name} ${share.toFixed(2)}`);
}

// A space without a model takes vectors of your own.
await client.spaces.create({ name: "raw", embedding: { provider: "none", model: "3" } });
await client.space("raw").observe([{ id: "x", vector: Float32Array.of(1, 0, 0) }], { mark: "searchable" });
const near = await client.space("raw").recall({ vector: [0.9, 0.1, 0], k: 1 });
console.log(near.results[0]?.source);

await client.close();
await server.close();
await rm(directory, { recursive: true });
