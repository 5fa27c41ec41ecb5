/** Clients that ask for more than there is: each is held to its bound and told so, and the others are served meanwhile. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { createClient } from "@millrace/client";
import { ManualClock } from "@millrace/core";
import { SUBSCRIBER_BYTES_MAX, SUBSCRIBER_STALL_MS } from "@millrace/stream";
import { startEngine, type TestEngine } from "./support/engine.ts";
import { CLOSE, openRawSocket, type RawSocket, textMessage } from "./support/raw-frames.ts";
import { bodyOf } from "./support/raw-socket.ts";
import { openTap, type SocketTap } from "./support/socket-tap.ts";
import { until } from "./support/until.ts";

/** Subscriptions one socket may have (PROTOCOL.md, WebSocket). */
const SUBSCRIPTIONS = 1_000;
/** What is answered above the budget: all messages of one read from the socket, and the appends that were under way. */
const READ_BYTES = 64 * 1024;
const APPENDS_UNDER_WAY = 1_000;
/** Sent after the budget is full: far more than a read. */
const MORE_BYTES = 2 * 1024 * 1024;

async function unsentBytes({ server }: TestEngine): Promise<number> {
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  return Number(/^millrace_subscriber_unsent_bytes (\d+)$/m.exec(metrics)?.[1]);
}

const disposeAll = async (all: readonly AsyncDisposable[]) => {
  await Promise.all(all.map((one) => one[Symbol.asyncDispose]()));
};

/** A client of its own that writes and reads while the flood is on; what it wrote must come back in order. */
async function isServed(engine: TestEngine, count: number): Promise<void> {
  const client = createClient({ url: engine.server.url });
  const name = `other-${crypto.randomUUID()}`;
  const seen: unknown[] = [];
  const reading = (async () => {
    for await (const { data } of client.stream(name).subscribe()) if (seen.push(data) === count) break;
  })();
  for (let n = 0; n < count; n++) await client.stream(name).append([{ type: "x.note", data: n }]);
  await reading;
  client.close();
  assert.deepEqual(
    seen,
    Array.from({ length: count }, (_, n) => n),
  );
}

test("connections beyond the limit are closed at once, those there go on, and there is room again when one leaves", async () => {
  await using engine = await startEngine({ connectionsMax: 20 });
  const socket = await openRawSocket(engine.server.url);
  const held: SocketTap[] = [];
  for (let n = 0; n < 19; n++) held.push(await openTap(engine.server.url, "GET /livez HTTP/1.1\r\n"));
  for (let n = 0; n < 30; n++) {
    await using refused = await openTap(engine.server.url, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert.equal(await refused.ended(), "");
  }
  socket.tap.socket.write(textMessage('{"op":"ping"}'));
  await until(() => socket.messages().length > 0);
  assert.deepEqual(socket.messages(), [{ op: "pong" }]);
  await disposeAll(held);
  await until(async () => (await fetch(`${engine.server.url}/livez`).catch(() => undefined))?.status === 200);
  await socket[Symbol.asyncDispose]();
});

test("sockets that say nothing, and heads that trickle, are refused as a timeout while others are served", async () => {
  await using engine = await startEngine({ headersTimeoutMs: 3_000, requestTimeoutMs: 6_000 });
  const { url } = engine.server;
  const silent = await Promise.all(Array.from({ length: 40 }, () => openTap(url, "")));
  const slow = await Promise.all(Array.from({ length: 10 }, () => openTap(url, "GET /livez HTTP/1.1\r\nX-Slow: ")));
  const trickle = setInterval(() => {
    for (const { socket } of slow) if (socket.writable) socket.write("x");
  }, 20);
  await isServed(engine, 20);
  for (const tap of [...silent, ...slow]) {
    const answer = await tap.ended();
    assert.match(answer, /^HTTP\/1\.1 408 /);
    assert.equal(bodyOf(answer).error.code, "timeout");
  }
  clearInterval(trickle);
  await disposeAll([...silent, ...slow]);
});

test("a body that trickles loses its socket when the time for a request is up, and what it reserved is free again", async () => {
  await using engine = await startEngine({ headersTimeoutMs: 3_000, requestTimeoutMs: 6_000 });
  const { url } = engine.server;
  const job = await engine.client
    .space("s")
    .add(Array.from({ length: 3 }, (_, n) => ({ source: `${n}.bin`, upload: true as const })));
  const head = (index: number, bytes: number) =>
    `PUT /v1/jobs/${job.job}/sources/${index} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: ${bytes}\r\n\r\n`;
  // Two bodies of the largest size are all that may be under way: a third is refused, whatever little of them has come.
  const bytes = 100 * 1024 * 1024;
  const slow = await Promise.all([0, 1].map((index) => openTap(url, `${head(index, bytes)}x`)));
  const refusal = async () => {
    await using third = await openTap(url, `${head(2, bytes)}x`);
    const answer = await third.text((all) => /\r\n\r\n.*\}$/s.test(all) || all.includes(" 408 "));
    return bodyOf(answer).error.code;
  };
  await until(async () => (await refusal()) === "overloaded");
  const trickle = setInterval(() => {
    for (const { socket } of slow) if (socket.writable) socket.write("x");
  }, 20);
  await isServed(engine, 20);
  for (const tap of slow) await tap.ended();
  clearInterval(trickle);
  const text = "A weir raises a river.";
  await using whole = await openTap(url, `${head(2, text.length)}${text}`);
  await whole.text((all) => all.startsWith("HTTP/1.1 202 "));
  await disposeAll(slow);
});

test("thousands of subscribes on one socket: the first thousand are followed, each other is refused by its number", async () => {
  await using engine = await startEngine();
  await engine.client.stream("chat").append([{ type: "x.note", data: 0 }]);
  await using socket = await openRawSocket(engine.server.url);
  const total = 5_000;
  const messages = Array.from({ length: total }, (_, at) =>
    textMessage(JSON.stringify({ op: "subscribe", sub: at + 1, stream: "chat" })),
  );
  socket.tap.socket.write(Buffer.concat(messages));
  await isServed(engine, 20);
  const refused = () => socket.messages().filter((one) => "op" in one && one.op === "error");
  await until(() => refused().length === total - SUBSCRIPTIONS);
  const errors = refused() as { sub: number; error: { code: string } }[];
  assert.deepEqual(
    errors.map(({ sub, error }) => [sub, error.code]),
    Array.from({ length: total - SUBSCRIPTIONS }, (_, at) => [SUBSCRIPTIONS + 1 + at, "overloaded"]),
  );
  // Those that were taken still follow.
  await engine.client.stream("chat").append([{ type: "x.note", data: 1 }]);
  const got = () =>
    new Set(
      (socket.messages() as { op?: string; sub?: number; frames?: { seq: number }[] }[]).flatMap(
        ({ op, sub, frames }) => (op === "frames" && frames?.some(({ seq }) => seq === 2) ? [sub] : []),
      ),
    );
  await until(() => got().size === SUBSCRIPTIONS);
});

/** Sends the same again and again and reads nothing: until the engine holds its budget of answers, and then more. Says how often. */
async function flood(engine: TestEngine, socket: RawSocket, bytes: Buffer): Promise<number> {
  const { socket: raw } = socket.tap;
  raw.pause();
  let sent = 0;
  for (; (await unsentBytes(engine)) <= SUBSCRIBER_BYTES_MAX; sent++) raw.write(bytes);
  for (let more = 0; more < MORE_BYTES; more += bytes.length, sent++) raw.write(bytes);
  return sent;
}

type Asked = readonly [what: string, answer: string, answerBytes: number, message: (id: number) => string];
const asks: readonly Asked[] = [
  ["pings", '{"op":"pong"}', 15, () => '{"op":"ping"}'],
  [
    "appends",
    '{"op":"appended"',
    300,
    (id) => JSON.stringify({ op: "append", id, stream: "flood", events: [{ type: "x.note", data: id }] }),
  ],
  ["messages that are refused", '{"op":"error"', 200, () => "nonsense"],
];

for (const [what, answer, answerBytes, messageOf] of asks) {
  test(`${what} whose answers are not read: the engine stops reading within its budget, serves others, and answers all in the end`, async () => {
    await using engine = await startEngine();
    await using socket = await openRawSocket(engine.server.url);
    const answers = countWords(socket, answer);
    let highest = 0;
    const sampling = new AbortController();
    const sampler = (async () => {
      while (!sampling.signal.aborted) {
        highest = Math.max(highest, await unsentBytes(engine));
        await setTimeout(5);
      }
    })();
    const one = 500;
    const block = Buffer.concat(Array.from({ length: one }, (_, at) => textMessage(messageOf(at + 1))));
    const [blocks] = await Promise.all([flood(engine, socket, block), isServed(engine, 30)]);
    await isServed(engine, 30);
    sampling.abort();
    await sampler;
    const beyond = ((READ_BYTES * one) / block.length + APPENDS_UNDER_WAY) * answerBytes;
    assert.ok(highest <= SUBSCRIBER_BYTES_MAX + beyond, `${highest} bytes were held for it`);
    socket.tap.socket.resume();
    // A hundred thousand answers take as long as they take; only a standstill is a failure.
    for (let seen = -1; answers() < blocks * one && answers() > seen; ) {
      seen = answers();
      await until(() => answers() === blocks * one || answers() > seen + 10 * one);
    }
    assert.equal(answers(), blocks * one);
  });
}

/** Counts a word in what comes, as it comes: there are a million of them. */
function countWords(socket: RawSocket, word: string): () => number {
  let count = 0;
  let rest = "";
  socket.tap.socket.on("data", (part) => {
    const text = rest + part.toString("latin1");
    count += text.split(word).length - 1;
    // A word that is cut counts with its second half: what is kept is too short to hold one.
    rest = text.slice(1 - word.length);
  });
  return () => count;
}

test("one that never reads its answers is closed with 4008 when the time is up", async () => {
  const clock = new ManualClock();
  await using engine = await startEngine({ clock });
  await using socket = await openRawSocket(engine.server.url);
  const block = Buffer.concat(Array.from({ length: 500 }, () => textMessage("nonsense")));
  await flood(engine, socket, block);
  assert.ok((await unsentBytes(engine)) > SUBSCRIBER_BYTES_MAX);
  clock.advance(SUBSCRIBER_STALL_MS + 1);
  await until(async () => (await engine.client.overview()).subscribers === 0 && (await unsentBytes(engine)) === 0);
  socket.tap.socket.resume();
  await socket.tap.ended();
  const last = socket.frames().at(-1);
  assert.ok(last?.opcode !== CLOSE || last.payload.readUInt16BE(0) === 4008);
});
