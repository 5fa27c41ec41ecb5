import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { Deadline, ManualClock } from "@millrace/core";
import { SUBSCRIBER_BYTES_MAX, SUBSCRIBER_STALL_MS } from "@millrace/stream";
import { WebSocket } from "ws";
import { startEngine, type TestEngine } from "./support/engine.ts";
import { openRaw } from "./support/raw-socket.ts";
import { LIMIT_MS, until } from "./support/until.ts";

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
});
after(() => engine[Symbol.asyncDispose]());

const READERS = 10;
/** Most bytes of one read of the log, with the frame that may cross it. */
const READ_BYTES = 1024 * 1024 + 110_000;

/** A socket that subscribes and then never reads again. */
async function stalledSocket(stream: string): Promise<WebSocket> {
  const socket = await openSocket(engine);
  socket.send(JSON.stringify({ op: "subscribe", sub: 1, stream }));
  await new Promise((resolve) => socket.once("message", resolve));
  pause(socket);
  return socket;
}

async function openSocket({ server }: TestEngine): Promise<WebSocket> {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/v1/ws`);
  await new Promise((resolve) => socket.once("open", resolve));
  return socket;
}

type Inner = { _socket: { pause(): void; resume(): void } };

/** Stops reading from the kernel, so that the engine's own buffers fill. */
function pause(socket: WebSocket): void {
  (socket as unknown as Inner)._socket.pause();
}

function resume(socket: WebSocket): void {
  (socket as unknown as Inner)._socket.resume();
}

async function unsentBytes({ server }: TestEngine): Promise<number> {
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  return Number(/^millrace_subscriber_unsent_bytes (\d+)$/m.exec(metrics)?.[1]);
}

async function subscribers({ server }: TestEngine): Promise<number> {
  return ((await (await fetch(`${server.url}/v1/overview`)).json()) as { subscribers: number }).subscribers;
}

test("I5, I6: readers that stall cost their budget, hold up neither the writer nor a reader that reads, and lose nothing", async () => {
  const stream = "load:1";
  await engine.client.stream(stream).append([{ type: "log", data: 0 }]);
  const stalled = await Promise.all(Array.from({ length: READERS }, () => stalledSocket(stream)));
  const total = 200;
  const chunk = "x".repeat(100_000);
  const reading = (async () => {
    const seqs: number[] = [];
    for await (const { seq } of engine.client.stream(stream).subscribe()) {
      seqs.push(seq);
      if (seqs.length === total + 1) return seqs;
    }
    return seqs;
  })();
  for (let n = 0; n < total; n++) await engine.client.stream(stream).append([{ type: "log", data: { n, chunk } }]);
  assert.deepEqual(
    await reading,
    Array.from({ length: total + 1 }, (_, at) => at + 1),
  );
  let unsent = 0;
  await until(
    async () => {
      unsent = await unsentBytes(engine);
      return unsent > READERS * 100_000;
    },
    () => `the sockets must really stall: ${unsent}`,
  );
  // 20 MB went to ten sockets that take nothing. Each may hold its budget and the one read that crossed it.
  assert.ok(unsent <= READERS * (SUBSCRIBER_BYTES_MAX + READ_BYTES), `${unsent} bytes are held`);
  const [first] = stalled;
  assert.ok(first);
  const got: number[] = [];
  const caughtUp = new Promise<void>((resolve) => {
    first.on("message", (data) => {
      const message = JSON.parse(String(data)) as { op: string; frames?: { seq: number }[] };
      got.push(...(message.frames ?? []).map(({ seq }) => seq));
      if (got.at(-1) === total + 1) resolve();
    });
  });
  resume(first);
  await caughtUp;
  assert.deepEqual(
    got.slice(-total),
    Array.from({ length: total }, (_, at) => at + 2),
  );
  for (const socket of stalled) socket.terminate();
});

test("subscriptions of one socket share its budget: one that waits goes on when the other has been read", async () => {
  const big = engine.client.stream("load:big");
  const socket = await openSocket(engine);
  const count = { 1: 0, 2: 0 };
  let following = 0;
  const all = new Promise<void>((resolve) => {
    socket.on("message", (data) => {
      const message = JSON.parse(String(data)) as { op: string; sub: 1 | 2; frames: unknown[] };
      if (message.op === "subscribed") following++;
      if (message.op === "frames") count[message.sub] += message.frames.length;
      if (count[1] === 100 && count[2] === 1) resolve();
    });
  });
  socket.send(JSON.stringify({ op: "subscribe", sub: 1, stream: "load:big" }));
  socket.send(JSON.stringify({ op: "subscribe", sub: 2, stream: "load:small" }));
  await until(async () => following === 2);
  pause(socket);
  for (let n = 0; n < 100; n++) await big.append([{ type: "log", data: "x".repeat(200_000) }]);
  await engine.client.stream("load:small").append([{ type: "log", data: "hello" }]);
  await until(async () => (await unsentBytes(engine)) > SUBSCRIBER_BYTES_MAX);
  resume(socket);
  await Deadline.after(LIMIT_MS).race("reading both streams", all);
  socket.terminate();
});

test("a number can be used again at once after unsubscribing, even while the first subscribe is being refused", async () => {
  const { epoch } = await engine.client.stream("used:1").append([{ type: "log", data: 1 }]);
  const socket = await openSocket(engine);
  const ops: string[] = [];
  const following = new Promise<void>((resolve) => {
    socket.on("message", (data) => {
      const { op } = JSON.parse(String(data)) as { op: string };
      ops.push(op);
      if (op === "frames") resolve();
    });
  });
  socket.send(JSON.stringify({ op: "subscribe", sub: 1, stream: "used:1", after: `${epoch}:9` }));
  socket.send(JSON.stringify({ op: "unsubscribe", sub: 1 }));
  socket.send(JSON.stringify({ op: "subscribe", sub: 1, stream: "used:2" }));
  await until(async () => ops.includes("subscribed"));
  await engine.client.stream("used:2").append([{ type: "log", data: 1 }]);
  await following;
  assert.deepEqual(ops, ["subscribed", "frames"]);
  socket.terminate();
});

test("a socket that asks and never reads the answers is not read from, and closed when it stalls", async () => {
  const clock = new ManualClock();
  await using own = await startEngine({ clock });
  const socket = await openSocket(own);
  pause(socket);
  for (let n = 0; n < 300_000; n++) socket.send("{}");
  await until(async () => (await unsentBytes(own)) > SUBSCRIBER_BYTES_MAX);
  await until(async () => {
    clock.advance(SUBSCRIBER_STALL_MS);
    assert.ok((await unsentBytes(own)) < 3 * SUBSCRIBER_BYTES_MAX);
    return (await subscribers(own)) === 0;
  });
  socket.terminate();
});

test("an event stream that is not read is closed when it stalls", async () => {
  const clock = new ManualClock();
  await using own = await startEngine({ clock });
  const stream = own.client.stream("load:1");
  await stream.append([{ type: "log", data: 1 }]);
  const socket = await openRaw(own.server.url, "GET /v1/streams/load:1/sse HTTP/1.1\r\nHost: localhost\r\n\r\n");
  socket.pause();
  for (let n = 0; n < 100; n++) await stream.append([{ type: "log", data: "x".repeat(200_000) }]);
  await until(async () => {
    clock.advance(SUBSCRIBER_STALL_MS);
    return (await subscribers(own)) === 0;
  });
  socket.destroy();
});

test("malformed messages are refused one by one and the socket goes on", async () => {
  const socket = await openSocket(engine);
  const answers: Record<string, unknown>[] = [];
  const odd = [
    "",
    "{",
    "[]",
    "null",
    '{"op":"subscribe"}',
    '{"op":"subscribe","sub":0,"stream":"a"}',
    '{"op":"subscribe","sub":1,"stream":" "}',
    '{"op":"subscribe","sub":1,"stream":"a","after":"junk"}',
    '{"op":"nothing"}',
    `${"[".repeat(20_000)}${"]".repeat(20_000)}`,
  ];
  const all = new Promise<void>((resolve) => {
    socket.on("message", (data) => {
      answers.push(JSON.parse(String(data)) as Record<string, unknown>);
      if (answers.at(-1)?.op === "pong") resolve();
    });
  });
  for (const text of odd) socket.send(text);
  socket.send(Buffer.from([1, 2, 3]));
  socket.send('{"op":"ping"}');
  await all;
  const codes = answers.slice(0, -1).map(({ op, error }) => [op, (error as { code: string }).code]);
  assert.deepEqual(codes, [...odd.map(() => ["error", "invalid_argument"]), ["error", "unsupported_type"]]);
  const closed = new Promise<number>((resolve) => socket.once("close", resolve));
  socket.send("x".repeat(1024 * 1024 + 1));
  assert.equal(await closed, 1009);
});

test("a request head that is not HTTP, and one that never ends, leave the engine well", async () => {
  const { connect } = await import("node:net");
  const port = Number(new URL(engine.server.url).port);
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("\u0000\u0001 nonsense\r\n\r\n"));
    let text = "";
    socket.on("data", (data) => {
      text += String(data);
    });
    socket.on("close", () => resolve(text));
  });
  assert.match(answer, /^HTTP\/1\.1 400/);
  const hanging = request({
    host: "127.0.0.1",
    port,
    method: "POST",
    path: "/v1/spaces/s/documents?source=x",
    headers: { "content-length": "1000000" },
  });
  hanging.on("error", () => {});
  hanging.write("part");
  assert.equal((await fetch(`${engine.server.url}/readyz`)).status, 200);
  hanging.destroy();
});
