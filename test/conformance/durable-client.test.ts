/** The unmodified client of the protocol's authors against a real engine. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DurableStream, IdempotentProducer, stream as readStream } from "@durable-streams/client";
import { startEngine } from "../support/engine.ts";

type Item = { readonly n: number };
const numbers = (from: number, count: number) => Array.from({ length: count }, (_, at) => ({ n: from + at }));

/** Reads live until `count` items came; gives them and the offset to go on from. */
async function take(url: string, options: { live: "long-poll" | "sse"; offset: string; count: number }) {
  const { live, offset, count } = options;
  const response = await readStream<Item>({ url, live, offset, json: true });
  const items: Item[] = [];
  let next = offset;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = response.subscribeJson<Item>(async (batch) => {
    items.push(...batch.items);
    next = batch.offset;
    if (items.length >= count) resolve();
  });
  await promise;
  stop();
  response.cancel();
  return { items, next };
}

for (const live of ["long-poll", "sse"] as const) {
  test(`the client reads by ${live} what an idempotent producer writes, and goes on after a reconnect without loss or repetition`, async () => {
    await using engine = await startEngine();
    const url = `${engine.server.url}/v1/stream/agents/run-${live}`;
    const handle = await DurableStream.create({ url, contentType: "application/json" });
    const producer = new IdempotentProducer(handle, "worker-1", { lingerMs: 1, maxInFlight: 4 });
    const reading = take(url, { live, offset: "-1", count: 60 });
    for (const item of numbers(0, 100)) producer.append(JSON.stringify(item));
    await producer.flush();
    const { items, next } = await reading;
    const rest = await take(url, { live, offset: next, count: 100 - items.length });
    assert.deepEqual([...items, ...rest.items], numbers(0, 100));
    await producer.close();
    const closed = await (await readStream<Item>({ url, offset: rest.next, live: false })).json();
    assert.deepEqual(closed, []);
    assert.equal((await fetch(url, { method: "HEAD" })).headers.get("stream-closed"), "true");
  });
}

test("the client creates, appends, asks for the head and deletes; what is refused arrives as its own errors", async () => {
  await using engine = await startEngine();
  const url = `${engine.server.url}/v1/stream/notes`;
  const handle = await DurableStream.create({ url, contentType: "text/plain" });
  await handle.append("first ");
  await handle.append("second");
  assert.equal(await (await readStream({ url, live: false })).text(), "first second");
  const head = await handle.head();
  assert.ok(head.exists);
  assert.equal(head.contentType, "text/plain");
  assert.match(String(head.offset), /^\d{16}_0{15}2$/);
  await assert.rejects(DurableStream.create({ url, contentType: "application/json" }), { status: 409 });
  await handle.delete();
  assert.equal((await fetch(url, { method: "HEAD" })).status, 404);
});
