/** Many conversations at once, in the process: what the engine's own loop costs, with readers that check every frame. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Histogram } from "@millrace/core";
import type { StreamEvent, StreamId } from "@millrace/protocol";
import type { Batch, Follower, FollowerSink, Sequencer, Storage } from "@millrace/stream";
import { OrderCheck } from "../load/order-check.ts";
import { type BenchCase, defineCase } from "../src/case.ts";

/** Deltas a second of one conversation: what a fast model writes. */
const RATE = 50;
const SECONDS = 3;
const READERS_MAX = 5;

type Log = { readonly storage: Storage; readonly sequencer: Sequencer; readonly directory: string };

class CheckingSink implements FollowerSink {
  readonly unsentBytes = 0;
  readonly order = new OrderCheck();
  failures = 0;

  begin(): void {}

  frames({ frames }: Batch): void {
    for (const { seq } of frames) this.order.take(seq);
  }

  gap(): void {
    this.failures++;
  }

  fail(): void {
    this.failures++;
  }
}

/** What a model's answer is made of: its start, then five characters at a time. */
function eventOf(head: number): StreamEvent {
  if (head === 1) return { type: "llm.start", id: "m1", data: { model: "bench" } };
  return { type: "llm.delta", id: "m1", data: { offset: (head - 2) * 5, append: "word " } };
}

/** Appends `RATE` deltas a second to each conversation, at times fixed beforehand and spread evenly. */
async function converse(
  sequencer: Sequencer,
  names: readonly StreamId[],
  latency: Histogram,
): Promise<{ readonly heads: number[] }> {
  const heads = names.map(() => 0);
  const perSecond = RATE * names.length;
  const total = perSecond * SECONDS;
  const startMs = performance.now();
  const durable: Promise<unknown>[] = [];
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - startMs) * perSecond) / 1_000));
    for (; sent < due; sent++) {
      const at = sent % names.length;
      const head = (heads[at] ?? 0) + 1;
      heads[at] = head;
      const intendedMs = startMs + (sent * 1_000) / perSecond;
      const submitted = sequencer.submit(names[at] as StreamId, [eventOf(head)]);
      durable.push(submitted.then((one) => one.durable));
      void submitted.then(() => latency.record((performance.now() - intendedMs) * 1_000));
    }
    await sleep(1);
  }
  await Promise.all(durable);
  return { heads };
}

function conversationsCase(conversations: number): BenchCase {
  return defineCase({
    name: `stream/conversations-${conversations}`,
    title: `${conversations} conversations of ${RATE} deltas a second, 1–${READERS_MAX} readers each: one turn of the consume loop`,
    unit: "µs",
    figures: {
      consumeP50: { kind: "latency" },
      consumeP95: { kind: "latency", ...(conversations === 20 ? { bar: 100 } : {}) },
      consumeP99: { kind: "latency" },
      submitP95: { kind: "latency", unit: "ms" },
      frames: { kind: "plain", unit: "frames/s" },
      broken: { kind: "latency", unit: "frames", bar: 0 },
    },
    options: { conversations, rate: RATE, seconds: SECONDS, readersMax: READERS_MAX },
    setup: async (): Promise<Log> => {
      const { openStorage, Sequencer } = await import("@millrace/stream");
      const directory = mkdtempSync(join(tmpdir(), "millrace-bench-"));
      const storage = await openStorage({ directory });
      return { storage, sequencer: new Sequencer({ storage }), directory };
    },
    teardown: async ({ storage, directory }) => {
      await storage.close();
      rmSync(directory, { recursive: true, force: true });
    },
    run: async ({ storage, sequencer }) => {
      const { Follower } = await import("@millrace/stream");
      const run = Math.round(performance.now());
      const names = Array.from({ length: conversations }, (_, at) => `talk:${run}-${at}` as StreamId);
      const readers: { at: number; sink: CheckingSink; follower: Follower }[] = [];
      for (const [at, stream] of names.entries()) {
        for (let n = 0; n < 1 + (at % READERS_MAX); n++) {
          const sink = new CheckingSink();
          readers.push({
            at,
            sink,
            follower: await Follower.start({ sequencer, storage, stream, after: undefined, sink }),
          });
        }
      }
      // Only this run's turns: the warm-up is in the same histogram.
      sequencer.consumeMicros.reset();
      const latency = new Histogram();
      const { heads } = await converse(sequencer, names, latency);
      const lost = () => readers.reduce((sum, { at, sink }) => sum + sink.order.lost(heads[at] ?? 0), 0);
      for (let waited = 0; lost() > 0 && waited < 2_000; waited += 5) await sleep(5);
      for (const { follower } of readers) follower[Symbol.dispose]();
      const broken = readers.reduce(
        (sum, { sink: { order, failures } }) => sum + order.duplicated + order.reordered + failures,
        lost(),
      );
      const { consumeMicros } = sequencer;
      return {
        consumeP50: consumeMicros.quantile(0.5),
        consumeP95: consumeMicros.quantile(0.95),
        consumeP99: consumeMicros.quantile(0.99),
        submitP95: latency.quantile(0.95) / 1_000,
        frames: (RATE * conversations * SECONDS) / SECONDS,
        broken,
      };
    },
  });
}

export const cases: readonly BenchCase[] = [1, 5, 20, 200].map(conversationsCase);
