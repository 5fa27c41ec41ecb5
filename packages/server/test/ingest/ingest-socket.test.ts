import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, beforeEach, test } from "node:test";
import { ManualClock } from "@millrace/core";
import { WebSocket } from "ws";
import { encodeFrame, openRawSocket, textMessage } from "../../../../test/support/raw-frames.ts";
import { until } from "../../../../test/support/until.ts";
import { INGEST_HEARTBEAT_MS, INGEST_IDLE_MS, INGEST_INIT_MS } from "../../src/ingest/limits.ts";
import { batchOf, numbered, textsOf } from "./batches.ts";
import { CAPABILITIES } from "./model-ingest.ts";
import { Producer, type ServedIngest, serveIngest } from "./serve-ingest.ts";

let served: ServedIngest;
let space = "";
let spaces = 0;
before(async () => {
  served = await serveIngest();
});
after(() => served[Symbol.asyncDispose]());
beforeEach(() => {
  space = `space-${++spaces}`;
  served.model.isPrompt = true;
  served.model.refusals.length = 0;
});

const firsts = (name = space) => (served.model.taken.get(name) ?? []).map(({ vector }) => vector[0]);
const init = (options: object = {}) => Producer.init(served.url, { space, dims: 4, ...options });

test("init is answered with the session, where it goes on, and what the engine takes", async () => {
  await using producer = await init({ lane: "high", encoding: "f16", credits: 500 });
  const { op, session, ...rest } = await producer.next("init_ack");
  assert.equal(op, "init_ack");
  assert.match(session, /^[A-Za-z0-9_-]{1,32}$/);
  assert.deepEqual(rest, {
    ...{ lane: "high", lastAckedSeq: 0, nextSeq: 1, credits: 500, dims: 4 },
    watermarks: { accepted: 0, durable: 0, searchable: 0, indexed: 0 },
    capabilities: { ...CAPABILITIES, heartbeatMs: 30_000, idleTimeoutMs: 300_000, sessionsMax: 10_000 },
  });
});

test("batches of each encoding arrive as they were sent, and acks say how far they came", async () => {
  await using producer = await init();
  producer.send(batchOf(numbered(2), { meta: [{ id: "a", text: "one" }, null] }));
  producer.send(batchOf(numbered(2, 3), { firstSeq: 3, encoding: "f16" }));
  producer.send(batchOf([[127, -127, 0, 1]], { firstSeq: 5, encoding: "i8" }));
  await until(() => producer.all("ack").at(-1)?.indexed === 5);
  assert.deepEqual(firsts(), [1, 2, 3, 4, 127]);
  assert.deepEqual(served.model.taken.get(space)?.[0], {
    lane: "normal",
    vector: [1, 0.5, 0.5, 0.5],
    meta: { id: "a", text: "one" },
  });
  for (const ack of producer.all("ack")) {
    const { accepted, durable, searchable, indexed } = ack;
    assert.ok(accepted >= durable && durable >= searchable && searchable >= indexed, JSON.stringify(ack));
  }
});

test("acks are coalesced: a thousand batches are not a thousand messages", async () => {
  await using producer = await init();
  for (let n = 0; n < 1_000; n++) producer.send(batchOf(numbered(1, n + 1), { firstSeq: n + 1 }));
  await until(() => producer.all("ack").at(-1)?.indexed === 1_000);
  assert.equal(firsts().length, 1_000);
  assert.ok(producer.all("ack").length < 500, `${producer.all("ack").length} acks`);
});

test("repeated and overlapping sends are taken once; one behind a gap is refused with where to go on", async () => {
  await using producer = await init();
  const first = batchOf(numbered(3));
  producer.send(first);
  producer.send(first);
  producer.send(batchOf(numbered(3, 2), { firstSeq: 2 }));
  producer.send(batchOf(numbered(1, 9), { firstSeq: 9 }));
  const { message, ...gap } = await producer.next("rejected");
  assert.match(message, /9 .*5/);
  assert.deepEqual(gap, { op: "rejected", seq: 9, count: 1, code: "sequence_gap", retryable: true, nextSeq: 5 });
  producer.send(batchOf(numbered(1, 5), { firstSeq: 5 }));
  await until(() => producer.all("ack").at(-1)?.durable === 5);
  assert.deepEqual(firsts(), [1, 2, 3, 4, 5]);
});

test("a refused batch consumes no numbers, and those behind it are a gap until it is sent again", async () => {
  await using producer = await init();
  served.model.refusals.push({ code: "overloaded", retryAfterMs: 25 });
  for (const seq of [1, 2, 3]) producer.send(batchOf(numbered(1, seq), { firstSeq: seq }));
  await producer.next("rejected", 2);
  assert.deepEqual(
    producer.all("rejected").map(({ seq, code, retryAfterMs, nextSeq }) => [seq, code, retryAfterMs, nextSeq]),
    [
      [1, "overloaded", 25, 1],
      [2, "sequence_gap", undefined, 1],
      [3, "sequence_gap", undefined, 1],
    ],
  );
  for (const seq of [1, 2, 3]) producer.send(batchOf(numbered(1, seq), { firstSeq: seq }));
  await until(() => producer.all("ack").at(-1)?.durable === 3);
  assert.deepEqual(firsts(), [1, 2, 3]);
});

test("more than the credits allow is refused, and the engine's flow reaches the producer", async () => {
  served.model.isPrompt = false;
  await using producer = await init({ credits: 5 });
  producer.send(batchOf(numbered(4)));
  producer.send(batchOf(numbered(2, 5), { firstSeq: 5 }));
  const { code, retryAfterMs, nextSeq } = await producer.next("rejected");
  assert.deepEqual([code, retryAfterMs, nextSeq], ["rate_limited", 5, 5]);
  const session = served.model.sessions().find((one) => one.space === space);
  session?.flow(0);
  assert.deepEqual(await producer.next("flow"), { op: "flow", state: "pause", credits: 0 });
  session?.flow(50);
  assert.deepEqual(await producer.next("flow", 1), { op: "flow", state: "resume", credits: 50 });
  producer.send(batchOf(numbered(2, 5), { firstSeq: 5 }));
  await until(() => firsts().length === 6);
  session?.letter(5);
  assert.equal((await producer.next("dead_letter")).seq, 5);
  session?.advance();
});

const BAD: readonly (readonly [string, () => Uint8Array, string, number])[] = [
  ["a wrong dimension", () => batchOf(numbered(1, 1, 5)), "dimension_mismatch", 1],
  ["NaN", () => batchOf([[1, Number.NaN, 0, 0]]), "invalid_argument", 1],
  [
    "an infinite number",
    () => batchOf([[1, Number.POSITIVE_INFINITY, 0, 0]], { encoding: "f16" }),
    "invalid_argument",
    1,
  ],
  ["too many observations", () => batchOf(numbered(1_001)), "too_large", 1],
  ["no observation", () => batchOf([]).slice(), "invalid_argument", 1],
  ["another lane", () => batchOf(numbered(1), { lane: "low" }), "invalid_argument", 1],
  ["broken JSON", () => batchOf(numbered(1), { meta: "[{" }), "invalid_argument", 1],
  ["a torn batch", () => batchOf(numbered(2)).subarray(0, -3), "invalid_argument", 0],
  ["a torn header", () => batchOf(numbered(2)).subarray(0, 40), "invalid_argument", 0],
  ["an unknown encoding", () => batchOf(numbered(1)).with(4, 9), "invalid_argument", 0],
  ["an unknown lane", () => batchOf(numbered(1)).with(5, 7), "invalid_argument", 0],
  ["other magic", () => batchOf(numbered(1)).with(0, 0), "invalid_argument", 0],
  ["number 0", () => batchOf(numbered(1), { firstSeq: 0 }), "invalid_argument", 0],
  ["half a number", () => batchOf(numbered(1), { firstSeq: 1.5 }), "invalid_argument", 0],
  ["no number at all", () => batchOf(numbered(1), { firstSeq: Number.NaN }), "invalid_argument", 0],
  ["neither vector nor text", () => batchOf([[]], { meta: [{ id: "x" }] }), "invalid_argument", 1],
];
for (const [what, make, code, seq] of BAD) {
  test(`a batch with ${what} is refused alone, and the session goes on`, async () => {
    await using producer = await init();
    producer.send(make());
    const refusal = await producer.next("rejected");
    assert.deepEqual([refusal.code, refusal.seq, refusal.nextSeq], [code, seq, 1], refusal.message);
    assert.ok(refusal.message.length > 10);
    producer.send(batchOf(numbered(1)));
    await until(() => producer.all("ack").at(-1)?.durable === 1);
    assert.deepEqual(firsts(), [1]);
    assert.deepEqual(served.defects, []);
  });
}

test("what is said before init, twice, or wrongly is refused, and the socket goes on", async () => {
  await using producer = await Producer.connect(served.url);
  const errors: [string | object | Uint8Array, string][] = [
    [batchOf(numbered(1)), "conflict"],
    ["hello", "invalid_argument"],
    ["null", "invalid_argument"],
    [{ op: "init" }, "invalid_argument"],
    [{ op: "init", space: "Nope!" }, "invalid_argument"],
    [{ op: "init", space: "unknown-space" }, "not_found"],
    [{ op: "init", space, dims: 1 }, "invalid_argument"],
    [{ op: "init", space, dims: 4, encoding: "f64" }, "invalid_argument"],
    [{ op: "init", space, dims: 4, session: "a b" }, "invalid_argument"],
    [{ op: "init", space, dims: 4, surprise: 1 }, "invalid_argument"],
    [{ op: "nope" }, "invalid_argument"],
    [JSON.stringify({ op: "init", space: "x".repeat(5_000) }), "too_large"],
  ];
  for (const [message] of errors) {
    if (message instanceof Uint8Array) producer.send(message);
    else producer.say(message);
  }
  await producer.next("error", errors.length - 1);
  assert.deepEqual(
    producer.all("error").map(({ error }) => error.code),
    errors.map(([, code]) => code),
  );
  producer.say({ op: "init", space, dims: 4 });
  producer.say({ op: "init", space, dims: 4 });
  assert.equal((await producer.next("error", errors.length)).error.code, "conflict");
  producer.say({ op: "ping" });
  await producer.next("pong");
  producer.send(batchOf(numbered(1)));
  await until(() => firsts().length === 1);
});

test("a space of other dimensions is refused at init", async () => {
  await using first = await init();
  await using producer = await Producer.connect(served.url);
  producer.say({ op: "init", space, dims: 8 });
  assert.equal((await producer.next("error")).error.code, "dimension_mismatch");
  assert.equal(first.closedWith, undefined);
});

test("a session goes on where it was on another socket; two at once: the later has it", async () => {
  await using first = await init({ session: "mine" });
  first.send(batchOf(numbered(3)));
  await until(() => first.all("ack").at(-1)?.durable === 3);
  await using second = await init({ session: "mine" });
  const ack = await second.next("init_ack");
  assert.deepEqual([ack.session, ack.lastAckedSeq, ack.nextSeq], ["mine", 3, 4]);
  await until(() => first.closedWith === 4409);
  assert.equal(first.all("error").at(-1)?.error.code, "conflict");
  second.send(batchOf(numbered(2, 3), { firstSeq: 3 }));
  await until(() => second.all("ack").at(-1)?.durable === 4);
  assert.deepEqual(firsts(), [1, 2, 3, 4]);
});

test("a lost connection gives the session up to the engine, which keeps its place", async () => {
  const first = await init({ session: "kept" });
  first.send(batchOf(numbered(2)));
  await until(() => first.all("ack").at(-1)?.durable === 2);
  await first[Symbol.asyncDispose]();
  await until(() => !served.model.sessions().some((one) => one.id === "kept"));
  await using second = await init({ session: "kept" });
  assert.equal((await second.next("init_ack")).nextSeq, 3);
});

test("close waits until all that was accepted is searchable, says so, and takes no more", async () => {
  served.model.isPrompt = false;
  await using producer = await init();
  producer.send(batchOf(numbered(2)));
  producer.say({ op: "close" });
  producer.send(batchOf(numbered(1, 3), { firstSeq: 3 }));
  assert.equal((await producer.next("error")).error.code, "conflict");
  assert.equal(producer.all("closed").length, 0);
  served.model
    .sessions()
    .find((one) => one.space === space)
    ?.advance("searchable");
  const { op, ...marks } = await producer.next("closed");
  assert.deepEqual(marks, { accepted: 2, durable: 2, searchable: 2, indexed: 0 });
  await until(() => producer.closedWith === 1000);
  assert.deepEqual(firsts(), [1, 2]);
});

test("texts are embedded in their turn, and what comes behind them waits without being lost", async () => {
  const gate = Promise.withResolvers<void>();
  served.model.embedding = gate.promise;
  await using producer = await init();
  producer.send(textsOf(["abc", "de"]));
  for (let seq = 3; seq <= 40; seq++) producer.send(batchOf(numbered(1, seq), { firstSeq: seq }));
  await until(() => served.sockets.heldBytes > 0);
  assert.deepEqual(firsts(), []);
  gate.resolve();
  await until(() => producer.all("ack").at(-1)?.durable === 40);
  assert.deepEqual(firsts().slice(0, 4), [3, 2, 3, 4]);
  assert.equal(firsts().length, 40);
  assert.equal(served.sockets.heldBytes, 0);
});

test("while texts are embedded the producer is not read: TCP holds it up", async () => {
  const gate = Promise.withResolvers<void>();
  served.model.embedding = gate.promise;
  await using producer = await init();
  producer.send(textsOf(["abc"]));
  const bytes = 64 * 1024 * 1024;
  for (let sent = 0, seq = 2; sent < bytes; seq += 1_000) {
    const batch = batchOf(numbered(1_000, seq, 4), {
      firstSeq: seq,
      meta: JSON.stringify([..."x".repeat(1)]).padEnd(1_000_000),
    });
    producer.send(batch);
    sent += batch.length;
  }
  await until(() => served.sockets.heldBytes > 0);
  // What the kernel and one read take is far below what was sent.
  let stuck = bytes;
  await until(async () => {
    const before = producer.socket.bufferedAmount;
    for (let look = 0; look < 20; look++) await fetch(served.url).then((response) => response.text());
    stuck = producer.socket.bufferedAmount;
    return stuck < bytes - 65_536 && stuck === before;
  });
  assert.ok(stuck > bytes / 2, `${stuck} bytes of ${bytes} are still with the producer`);
  gate.resolve();
  await until(() => producer.socket.bufferedAmount === 0);
});

test("a producer that reads nothing is not read from, and hears the latest when it does", async () => {
  await using raw = await openRawSocket(served.url, "/v1/ingest");
  raw.tap.socket.write(textMessage(JSON.stringify({ op: "init", space, dims: 4 })));
  await until(() => raw.messages().length === 1);
  raw.tap.socket.pause();
  const refused = served.refused.length;
  // An empty batch takes 6 bytes, and its refusal 250.
  const empty = {
    isFinal: true,
    reserved: 0,
    opcode: 2,
    isMasked: true,
    length: "shortest",
    payload: Buffer.alloc(0),
  } as const;
  raw.tap.socket.write(Buffer.concat(Array.from({ length: 100_000 }, () => encodeFrame(empty))));
  await until(() => served.sockets.unsentBytes > 256 * 1024);
  const unsent = served.sockets.unsentBytes;
  assert.ok(unsent < 4 * 1024 * 1024, `${unsent} bytes of answers are held`);
  raw.tap.socket.resume();
  await until(() => served.sockets.unsentBytes === 0 && served.refused.length >= refused + 100_000);
});

test("who says nothing is pinged, and let go when it does not answer; who never says init goes sooner", async () => {
  const clock = new ManualClock();
  await using own = await serveIngest({ clock });
  await using mute = await Producer.connect(own.url);
  await until(() => own.sockets.count === 1);
  clock.advance(INGEST_INIT_MS);
  await until(() => mute.closedWith === 4504);
  assert.equal(mute.all("error")[0]?.error.code, "timeout");
  await using producer = await Producer.init(own.url, { space, dims: 4 });
  await using raw = await openRawSocket(own.url, "/v1/ingest");
  raw.tap.socket.write(textMessage(JSON.stringify({ op: "init", space: "other", dims: 4 })));
  await until(() => raw.messages().length === 1);
  for (let passed = 0; passed < INGEST_IDLE_MS; passed += INGEST_HEARTBEAT_MS) {
    const pings = raw.messages().length;
    clock.advance(INGEST_HEARTBEAT_MS);
    await until(() => raw.messages().length > pings);
    producer.say({ op: "ping" });
    await until(() => producer.all("pong").length > passed / INGEST_HEARTBEAT_MS);
  }
  await until(
    () => JSON.stringify(raw.messages().at(-1)).includes("timeout"),
    () => raw.messages().at(-1),
  );
  assert.equal(producer.closedWith, undefined);
});

test("one producer more than the limit is refused before it is upgraded", async () => {
  await using own = await serveIngest({ socketsMax: 1 });
  await using _first = await Producer.init(own.url, { space, dims: 4 });
  const second = new WebSocket(`${own.url.replace("http", "ws")}/v1/ingest`);
  const [, response] = (await once(second, "unexpected-response")) as [unknown, { statusCode: number }];
  assert.equal(response.statusCode, 503);
  second.on("error", () => {});
  second.terminate();
});
