/** The client's observing, through the wire, against the model. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { type Client, createClient, type Observation, type WriterStatus } from "@millrace/client";
import { createRng } from "@millrace/core";
import { startProxy } from "../../../../test/support/cutting-proxy.ts";
import { until } from "../../../../test/support/until.ts";
import { embed } from "./model-ingest.ts";
import { Producer, type ServedIngest, serveIngest } from "./serve-ingest.ts";

let served: ServedIngest;
let client: Client;
let space = "";
let spaces = 0;
before(async () => {
  served = await serveIngest();
  client = createClient({ url: served.url });
});
after(async () => {
  client.close();
  await served[Symbol.asyncDispose]();
});
beforeEach(() => {
  space = `space-${++spaces}`;
  served.model.isPrompt = true;
  served.model.creditsMax = 10_000;
  served.model.refusals.length = 0;
});

const stored = (name = space) => served.model.taken.get(name) ?? [];
const ids = () => stored().map(({ meta }) => Number(meta?.id));
const session = () => served.model.sessions().find((one) => one.space === space);
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);
const observation = (id: number): Observation => ({ id: String(id), vector: Float32Array.of(id, 0.5, -1, 2) });
const many = (count: number, from = 1) => upTo(count).map((n) => observation(n + from - 1));

test("what is observed arrives, with and without a vector, and the promise resolves when it is durable", async () => {
  served.model.isPrompt = false;
  let isDone = false;
  const done = client
    .space(space)
    .observe([{ vector: [1, 2, 3], text: "one", payload: { a: [1] } }, { text: "four" }, { vector: [4, 5, 6] }])
    .then(() => {
      isDone = true;
    });
  await until(() => stored().length === 3);
  session()?.advance("searchable");
  await done;
  assert.ok(isDone);
  assert.deepEqual(stored(), [
    { lane: "normal", vector: [1, 2, 3], meta: { text: "one", payload: { a: [1] } } },
    { lane: "normal", vector: embed("four", 3), meta: { text: "four" } },
    { lane: "normal", vector: [4, 5, 6], meta: null },
  ]);
});

test("calls of one space share a session and their order, those of another lane have their own", async () => {
  const handle = client.space(space);
  await Promise.all([
    ...upTo(50).map((n) => handle.observe([observation(n)])),
    handle.observe([observation(99)], { lane: "high" }),
  ]);
  const normal = stored().filter(({ lane }) => lane === "normal");
  assert.deepEqual(
    normal.map(({ meta }) => Number(meta?.id)),
    upTo(50),
  );
  assert.equal(served.model.sessions().filter((one) => one.space === space).length, 2);
});

test("each mark resolves when it and those before it are reached", async () => {
  served.model.isPrompt = false;
  await using writer = await client.space(space).observer();
  const reached: string[] = [];
  for (const mark of ["accepted", "durable", "searchable", "indexed"] as const) {
    void writer.observe([observation(1)], { mark }).then(() => reached.push(mark));
  }
  await until(() => reached.length === 1);
  assert.deepEqual([reached, writer.pending], [["accepted"], 4]);
  session()?.advance("durable");
  await until(() => reached.length === 2);
  assert.equal(writer.pending, 0);
  session()?.advance("searchable");
  await until(() => reached.length === 3);
  session()?.advance("indexed");
  await until(() => reached.length === 4);
  assert.deepEqual(reached, ["accepted", "durable", "searchable", "indexed"]);
});

test("half-size and quarter-size vectors arrive as near as they can", async () => {
  const vector = [0.1, -0.25, 1, 0.333];
  for (const [encoding, error] of [
    ["f16", 0.0005],
    ["i8", 0.004],
  ] as const) {
    space = `${space}-${encoding}`;
    await using writer = await client.space(space).observer({ encoding });
    await writer.observe([{ vector }]);
    const got = stored()[0]?.vector ?? [];
    got.forEach((value, at) => {
      assert.ok(Math.abs(value - (vector[at] ?? 0)) <= error, `${encoding}: ${value}`);
    });
    assert.equal(got.length, 4);
  }
});

test("refusals that pass are waited out, and nothing is lost, repeated or out of order", async () => {
  const statuses: WriterStatus[] = [];
  const onStatus = (status: WriterStatus) => void statuses.push(status);
  await using writer = await client.space(space).observer({ batchObservations: 10, batchMs: 0, onStatus });
  const done: Promise<void>[] = [];
  for (let n = 0; n < 100; n++) {
    if (n % 7 === 0) served.model.refusals.push({ code: n % 2 ? "overloaded" : "rate_limited", retryAfterMs: 3 });
    done.push(writer.observe(many(5, n * 5 + 1)));
    if (n % 10 === 0) await writer.ready;
  }
  await Promise.all(done);
  assert.deepEqual(ids(), upTo(500));
  assert.ok(statuses.some((status) => status.state === "waiting" && status.retryInMs >= 3));
});

test("credits bound what is under way, and a change of them is heeded", async () => {
  served.model.isPrompt = false;
  await using writer = await client.space(space).observer({ credits: 20, batchObservations: 7, batchMs: 0 });
  const rateLimited = () => served.refused.filter((code) => code === "rate_limited").length;
  const before = rateLimited();
  const done = writer.observe(many(100));
  await until(() => stored().length >= 14);
  for (let limit = 20; stored().length < 100; ) {
    const held = session();
    assert.ok(held && held.watermarks.accepted - held.watermarks.durable <= 20);
    if (limit === 20) held.flow(3);
    limit = 3;
    const had = stored().length;
    held.advance();
    await until(() => stored().length > had || had === 100);
    assert.ok(stored().length - had <= 20, `${stored().length - had} came with ${limit} credits`);
  }
  session()?.advance();
  await done;
  assert.deepEqual(ids(), upTo(100));
  // Those that were on their way when the credits shrank, and what is tried again meanwhile; not one for each of the hundred.
  assert.ok(rateLimited() - before <= 20, `${rateLimited() - before} were refused`);
});

test("what the engine refuses for good fails alone, though it went with others", async () => {
  await using writer = await client.space(space).observer({ batchMs: 50 });
  const before = writer.observe(many(3));
  const bad = writer.observe([{ vector: [1, 2, 3, 4], id: "bad", payload: { huge: 1 } }]);
  const after_ = writer.observe(many(2, 4));
  // The batch that holds all three is refused for good, and then the guilty one again, when it comes alone.
  served.model.isGuilty = (meta) => meta?.id === "bad";
  await assert.rejects(bad, { code: "invalid_argument" });
  await Promise.all([before, after_]);
  assert.deepEqual(ids(), upTo(5));
  await assert.rejects(writer.flush(), { code: "invalid_argument" });
  await writer.flush();
  served.model.isGuilty = () => false;
});

test("connections that are cut in the middle lose and repeat nothing", async () => {
  await using proxy = await startProxy(served.url);
  const own = createClient({ url: proxy.url, rng: createRng(7) });
  const writer = await own.space(space).observer({ batchObservations: 16, batchMs: 0 });
  const rng = createRng(5);
  const done: Promise<void>[] = [];
  for (let round = 0; round < 10; round++) {
    for (let n = 0; n < 30; n++) {
      await writer.ready;
      done.push(writer.observe(many(5, (round * 30 + n) * 5 + 1)));
    }
    // Looked at in every turn of the event loop, so that most cuts fall while batches are on their way.
    const seen = round * 150 + 1 + rng() * 149;
    while (stored().length < seen) await new Promise((resolve) => setImmediate(resolve));
    proxy.cut();
  }
  await Promise.all(done);
  await writer.close();
  own.close();
  assert.deepEqual(ids(), upTo(1_500));
  assert.ok(proxy.connections >= 10, `${proxy.connections} connections`);
});

test("an engine that lost what was accepted and not durable is sent it again", async () => {
  served.model.isPrompt = false;
  await using proxy = await startProxy(served.url);
  const own = createClient({ url: proxy.url, rng: () => 0 });
  const writer = await own.space(space).observer({ batchObservations: 10, batchMs: 0 });
  const accepted = writer.observe(many(25), { mark: "accepted" });
  const done = writer.observe(many(25, 26));
  await accepted;
  await until(() => stored().length === 50);
  served.model.crash(space, 13);
  proxy.cut();
  served.model.isPrompt = true;
  await done;
  await writer.close();
  own.close();
  assert.deepEqual(ids(), upTo(50));
});

test("while the engine is away the queue fills, refuses what does not fit, and is sent when it is back", async () => {
  await using proxy = await startProxy();
  const own = createClient({ url: proxy.url, rng: () => 0.05 });
  const writer = await own.space(space).observer({ queueObservations: 100 });
  const done = [writer.observe(many(60)), writer.observe(many(40, 61))];
  await assert.rejects(writer.observe(many(1, 101)), { code: "overloaded" });
  await assert.rejects(writer.observe(many(101)), { code: "too_large" });
  let isReady = false;
  const ready = writer.ready.then(() => {
    isReady = true;
  });
  assert.deepEqual([writer.pending, isReady], [100, false]);
  await until(() => proxy.connections > 2);
  proxy.aim(served.url);
  await Promise.all(done);
  await ready;
  await writer.observe(many(1, 101));
  await writer.close();
  own.close();
  assert.deepEqual(ids(), upTo(101));
});

test("a wrong call is refused at once, and the writer goes on", async () => {
  await using writer = await client.space(space).observer({ encoding: "f16" });
  await writer.observe(many(1));
  const wrong: [readonly Observation[], string][] = [
    [[{}], "invalid_argument"],
    [[{ id: "x" }], "invalid_argument"],
    [[{ vector: [1] }], "invalid_argument"],
    [[{ vector: [1, 2, 3] }], "dimension_mismatch"],
    [[observation(1), { vector: [1, 2, 3] }], "dimension_mismatch"],
    [[{ vector: [1, 2, Number.NaN, 4] }], "invalid_argument"],
    [[{ vector: [1, 2, 65_520, 4] }], "invalid_argument"],
    [[{ vector: [1, 2, 3, 4], payload: { n: 1n } }], "invalid_argument"],
  ];
  for (const [observations, code] of wrong) await assert.rejects(writer.observe(observations), { code });
  await writer.observe([]);
  await writer.observe(many(1, 2));
  assert.deepEqual(ids(), [1, 2]);
});

test("a space that cannot be opened rejects what waits, and a later call tries again", async () => {
  const handle = client.space(space);
  await assert.rejects(handle.observe([{ text: "no dimensions, no model" }]), { code: "not_found" });
  await handle.observe(many(2));
  await assert.rejects(handle.observe([{ vector: [1, 2] }]), { code: "dimension_mismatch" });
  assert.deepEqual(ids(), [1, 2]);
});

test("a session that another has taken over ends in conflict; one that is forgotten says so", async () => {
  served.model.isPrompt = false;
  await using proxy = await startProxy(served.url);
  const own = createClient({ url: proxy.url, rng: () => 0 });
  const writer = await own.space(space).observer({ session: "mine" });
  const first = writer.observe(many(1));
  await until(() => stored().length === 1);
  {
    await using _other = await Producer.init(served.url, { space, session: "mine" });
    await assert.rejects(first, { code: "conflict" });
  }
  const second = writer.observe(many(1, 2));
  await until(() => stored().length === 2);
  session()?.advance();
  await second;
  const third = writer.observe(many(1, 3));
  await until(() => stored().length === 3);
  served.model.forget(space);
  proxy.cut();
  await assert.rejects(third, { code: "gone" });
  own.close();
});

test("closing sends what waits; afterwards nothing is taken; a closed client rejects what is under way", async () => {
  const writer = await client.space(space).observer({ batchMs: 60_000 });
  const done = writer.observe(many(3));
  await writer.close();
  await done;
  assert.deepEqual(ids(), [1, 2, 3]);
  await assert.rejects(writer.observe(many(1)), { code: "cancelled" });
  served.model.isPrompt = false;
  const own = createClient({ url: served.url });
  const waiting = own.space(`${space}-b`).observe(many(1));
  await until(() => stored(`${space}-b`).length === 1);
  own.close();
  await assert.rejects(waiting, { code: "cancelled" });
});

test("an observation that could not be indexed rejects its call, and is told of", async () => {
  served.model.isPrompt = false;
  const letters: number[] = [];
  await using writer = await client.space(space).observer({ onDeadLetter: ({ seq }) => void letters.push(seq) });
  const bad = writer.observe(many(2), { mark: "searchable" });
  const good = writer.observe(many(2, 3), { mark: "searchable" });
  await until(() => stored().length === 4);
  session()?.letter(2);
  session()?.advance();
  await assert.rejects(bad, { code: "internal" });
  await good;
  assert.deepEqual(letters, [2]);
  await assert.rejects(writer.flush(), { code: "internal" });
});

test("an observation is removed by its id", async () => {
  const handle = client.space(space);
  await handle.observe(many(2));
  await handle.removeObservation("1");
  assert.deepEqual(ids(), [2]);
  await assert.rejects(handle.removeObservation("1"), { code: "not_found" });
});
