import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import { createClient } from "@millrace/client";
import { SUBSCRIBER_BYTES_MAX } from "@millrace/stream";
import { temporaryDirectory } from "./support/engine.ts";
import { maskedText } from "./support/raw-readers.ts";
import { openRaw } from "./support/raw-socket.ts";
import { spawnMeasured } from "./support/spawn-measured.ts";
import { until } from "./support/until.ts";

const MIB = 1024 * 1024;
const READERS = 10;
const FRAMES = 200;
const FRAME_CHARS = 100_000;
/** Most bytes of one batch beyond the budget: one read of the log, with the frame that may cross it. */
const BATCH_BYTES = MIB + FRAME_CHARS;
/** What an engine keeps besides: the stream's ring and page caches, and what the collector has not given back. */
const OTHER_BYTES = 8 * MIB;

/** A reader that follows, in every wire form by turns, and takes nothing. */
async function openStalled(url: string, stream: string, at: number): Promise<Socket> {
  if (at % 3 === 0) {
    const socket = await openRaw(url, `GET /v1/streams/${stream}/sse HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    return socket.pause();
  }
  const upgrade =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";
  const socket = await openRaw(url, `GET /v1/ws HTTP/1.1\r\nHost: localhost\r\n${upgrade}\r\n\r\n`);
  socket.write(maskedText({ op: "subscribe", sub: at, stream, format: at % 3 === 1 ? "frames" : "compact" }));
  await once(socket, "data");
  return socket.pause();
}

test("I6: ten readers that take nothing while 20 MB are appended hold their budget and one batch each, and give it back when they go", async (t) => {
  await using engine = await spawnMeasured(temporaryDirectory());
  const client = createClient({ url: engine.url });
  const stream = client.stream("stalled:1");
  const text = "x".repeat(FRAME_CHARS);
  const append = async (count: number) => {
    for (let n = 0; n < count; n++) await stream.append([{ type: "log", data: { n, text } }]);
  };
  // The ring and whatever else comes with the first megabytes is there before it is measured.
  await append(20);
  const before = await engine.held();
  const readers = await Promise.all(
    Array.from({ length: READERS }, (_, at) => openStalled(engine.url, "stalled:1", at + 1)),
  );
  await append(FRAMES);
  let unsent = 0;
  await until(
    async () => {
      const metrics = await (await fetch(`${engine.url}/metrics`)).text();
      unsent = Number(/^millrace_subscriber_unsent_bytes (\d+)$/m.exec(metrics)?.[1]);
      return unsent > SUBSCRIBER_BYTES_MAX;
    },
    () => `the sockets must really stall: ${unsent}`,
  );
  const during = await engine.held();
  const grown = during.heldBytes - before.heldBytes;
  const grownRss = during.rssBytes - before.rssBytes;
  const toMib = (bytes: number) => (bytes / MIB).toFixed(1);
  t.diagnostic(
    `heap and buffers grew by ${toMib(grown)} MiB, RSS by ${toMib(grownRss)} MiB, unsent on WebSockets ${toMib(unsent)} MiB`,
  );
  assert.ok(unsent <= READERS * (SUBSCRIBER_BYTES_MAX + BATCH_BYTES), `${unsent} bytes are unsent`);
  assert.ok(grown <= READERS * (SUBSCRIBER_BYTES_MAX + BATCH_BYTES) + OTHER_BYTES, `grew by ${toMib(grown)} MiB`);
  for (const socket of readers) socket.destroy();
  let left = grown;
  await until(
    async () => {
      left = (await engine.held()).heldBytes - before.heldBytes;
      return left <= OTHER_BYTES;
    },
    () => `${toMib(left)} MiB are still held`,
  );
  client.close();
});
