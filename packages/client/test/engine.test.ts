/** The SDK against a real engine. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Frame, StreamId } from "@millrace/protocol";
import { startEngine } from "../../../test/support/engine.ts";
import { createClient, type Snapshot } from "../src/index.ts";

const notes = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => ({ type: "x.note", id: `n${from + at}`, data: from + at }));

async function take(frames: AsyncIterable<Frame>, count: number): Promise<Frame[]> {
  const taken: Frame[] = [];
  for await (const frame of frames) if (taken.push(frame) === count) break;
  return taken;
}

test("frames are the same over the WebSocket, server-sent events and pages, with their correlation", async () => {
  await using engine = await startEngine();
  const correlation = { session: "s", run: "r", turn: "1" };
  const text = 'quote " back\\slash \u2028 🦜 \ud83d';
  const events = [{ type: "x.a", data: null }, { type: "x.b", id: text, data: { text }, correlation }, ...notes(3)];
  await engine.client.stream("chat").append(events);
  const { frames } = await engine.client.stream("chat").frames();
  const overSocket = await take(engine.client.stream("chat").subscribe(), events.length);
  const overEvents = await take(
    createClient({ url: engine.server.url, WebSocket: null }).stream("chat").subscribe(),
    5,
  );
  assert.deepEqual(overSocket, frames);
  assert.deepEqual(overEvents, frames);
});

test("an append that is acknowledged as accepted has its numbers; onDurable says when they are safe", async () => {
  await using engine = await startEngine();
  const stream = engine.client.stream("chat");
  await stream.append(notes(2));
  const durable: number[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const abort = new AbortController();
  const onDurable = (seq: number) => {
    durable.push(seq);
    if (seq === 12) resolve();
  };
  const frames = stream.subscribe({ onDurable, signal: abort.signal })[Symbol.asyncIterator]();
  // It follows before anything is appended: who comes later is told at once how far all is durable, and gets its frames after that.
  for (const seq of [1, 2]) assert.equal((await frames.next()).value?.seq, seq);
  const { firstSeq, lastSeq, durableSeq } = await stream.append(notes(10, 2), { ack: "accepted" });
  assert.deepEqual([firstSeq, lastSeq], [3, 12]);
  assert.ok(durableSeq <= 12);
  await promise;
  assert.deepEqual(
    durable,
    durable.toSorted((a, b) => a - b),
  );
  for (let seq = 3; seq <= 12; seq++) assert.equal((await frames.next()).value?.seq, seq);
  abort.abort();
  assert.equal((await frames.next()).done, true);
});

test("with a window a loop that stands still is sent no more than that, and gets the rest when it goes on", async () => {
  await using engine = await startEngine();
  const stream = engine.client.stream("chat");
  await stream.append(notes(500));
  const frames = stream.subscribe({ window: 20 })[Symbol.asyncIterator]();
  await frames.next();
  // What is appended now comes after everything the window lets through; another reader shows that it is out.
  await stream.append(notes(500, 500));
  await take(engine.client.stream("chat").subscribe(), 1_000);
  const { deliveries } = (await engine.client.overview()).totals;
  assert.ok(deliveries <= 1_000 + 2 * 20, `${deliveries} frames were delivered to both`);
  const rest: number[] = [];
  for (let next = await frames.next(); rest.push(next.value.seq) < 999; ) next = await frames.next();
  assert.deepEqual(
    rest,
    Array.from({ length: 999 }, (_, at) => at + 2),
  );
  await frames.return?.();
});

test("a deleted stream ends the loop as gone, over either transport", async () => {
  await using engine = await startEngine();
  for (const options of [{}, { WebSocket: null }]) {
    const client = createClient({ url: engine.server.url, ...options });
    const stream = client.stream("chat");
    await stream.append(notes(1));
    const frames = stream.subscribe()[Symbol.asyncIterator]();
    await frames.next();
    const next = assert.rejects(frames.next(), { code: "gone" });
    await stream.delete();
    await next;
    client.close();
  }
});

test("two writers and a subscription share the socket; a refused event ends its writer and nobody else", async () => {
  await using engine = await startEngine();
  const { client } = engine;
  const reading = take(client.stream("one").subscribe(), 2_000);
  await using one = client.stream("one").writer();
  const two = client.stream("two").writer();
  for (let n = 0; n < 2_000; n++) {
    await one.write({ type: "x.note", data: n });
    await two.write({ type: "x.note", data: n });
  }
  await two.flush();
  await two.write({ type: "x.note", data: nested(300) });
  await assert.rejects(two.flush(), { code: "invalid_argument", message: /^events 2001 to 2001 .*nested/ });
  await one.flush();
  assert.deepEqual([one.durableSeq, one.held, one.seq], [2_000, 0, 2_001]);
  assert.deepEqual(
    (await reading).map(({ data }) => data),
    Array.from({ length: 2_000 }, (_, n) => n),
  );
  const { sequencer } = engine.server.engine;
  const live = await sequencer.follow("two" as StreamId);
  assert.equal(live.visible, 2_000);
  sequencer.release(live);
});

test("a writer that takes over is heard; the one before is refused as stale", async () => {
  await using engine = await startEngine();
  const stream = engine.client.stream("chat");
  const before = stream.writer({ producer: { id: "agent", epoch: 1 } });
  await before.write({ type: "x.note", data: "a" });
  await before.flush();
  await using after = stream.writer({ producer: { id: "agent", epoch: 2 } });
  await after.write({ type: "x.note", data: "b" });
  await after.flush();
  await before.write({ type: "x.note", data: "c" });
  await assert.rejects(before.close(), { code: "stale_epoch" });
  const again = stream.writer({ producer: { id: "agent", epoch: 2, seq: 1 } });
  await again.write({ type: "x.note", data: "b" });
  await again.write({ type: "x.note", data: "d" });
  await again.close();
  const { frames } = await stream.frames();
  assert.deepEqual(
    frames.map(({ data }) => data),
    ["a", "b", "d"],
  );
});

test("with onSnapshot the state comes in place of the frames it covers, and frames go on after it", async () => {
  await using engine = await startEngine();
  await engine.client.space("docs").add([{ source: "a.md", text: "A weir raises a river." }], { waitMs: 60_000 });
  const [job] = await engine.client.jobs.list();
  const stream = job?.stream ?? "";
  const { frames } = await engine.client.stream(stream).frames();
  const timeline = await engine.client.stream(stream).timeline();
  for (const options of [{}, { WebSocket: null }]) {
    const client = createClient({ url: engine.server.url, ...options });
    const abort = new AbortController();
    const snapshots: unknown[] = [];
    const onSnapshot = (snapshot: Snapshot) => {
      snapshots.push(snapshot);
      abort.abort();
    };
    assert.deepEqual(await take(client.stream(stream).subscribe({ onSnapshot, signal: abort.signal }), 99), []);
    assert.deepEqual(
      snapshots.map((one) => ({ ...timeline, ...(one as Snapshot), op: 0, sub: 0 })),
      [{ ...timeline, op: 0, sub: 0 }],
    );
    assert.equal(timeline.asOfSeq, frames.length);
    client.close();
  }
});

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}
