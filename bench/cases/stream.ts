import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Histogram } from "@millrace/core";
import type { StreamId } from "@millrace/protocol";
import type { Batch, Follower, FollowerSink, Sequencer, Storage } from "@millrace/stream";
import { type BenchCase, defineCase } from "../src/case.ts";

type Log = { readonly storage: Storage; readonly sequencer: Sequencer; readonly directory: string };

const DATA = { text: "x".repeat(120), role: "assistant" };

async function openLog(): Promise<Log> {
  const { openStorage, Sequencer } = await import("@millrace/stream");
  const directory = mkdtempSync(join(tmpdir(), "millrace-bench-"));
  const storage = await openStorage({ directory });
  return { storage, sequencer: new Sequencer({ storage }), directory };
}

async function closeLog({ storage, directory }: Log): Promise<void> {
  await storage.close();
  rmSync(directory, { recursive: true, force: true });
}

/** `inFlight` appends are under way at once: what a group commit has to share. */
function appendCase(batch: number, inFlight: number, calls: number): BenchCase {
  return defineCase({
    name: `stream/append-${batch}x${inFlight}`,
    title: `durable append of ${batch} events of 200 B a call in the process, ${inFlight} calls in flight`,
    unit: "frames/s",
    figures: {
      frames: { kind: "throughput", ...(batch > 1 ? { bar: 80_000 } : {}) },
      p50: { kind: "latency", unit: "ms" },
      p99: { kind: "latency", unit: "ms", ...(batch > 1 ? { bar: 10 } : {}) },
    },
    options: { batch, calls, inFlight, synchronous: "FULL" },
    setup: openLog,
    teardown: closeLog,
    run: async ({ sequencer }) => {
      const events = Array.from({ length: batch }, () => ({ type: "llm.delta", data: DATA }));
      const micros = new Histogram();
      let left = calls;
      const startedMs = performance.now();
      const lane = async (n: number) => {
        while (left-- > 0) {
          const sentMs = performance.now();
          await sequencer.append(`bench:${n % 8}` as StreamId, events);
          micros.record((performance.now() - sentMs) * 1000);
        }
      };
      await Promise.all(Array.from({ length: inFlight }, (_, n) => lane(n)));
      const seconds = (performance.now() - startedMs) / 1000;
      return { frames: (calls * batch) / seconds, p50: micros.quantile(0.5) / 1000, p99: micros.quantile(0.99) / 1000 };
    },
  });
}

/** Counts, and lets the run wait for the last frame. */
class CountingSink implements FollowerSink {
  readonly unsentBytes = 0;
  seq = 0;
  broken = 0;
  readonly onFrames: () => void;

  constructor(onFrames: () => void) {
    this.onFrames = onFrames;
  }

  begin(): void {}

  frames({ frames }: Batch): void {
    for (const { seq } of frames) {
      if (seq !== this.seq + 1) this.broken++;
      this.seq = seq;
    }
    this.onFrames();
  }

  gap(): void {
    this.broken++;
  }

  fail(): void {
    this.broken++;
  }
}

const FOLLOWERS = 500;
const FANOUT_FRAMES = 2_000;

const fanOut = defineCase({
  name: "stream/fan-out-500",
  title: `${FANOUT_FRAMES} frames handed to ${FOLLOWERS} followers in the process, order and gaps checked`,
  unit: "deliveries/s",
  figures: { deliveries: { kind: "throughput" }, broken: { kind: "plain" } },
  options: { followers: FOLLOWERS, frames: FANOUT_FRAMES, batch: 20, sockets: false },
  setup: openLog,
  teardown: closeLog,
  run: async ({ sequencer, storage }) => {
    const { Follower } = await import("@millrace/stream");
    const stream = `fan:${performance.now()}` as StreamId;
    const sinks: CountingSink[] = [];
    const followers: Follower[] = [];
    const done = Promise.withResolvers<void>();
    const check = () => {
      if (sinks.length === FOLLOWERS && sinks.every(({ seq }) => seq === FANOUT_FRAMES)) done.resolve();
    };
    for (let n = 0; n < FOLLOWERS; n++) {
      const sink = new CountingSink(() => sink.seq === FANOUT_FRAMES && check());
      followers.push(await Follower.start({ sequencer, storage, stream, after: undefined, sink }));
      sinks.push(sink);
    }
    const events = Array.from({ length: 20 }, () => ({ type: "llm.delta", data: DATA }));
    const startedMs = performance.now();
    const appends: Promise<unknown>[] = [];
    for (let sent = 0; sent < FANOUT_FRAMES; sent += 20) appends.push(sequencer.append(stream, events));
    await Promise.all(appends);
    await done.promise;
    const seconds = (performance.now() - startedMs) / 1000;
    for (const follower of followers) follower[Symbol.dispose]();
    return {
      deliveries: (FOLLOWERS * FANOUT_FRAMES) / seconds,
      broken: sinks.reduce((sum, sink) => sum + sink.broken, 0),
    };
  },
});

export const cases: readonly BenchCase[] = [
  appendCase(1, 64, 8_000),
  appendCase(1, 1_024, 40_000),
  appendCase(16, 8, 4_000),
  appendCase(16, 64, 8_000),
  appendCase(256, 2, 800),
  appendCase(256, 4, 800),
  fanOut,
];
