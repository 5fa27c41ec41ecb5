/** Connections of every kind are cut at random bytes, over and over, while writers append as fast as they can. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { test } from "node:test";
import { createClient } from "@millrace/client";
import { createRng, randomBelow } from "@millrace/core";
import { CuttingRelay } from "./support/cutting-relay.ts";
import { temporaryDirectory } from "./support/engine.ts";
import { openSseReader, openWsReader, type RawFrame, type RawReader } from "./support/raw-readers.ts";
import { spawnEngine } from "./support/spawn-engine.ts";
import { until } from "./support/until.ts";

const CUTS = 10_000;
const STREAMS = ["chat:1", "chat:2"];
const WRITERS_PER_STREAM = 2;
/** Writers wait for readers further behind than this, or the test would measure how long catching up takes. */
const AHEAD_MAX = 200;

/** What one reader must see: numbers without a hole or repeat, and each writer's events in the order it sent them. */
class Follow {
  readonly name: string;
  position = 0;
  wrong: string | undefined;
  readonly #next = new Array<number>(WRITERS_PER_STREAM).fill(0);

  constructor(name: string) {
    this.name = name;
  }

  take({ seq, data }: RawFrame): void {
    const { writer, n } = data as { writer: number; n: number };
    if (seq !== this.position + 1) this.odd(`frame ${seq} came after ${this.position}`);
    if (n !== this.#next[writer]) this.odd(`event ${n} of writer ${writer} came for ${this.#next[writer]}`);
    this.position = seq;
    this.#next[writer] = n + 1;
  }

  odd(what: string): void {
    this.wrong ??= `${this.name}: ${what}`;
  }
}

type Following = { readonly stream: string; readonly follow: Follow } & Disposable;

function followRaw(url: string, kind: "sse" | "frames" | "compact" | "window", stream: string): Following {
  const follow = new Follow(`${kind} ${stream}`);
  const options = { url, stream, onFrame: follow.take.bind(follow), onOdd: follow.odd.bind(follow) };
  const forms = {
    frames: { format: "frames" },
    compact: { format: "compact" },
    window: { format: "compact", window: 40 },
  } as const;
  const reader: RawReader = kind === "sse" ? openSseReader(options) : openWsReader(options, forms[kind]);
  return { stream, follow, [Symbol.dispose]: () => reader[Symbol.dispose]() };
}

/** The SDK, which has to hide all of it. */
function followSdk(url: string, kind: "socket" | "sse", stream: string): Following {
  const client = createClient({ url, rng: () => 0, ...(kind === "sse" ? { WebSocket: null } : {}) });
  const follow = new Follow(`SDK ${kind} ${stream}`);
  const reading = async () => {
    for await (const frame of client.stream(stream).subscribe({ onGap: () => follow.odd("a gap") })) follow.take(frame);
  };
  reading().catch((error: unknown) => follow.odd(String(error)));
  return { stream, follow, [Symbol.dispose]: () => client.close() };
}

test("I1: 10,000 connections cut at random bytes while writers append: no reader loses, repeats or reorders a frame", async (t) => {
  const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 2 ** 31);
  t.diagnostic(`MILLRACE_SEED=${seed}`);
  const rng = createRng(seed);
  const directory = temporaryDirectory();
  await using engine = await spawnEngine(directory);
  await using relay = await CuttingRelay.start(engine.url);
  // A quarter is cut while it connects, most within some frames; now and then one lives long enough to come near.
  relay.nextCut = () => randomBelow(rng, [300, 4_000, 4_000, 60_000][randomBelow(rng, 4)] ?? 1);
  const startedMs = performance.now();
  const readers: Following[] = STREAMS.flatMap((stream) => [
    ...(["sse", "frames", "compact", "window"] as const).flatMap((kind) =>
      Array.from({ length: 8 }, () => followRaw(relay.url, kind, stream)),
    ),
    ...(["socket", "sse"] as const).map((kind) => followSdk(relay.url, kind, stream)),
  ]);
  const client = createClient({ url: engine.url });
  const slowest = (stream: string) =>
    Math.min(...readers.flatMap((reader) => (reader.stream === stream ? [reader.follow.position] : [])));
  const check = () =>
    assert.deepEqual(
      readers.flatMap(({ follow }) => follow.wrong ?? []),
      [],
    );
  const write = async (stream: string, writer: number) => {
    for (let n = 0; relay.cuts < CUTS; ) {
      const count = 1 + randomBelow(rng, 10);
      const events = Array.from({ length: count }, (_, at) => ({ type: "log", data: { writer, n: n + at } }));
      const { lastSeq } = await client.stream(stream).append(events);
      n += count;
      await until(
        () => {
          check();
          return lastSeq - slowest(stream) <= AHEAD_MAX || relay.cuts >= CUTS;
        },
        () => `${relay.cuts} cuts`,
      );
    }
  };
  try {
    await Promise.all(
      STREAMS.flatMap((stream) => Array.from({ length: WRITERS_PER_STREAM }, (_, at) => write(stream, at))),
    );
    const cutMs = performance.now() - startedMs;
    relay.nextCut = () => Number.POSITIVE_INFINITY;
    relay.cut();
    const heads = new Map((await client.streams.list()).map(({ stream, head }) => [stream, head]));
    await until(
      () => {
        check();
        return readers.every(({ stream, follow }) => follow.position >= (heads.get(stream) ?? 0));
      },
      () => `catching up: ${STREAMS.map((stream) => `${slowest(stream)} of ${heads.get(stream)}`).join()}`,
    );
    check();
    for (const { stream, follow } of readers) assert.equal(follow.position, heads.get(stream));
    t.diagnostic(
      `${relay.cuts} cuts in ${Math.round(cutMs)} ms, frames ${[...heads.values()].join()}, all in ${Math.round(performance.now() - startedMs)} ms`,
    );
    assert.ok(relay.cuts >= CUTS);
  } finally {
    for (const reader of readers) reader[Symbol.dispose]();
    client.close();
    await engine.kill();
    rmSync(directory, { recursive: true, force: true });
  }
});
