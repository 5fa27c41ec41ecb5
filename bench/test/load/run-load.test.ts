import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { type WebSocket, WebSocketServer } from "ws";
import { LOAD_DEFAULTS } from "../../load/load-defaults.ts";
import { runLoad } from "../../load/run-load.ts";

/** A server of the plain protocol that does to the frames of each append what `deliver` says. */
async function faultyServer(deliver: (events: readonly string[], send: (event: string) => void) => void) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  const followers = new Set<WebSocket>();
  server.on("connection", (socket) => {
    socket.on("message", (bytes) => {
      const { op, id, events } = JSON.parse(String(bytes));
      if (op === "follow") followers.add(socket);
      if (op !== "publish") return socket.send('{"op":"ready"}');
      const texts = events.map((event: unknown) => JSON.stringify(event));
      for (const follower of followers) deliver(texts, (text) => follower.send(text));
      return socket.send(`{"op":"published","id":${id}}`);
    });
  });
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      for (const client of server.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const SHORT = {
  ...LOAD_DEFAULTS,
  target: "plain-ws",
  subscribers: 3,
  rate: 200,
  batch: 4,
  seconds: 0.4,
  warmupSeconds: 0,
} as const;

test("a server that drops a frame of every four is found out", async () => {
  await using server = await faultyServer((events, send) => events.slice(1).forEach(send));
  const { lost, duplicated, reordered, sent } = await runLoad({ ...SHORT, url: server.url });
  assert.ok(sent >= 80);
  assert.deepEqual({ lost, duplicated, reordered }, { lost: (sent / 4) * 3, duplicated: 0, reordered: 0 });
});

test("a server that repeats a frame, or sends one late, is found out", async () => {
  await using server = await faultyServer(([a = "", b = "", c = "", d = ""], send) => [a, c, b, d, d].forEach(send));
  const { lost, duplicated, reordered, sent } = await runLoad({ ...SHORT, url: server.url });
  const each = (sent / 4) * 3;
  assert.deepEqual({ lost, duplicated, reordered }, { lost: 0, duplicated: each, reordered: each });
});

test("time in the server counts from the intended sending, also for frames that were sent late because of it", async () => {
  const stallMs = 300;
  let hasStalled = false;
  await using server = await faultyServer((events, send) => {
    // The server's process is held for a while once: what comes in that time waits.
    if (!hasStalled) {
      hasStalled = true;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stallMs);
    }
    events.forEach(send);
  });
  const { latencyMs, lost, deliveries } = await runLoad({ ...SHORT, url: server.url });
  assert.equal(lost, 0);
  assert.ok(deliveries > 0);
  assert.ok(latencyMs.p99 >= stallMs * 0.8, `p99 ${latencyMs.p99} ms`);
  assert.ok(latencyMs.p50 >= stallMs * 0.2, `p50 ${latencyMs.p50} ms`);
});
