/** What a stalled reader and a stalled disk cost the others: a real server, its database locked or its sockets not read. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { DATABASE_FILE, SUBSCRIBER_BYTES_MAX } from "@millrace/stream";
import { appendAll } from "../load/append-all.ts";
import { FrameScanner } from "../load/frame-scanner.ts";
import { LatencyTable } from "../load/latency-table.ts";
import { LOAD_DEFAULTS } from "../load/load-defaults.ts";
import { rssBytesOf } from "../load/process-meter.ts";
import { type Disturbance, type LoadOptions, type LoadResult, runLoad } from "../load/run-load.ts";
import { spawnServer } from "../load/spawn-server.ts";
import { Subscriber } from "../load/subscriber.ts";
import { millraceTarget } from "../load/targets/millrace.ts";
import { type BenchCase, defineCase } from "../src/case.ts";
import { note } from "../src/note.ts";

const READERS = 10;
const BYTES = 200;
const APPENDED_BYTES = 20 * 1024 * 1024;
const BATCH = 64;
const FRAMES = Math.ceil(APPENDED_BYTES / BYTES / BATCH) * BATCH;
const WARMUPS = 3;
/** Appends with and without stalled readers take turns: a collection of garbage at the wrong moment is as large as what is measured. */
const ROUNDS = 3;
const MEGABYTE = 1024 ** 2;
/** Time in which a server's memory settles after an append, and in which readers that go on must have everything. */
const SETTLE_MS = 1_000;
const CATCH_UP_MS = 20_000;
const target = millraceTarget({ transport: "ws", writer: "ws", format: "frames", ack: "durable" });

/** Most memory of the process until `done` settles and a moment after, in MB beyond what it had before. */
async function growthDuring(pid: number, work: Promise<unknown>): Promise<number> {
  const before = rssBytesOf(pid, "now") ?? 0;
  let [peak, isDone] = [before, false];
  const finished = work
    .then(() => sleep(SETTLE_MS))
    .finally(() => {
      isDone = true;
    });
  while (!isDone) {
    peak = Math.max(peak, rssBytesOf(pid, "now") ?? 0);
    await sleep(20);
  }
  await finished;
  return (peak - before) / MEGABYTE;
}

async function startReaders(url: URL, stream: string): Promise<Subscriber[]> {
  const tally = { latencies: new LatencyTable(), delivered: 0, lastDeliveryMicros: 0, measureFromMicros: 0 };
  const scanner = new FrameScanner(target.marker);
  const readers = Array.from(
    { length: READERS },
    () => new Subscriber({ url, plan: target.follow, stream, streamIndex: 0, scanner, tally, onProgress: () => {} }),
  );
  await Promise.all(readers.map((reader) => reader.start()));
  for (const reader of readers) reader.pause();
  return readers;
}

/** Lets them read on; returns the frames that were lost, repeated or out of order. */
async function catchUp(readers: readonly Subscriber[]): Promise<number> {
  for (const reader of readers) reader.resume();
  const lost = () => readers.reduce((sum, { order }) => sum + order.lost(FRAMES), 0);
  const untilMs = performance.now() + CATCH_UP_MS;
  while (lost() > 0 && performance.now() < untilMs) await sleep(10);
  for (const reader of readers) {
    if (reader.ended !== undefined) note(`a reader was cut off: ${reader.ended}`);
    reader.close();
  }
  return readers.reduce((sum, { order }) => sum + order.duplicated + order.reordered, lost());
}

const stalled = defineCase({
  name: "stream/stalled-readers",
  title: `${READERS} WebSocket readers that do not read while 20 MB are appended: growth of the server's memory beyond that of the same append without them`,
  unit: "MB",
  isSelfWarming: true,
  figures: {
    growth: { kind: "latency", bar: Math.round((READERS * SUBSCRIBER_BYTES_MAX * 1.1) / MEGABYTE) },
    growthWith: { kind: "plain" },
    growthWithout: { kind: "plain" },
    broken: { kind: "latency", unit: "frames", bar: 0 },
  },
  options: {
    readers: READERS,
    bytes: BYTES,
    frames: FRAMES,
    budgetBytes: SUBSCRIBER_BYTES_MAX,
    warmups: WARMUPS,
    rounds: ROUNDS,
  },
  setup: () => undefined,
  run: async () => {
    await using server = await spawnServer({ target: "millrace" });
    const url = new URL(server.url);
    const append = (stream: string) =>
      appendAll({ url, target, stream, frames: FRAMES, batch: BATCH, bytes: BYTES, inFlight: 8 });
    // The heap grows to what appending needs before anything is compared.
    for (let n = 0; n < WARMUPS; n++) await append(`warm-${n}`);
    await sleep(SETTLE_MS);
    const [without, having]: [number[], number[]] = [[], []];
    let broken = 0;
    for (let round = 0; round < ROUNDS; round++) {
      without.push(await growthDuring(server.pid, append(`alone-${round}`)));
      const readers = await startReaders(url, `stalled-${round}`);
      having.push(await growthDuring(server.pid, append(`stalled-${round}`)));
      broken += await catchUp(readers);
      await sleep(SETTLE_MS);
    }
    const [growthWithout, growthWith] = [medianOf(without), medianOf(having)];
    return { growth: Math.max(0, growthWith - growthWithout), growthWith, growthWithout, broken };
  },
});

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

const FREEZE_MS = 1_000;
/** Between two freezes, for the writer to get its turn. */
const THAW_MS = 100;
const FROZEN: LoadOptions = {
  ...LOAD_DEFAULTS,
  subscribers: 100,
  rate: 200,
  batch: 1,
  seconds: 5,
  ack: "accepted",
};

let freezes = 0;

/** Holds SQLite's write lock from outside, so that the storage thread waits inside its BEGIN, for a second at a time. */
const freeze: Disturbance = async ({ directory }, signal) => {
  freezes = 0;
  const db = new DatabaseSync(join(directory, DATABASE_FILE));
  try {
    db.exec("PRAGMA busy_timeout = 2000");
    while (!signal.aborted) {
      db.exec("BEGIN IMMEDIATE");
      freezes++;
      await sleep(FREEZE_MS);
      db.exec("ROLLBACK");
      await sleep(THAW_MS);
    }
  } finally {
    db.close();
  }
};

const brokenOf = ({ lost, duplicated, reordered }: LoadResult) => lost + duplicated + reordered;

const frozen = defineCase({
  name: "stream/frozen-disk",
  title: `SQLite locked for ${FREEZE_MS / 1_000} s, again and again, while 1 writer at ${FROZEN.rate}/s has ${FROZEN.subscribers} subscribers: latency beside an undisturbed run`,
  unit: "ms",
  isSelfWarming: true,
  figures: {
    fanOutP99: { kind: "latency" },
    fanOutP99Frozen: { kind: "latency" },
    fanOutRatio: { kind: "latency", unit: "×", bar: 1.2 },
    producerP99: { kind: "latency" },
    producerP99Frozen: { kind: "latency" },
    producerRatio: { kind: "latency", unit: "×", bar: 1.2 },
    durableP99Frozen: { kind: "plain" },
    freezes: { kind: "plain", unit: "times" },
    broken: { kind: "latency", unit: "frames", bar: 0 },
  },
  options: { freezeMs: FREEZE_MS, thawMs: THAW_MS, ...FROZEN },
  setup: () => undefined,
  run: async () => {
    // Undisturbed before and after, so that a machine that changes its speed shows in both.
    const before = await runLoad(FROZEN);
    const during = await runLoad(FROZEN, freeze);
    const times = freezes;
    const after = await runLoad(FROZEN);
    // What shows that the disk was frozen: answers that wait for it.
    const durable = await runLoad({ ...FROZEN, ack: "durable", seconds: 2 }, freeze);
    const fanOutP99 = (before.latencyMs.p99 + after.latencyMs.p99) / 2;
    const producerP99 = (before.ackMs.p99 + after.ackMs.p99) / 2;
    return {
      fanOutP99,
      fanOutP99Frozen: during.latencyMs.p99,
      fanOutRatio: during.latencyMs.p99 / fanOutP99,
      producerP99,
      producerP99Frozen: during.ackMs.p99,
      producerRatio: during.ackMs.p99 / producerP99,
      durableP99Frozen: durable.ackMs.p99,
      freezes: times,
      broken: brokenOf(before) + brokenOf(during) + brokenOf(after) + brokenOf(durable),
    };
  },
});

export const cases: readonly BenchCase[] = [stalled, frozen];
