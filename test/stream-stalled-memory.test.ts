import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { createClient } from "@millrace/client";
import { SUBSCRIBER_BYTES_MAX } from "@millrace/stream";
import { temporaryDirectory } from "./support/engine.ts";
import { maskedText } from "./support/raw-readers.ts";
import { openRaw } from "./support/raw-socket.ts";
import { until } from "./support/until.ts";

const program = fileURLToPath(new URL("./support/measured-engine.ts", import.meta.url));
const FLAGS = ["--expose-gc", "--conditions=source", "--disable-warning=ExperimentalWarning"];
const MIB = 1024 * 1024;
const READERS = 10;
const FRAMES = 200;
const FRAME_CHARS = 100_000;
/** Most bytes of one batch beyond the budget: one read of the log, with the frame that may cross it. */
const BATCH_BYTES = MIB + FRAME_CHARS;
/** What an engine keeps besides: the stream's ring and page caches, and what the collector has not given back. */
const OTHER_BYTES = 8 * MIB;

type Held = { readonly heldBytes: number; readonly rssBytes: number };

/** An engine whose memory can be asked for. */
async function spawnMeasured(directory: string) {
  const child = spawn(process.execPath, [...FLAGS, program, directory], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => String((await lines.next()).value);
  const url = await next();
  return {
    url,
    async held(): Promise<Held> {
      child.stdin.write("\n");
      return JSON.parse(await next()) as Held;
    },
    async [Symbol.asyncDispose]() {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

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
  const metrics = await (await fetch(`${engine.url}/metrics`)).text();
  const unsent = Number(/^millrace_subscriber_unsent_bytes (\d+)$/m.exec(metrics)?.[1]);
  const during = await engine.held();
  const grown = during.heldBytes - before.heldBytes;
  const grownRss = during.rssBytes - before.rssBytes;
  const toMib = (bytes: number) => (bytes / MIB).toFixed(1);
  t.diagnostic(
    `heap and buffers grew by ${toMib(grown)} MiB, RSS by ${toMib(grownRss)} MiB, unsent on WebSockets ${toMib(unsent)} MiB`,
  );
  assert.ok(unsent > SUBSCRIBER_BYTES_MAX, `the sockets must really stall: ${unsent}`);
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
