import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientMessage, Frame, Gap, Seq, StreamId } from "@millrace/protocol";
import { type WebSocket, WebSocketServer } from "ws";
import { createClient, type MillraceError, type SubscriptionStatus } from "../src/index.ts";
import { closedUrl, serve } from "./serve.ts";

const stream = "job:wire" as StreamId;
const frame = (seq: number, name = stream): Frame => {
  return { stream: name, epoch: "e1", seq: seq as Seq, ts: seq, type: "x.note", id: `n${seq}`, data: { seq } };
};
const fast = { rng: () => 0 };

/** An engine's WebSocket whose behaviour per subscribe is given. */
async function engine(onSubscribe: (socket: WebSocket, message: ClientMessage & { op: "subscribe" }) => void) {
  const { server, url, [Symbol.asyncDispose]: close } = await serve((_, response) => response.writeHead(404).end());
  const sockets = new WebSocketServer({ server, path: "/v1/ws" });
  const seen = { connections: 0, messages: [] as ClientMessage[] };
  sockets.on("connection", (socket) => {
    seen.connections++;
    socket.on("message", (text) => {
      const message = JSON.parse(String(text)) as ClientMessage;
      seen.messages.push(message);
      if (message.op === "subscribe") onSubscribe(socket, message);
    });
  });
  const dispose = async () => {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
    await close();
  };
  return { url, seen, [Symbol.asyncDispose]: dispose };
}

const say = (socket: WebSocket, message: object) => socket.send(JSON.stringify(message));
const seqOf = (after: string | undefined) => Number(after?.split(":")[1] ?? 0);

async function take(frames: AsyncIterable<Frame>, count: number): Promise<number[]> {
  const seqs: number[] = [];
  for await (const { seq } of frames) if (seqs.push(seq) === count) break;
  return seqs;
}

test("over a real WebSocket cut after every single frame, nothing is lost, repeated or out of order", async () => {
  await using real = await engine((socket, { sub, after }) => {
    const from = seqOf(after);
    say(socket, { op: "subscribed", sub, stream, epoch: "e1", head: 40, after: from });
    const repeated = from > 0 ? [frame(from)] : [];
    say(socket, { op: "frames", sub, frames: [...repeated, frame(from + 1)] });
    if (from % 2 === 0) socket.close(1001);
    else socket.terminate();
  });
  const client = createClient({ url: real.url, ...fast });
  const seqs = await take(client.stream(stream).subscribe(), 40);
  client.close();
  assert.deepEqual(
    seqs,
    Array.from({ length: 40 }, (_, at) => at + 1),
  );
  assert.ok(real.seen.connections >= 40, `${real.seen.connections} connections`);
});

test("many streams share one socket", async () => {
  await using real = await engine((socket, { sub, stream: name }) => {
    say(socket, { op: "subscribed", sub, stream: name, epoch: "e1", head: 3, after: 0 });
    say(socket, { op: "frames", sub, frames: [1, 2, 3].map((seq) => frame(seq, name as StreamId)) });
  });
  const client = createClient({ url: real.url, ...fast });
  const names = Array.from({ length: 20 }, (_, at) => `job:${at}`);
  const taken = await Promise.all(names.map((name) => take(client.stream(name).subscribe(), 3)));
  client.close();
  assert.ok(taken.every((seqs) => seqs.join() === "1,2,3"));
  assert.equal(real.seen.connections, 1);
});

test("leaving the loop unsubscribes", async () => {
  let unsubscribed = () => {};
  const done = new Promise<void>((resolve) => {
    unsubscribed = resolve;
  });
  await using real = await engine((socket, { sub }) => {
    socket.on("message", (text) => {
      if ((JSON.parse(String(text)) as ClientMessage).op === "unsubscribe") unsubscribed();
    });
    say(socket, { op: "frames", sub, frames: [frame(1)] });
  });
  const client = createClient({ url: real.url, ...fast });
  await take(client.stream(stream).subscribe(), 1);
  await done;
  client.close();
});

test("a gap is told in its place; without onGap it ends the loop as gone", async () => {
  await using real = await engine((socket, { sub }) => {
    const gap: Gap = { stream, epoch: "e1", after: 2, first: 9, head: 9, reason: "retention" };
    say(socket, { op: "subscribed", sub, stream, epoch: "e1", head: 9, after: 8 });
    say(socket, { op: "gap", sub, ...gap });
    say(socket, { op: "frames", sub, frames: [frame(9)] });
  });
  const client = createClient({ url: real.url, ...fast });
  const told: number[] = [];
  const frames = client.stream(stream).subscribe({ after: "e1:2", onGap: ({ first }) => void told.push(first) });
  assert.deepEqual(await take(frames, 1), [9]);
  assert.deepEqual(told, [9]);
  const silent = client.stream(stream).subscribe({ after: "e1:2" });
  await assert.rejects(take(silent, 1), { code: "gone", message: /frames 3 to 8 of job:wire/ });
  client.close();
});

test("an error that cannot pass ends the loop with the engine's code", async () => {
  await using real = await engine((socket, { sub, stream: name }) => {
    if (name === "job:closed") socket.close(4401, "send a key");
    else say(socket, { op: "error", sub, error: { code: "forbidden", message: "not yours", retryable: false } });
  });
  const client = createClient({ url: real.url, ...fast });
  await assert.rejects(take(client.stream(stream).subscribe(), 1), { code: "forbidden", message: "not yours" });
  await assert.rejects(take(client.stream("job:closed").subscribe(), 1), {
    code: "unauthenticated",
    message: /send a key/,
  });
  client.close();
});

test("a refused connection is reported with the address and how to start an engine, and tried again", async () => {
  const url = await closedUrl();
  const client = createClient({ url, ...fast });
  const abort = new AbortController();
  const waits: MillraceError[] = [];
  const onStatus = (status: SubscriptionStatus) => {
    if (status.state === "waiting" && waits.push(status.error) === 3) abort.abort();
  };
  assert.deepEqual(await take(client.stream(stream).subscribe({ signal: abort.signal, onStatus }), 1), []);
  assert.equal(waits[0]?.code, "unavailable");
  assert.ok(waits[0]?.message.includes(url) && waits[0].message.includes("millrace serve"));
  await assert.rejects(client.overview(), { code: "unavailable", message: /millrace serve/, retryable: true });
});

test("without a WebSocket, server-sent events are followed across disconnects", async () => {
  await using real = await serve((request, response) => {
    const from = seqOf(new URL(request.url ?? "", "http://x").searchParams.get("after") ?? undefined);
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(": hello\n\n");
    for (const seq of [from, from + 1, from + 2].filter((seq) => seq > 0)) {
      response.write(`id: e1:${seq}\nevent: frame\ndata: ${JSON.stringify(frame(seq))}\n\n`);
    }
    if (from % 4 === 0) response.end();
    else response.write(`data: half a fra`, () => response.destroy());
  });
  const client = createClient({ url: real.url, WebSocket: null, ...fast });
  assert.deepEqual(
    await take(client.stream(stream).subscribe(), 21),
    Array.from({ length: 21 }, (_, at) => at + 1),
  );
});

test("with a key, the WebSocket and HTTP both carry it", async () => {
  const seen: (string | undefined)[] = [];
  await using real = await serve((request, response) => {
    seen.push(request.headers.authorization);
    response.end(JSON.stringify({ spaces: [] }));
  });
  const sockets = new WebSocketServer({ server: real.server, path: "/v1/ws" });
  sockets.on("connection", (socket, request) => {
    seen.push(request.headers["sec-websocket-protocol"]);
    socket.on("message", (text) => {
      say(socket, { op: "frames", sub: (JSON.parse(String(text)) as { sub: number }).sub, frames: [frame(1)] });
    });
  });
  const client = createClient({ url: real.url, key: "k123", ...fast });
  await client.spaces.list();
  await take(client.stream(stream).subscribe(), 1);
  client.close();
  for (const socket of sockets.clients) socket.terminate();
  assert.deepEqual(seen, ["Bearer k123", "millrace.v1, millrace.key.k123"]);
});

test("closing the client also ends subscriptions and writers that wait to connect again", async () => {
  const client = createClient({ url: await closedUrl(), rng: () => 0.9 });
  const states: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const onStatus = ({ state }: { readonly state: string }) => {
    states.push(state);
    if (states.filter((one) => one === "waiting").length === 2) resolve();
  };
  const reading = take(client.stream(stream).subscribe({ onStatus }), 1);
  const writer = client.stream(stream).writer({ onStatus });
  const flushed = writer.write({ type: "x", data: 1 }).then(() => writer.flush());
  await promise;
  client.close();
  assert.deepEqual(await reading, []);
  await assert.rejects(flushed, { code: "cancelled" });
  assert.deepEqual(states.slice(-2), ["closed", "closed"]);
});
